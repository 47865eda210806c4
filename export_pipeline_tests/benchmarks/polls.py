"""`make bench-polls`: how many times a second one process of the API says how far a task is, and how soon.

A task of a day whose hours are delivered, asked for by several clients at once, over a socket, with a key, on
each control database. The peer is `/healthz` in the same run: what the server and the framework cost when
nothing is looked up. Machines are noisy, and clients and server share this one: CPU seconds of the server and
the ratio are the figures to compare. `make bench-polls POLLS=1000` does less.
"""

import http.client
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from rich.console import Console
from rich.table import Table

from export_pipeline.deployment import open_deployment
from export_pipeline.store.database import writing
from export_pipeline.store.tasks import add_task
from export_pipeline_tests.api.conftest import Api, serving
from export_pipeline_tests.installations import FIRST, Installation, an_installation, hours
from export_pipeline_tests.runs import deliver
from export_pipeline_tests.servers.postgres import running_postgres

POLLS = 10_000
CLIENTS = 8
UNLIMITED = {"EXPORT_PIPELINE_REQUESTS_PER_MINUTE": "1000000000"}


@dataclass(frozen=True)
class Figures:
    """Of all polls of one address: how long they took together, each, and what the server worked."""

    seconds: float
    each: list[float]
    cpu: float

    def cells(self) -> tuple[str, ...]:
        cuts = statistics.quantiles(self.each, n=100)
        rate = len(self.each) / self.seconds
        per_thousand = 1000 * self.cpu / len(self.each)
        return f"{rate:,.0f}", f"{1000 * cuts[49]:.1f}", f"{1000 * cuts[98]:.1f}", f"{per_thousand:.2f}"


@contextmanager
def in_sqlite(folder: Path) -> Iterator[Installation]:
    with an_installation(folder / "home") as installation:
        yield installation


@contextmanager
def in_postgresql(folder: Path) -> Iterator[Installation]:
    with running_postgres() as url, an_installation(folder / "home") as installation:
        settings = installation.deployment.settings.model_copy(update={"control_url": url})
        deployment = open_deployment(settings, installation.deployment.environ)
        try:
            yield replace(installation, deployment=deployment)
        finally:
            deployment.close()


DATABASES = {"sqlite": in_sqlite, "postgresql": in_postgresql}


def polled(url: str, path: str, headers: Mapping[str, str], polls: int) -> Figures:
    """Ask so many times, by several clients that each keep a connection."""
    server = _server()
    host = urlsplit(url).netloc

    def ask(number: int) -> list[float]:
        connection = http.client.HTTPConnection(host, timeout=60)
        took = []
        for _ in range(number):
            began = time.perf_counter()
            connection.request("GET", path, headers=dict(headers))
            answer = connection.getresponse()
            answer.read()
            took.append(time.perf_counter() - began)
            assert answer.status == 200, answer.status
        connection.close()
        return took

    ask(polls // 100)  # the first ones open what stays open
    before, began = sum(server.cpu_times()[:2]), time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        each = [one for part in pool.map(ask, [polls // CLIENTS] * CLIENTS) for one in part]
    return Figures(time.perf_counter() - began, each, sum(server.cpu_times()[:2]) - before)


def _server() -> psutil.Process:
    """The process of the API, which its guard has started."""
    children = psutil.Process().children(recursive=True)
    (server,) = [child for child in children if "uvicorn" in child.cmdline() and "-c" not in child.cmdline()]
    return server


def main(polls: int) -> None:
    """Measure and print."""
    table = Table("control database", "asked for", "polls/s", "p50 ms", "p99 ms", "CPU s / 1000", "ratio")
    for name, database in DATABASES.items():
        with tempfile.TemporaryDirectory(prefix="export-pipeline-bench-") as folder:
            log = Path(folder) / "log"
            variables = dict(UNLIMITED)
            with database(Path(folder)) as installation:
                export = installation.export(standing=False)
                assert not deliver(installation, export, hours(0, 23)).failed
                with writing(installation.deployment.control) as connection:
                    until = FIRST + timedelta(hours=24)
                    task = add_task(connection, export, since=FIRST, until=until, force=False)
                if control := installation.deployment.settings.control_url:
                    variables["EXPORT_PIPELINE_CONTROL_URL"] = control
                with serving(installation, log, **variables) as url:
                    key = Api(url, installation, log).key("default", "exports:view")
                    headers = {"Authorization": f"Bearer {key}"}
                    peer = polled(url, "/healthz", {}, polls)
                    ours = polled(url, f"/api/v1/tasks/{task.id}", headers, polls)
            for what, one in (("a task", ours), ("/healthz", peer)):
                table.add_row(name, what, *one.cells(), f"{one.cpu / peer.cpu:.1f}")
    Console(width=110).print(table)


if __name__ == "__main__":
    main(*([int(sys.argv[1])] if sys.argv[1:] else [POLLS]))
