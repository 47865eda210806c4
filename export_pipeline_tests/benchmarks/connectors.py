"""`make bench-connectors`: one object of 2 GB written to each type of connector, on the tests' real servers.

Per connector: CPU milliseconds of our process per megabyte, megabytes per wall second, and how far the
process grew beyond its imports. Machines are noisy, and the servers run on the same one: CPU is the figure to
compare.
`make bench-connectors MEGABYTES=200` does less.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.connectors.direct_download import DirectDownloadConfig
from export_pipeline.connectors.folder import FolderConfig
from export_pipeline.connectors.mounted_folder import MountedFolderConfig
from export_pipeline.connectors.secret import reveal
from export_pipeline_tests.benchmarks.measured import Cost
from export_pipeline_tests.servers.azure import azurite, install_azurite
from export_pipeline_tests.servers.gcs import gcs
from export_pipeline_tests.servers.http import receiver
from export_pipeline_tests.servers.s3 import moto, seaweed, seaweed_is_here

MEGABYTES = 2_000
SECONDS_AT_MOST = 1800


@contextmanager
def to_s3() -> Iterator[ConnectorConfig]:
    with seaweed() if seaweed_is_here() else moto() as server:
        yield server.config(server.new_bucket())


@contextmanager
def to_gcs() -> Iterator[ConnectorConfig]:
    with gcs() as server:
        yield server.config(server.new_bucket())


@contextmanager
def to_azure() -> Iterator[ConnectorConfig]:
    if problem := install_azurite():
        raise SystemExit(f"no Azurite: {problem}")
    with azurite() as server:
        yield server.config(server.new_container())


@contextmanager
def to_http() -> Iterator[ConnectorConfig]:
    with receiver() as server:
        yield server.config(server.new_space())


@contextmanager
def to_folder() -> Iterator[ConnectorConfig]:
    with tempfile.TemporaryDirectory(prefix="export-pipeline-bench-") as name:
        yield MountedFolderConfig(path=Path(name))


@contextmanager
def to_direct_download() -> Iterator[ConnectorConfig]:
    with tempfile.TemporaryDirectory(prefix="export-pipeline-bench-") as name:
        yield DirectDownloadConfig(store=FolderConfig(path=Path(name)))


PLACES: dict[str, Callable[[], AbstractContextManager[ConnectorConfig]]] = {
    "s3": to_s3,
    "gcs": to_gcs,
    "azure": to_azure,
    "http": to_http,
    "folder": to_folder,
    "direct_download": to_direct_download,
}


def cost_of(connector: ConnectorConfig, megabytes: int) -> Cost:
    """What `one_object` printed, run in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-m", "export_pipeline_tests.benchmarks.one_object", str(megabytes)],
        input=reveal(connector),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=SECONDS_AT_MOST,
    )
    return Cost(**json.loads(ran.stdout.splitlines()[-1]))


def main(megabytes: int) -> None:
    """Measure and print, a line as it is known."""
    console = Console(width=110)
    table = Table("connector", "CPU ms / MB", "MB/s", "grown MB")
    for name, place in PLACES.items():
        with place() as connector:
            cost = cost_of(connector, megabytes)
        table.add_row(
            name,
            f"{cost.cpu * 1000 / megabytes:.2f}",
            f"{megabytes / cost.wall:,.0f}",
            f"{cost.grown_mb:.0f}",
        )
        console.print(f"{megabytes:,} MB, {name}: {cost.wall:.1f} s", style="dim")
    console.print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES)
