"""Dagster's own processes on an installation, as an operator runs them."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from export_pipeline.connectors.direct_download import DIRECT_DOWNLOAD
from export_pipeline.processes.dagster import Instance, Running, free_port
from export_pipeline.processes.graphql import Webserver
from export_pipeline_tests.buckets import check
from export_pipeline_tests.installations import Installation, an_installation

ROOT = Path(__file__).parents[2]

# A run takes about five seconds to start, a backfill up to thirty to be noticed; tests may share a core.
SECONDS_TO_WAIT = 180


@dataclass(frozen=True)
class Services:
    """An installation with Dagster running on it. `environ` is what a shell there would have."""

    installation: Installation
    webserver: Webserver
    running: Running
    environ: dict[str, str]

    def wait(self, done: Callable[[], bool], what: str) -> None:
        """Until `done`; fails when a process ends or it takes too long."""
        give_up = time.monotonic() + SECONDS_TO_WAIT
        while not done():
            self.running.check()
            assert time.monotonic() < give_up, f"not within {SECONDS_TO_WAIT} s: {what}"
            time.sleep(0.2)


def dagster_environ(installation: Installation) -> dict[str, str]:
    """The environment for Dagster's programs: the project's own dagster.yaml, as it is."""
    home = installation.folder / "dagster"
    home.mkdir(exist_ok=True)
    shutil.copy(ROOT / "dagster.yaml", home)
    return {**os.environ, **installation.variables, "DAGSTER_HOME": str(home)}


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with an_installation(tmp_path / "home") as made:
        yield made


@pytest.fixture
def services(installation: Installation) -> Iterator[Services]:
    """Webserver and daemon on an installation with the export `events`."""
    installation.export()
    check(installation, DIRECT_DOWNLOAD)  # so that no check is due, and the runs there are are the test's
    environ = dagster_environ(installation)
    instance = Instance(home=installation.folder / "dagster", environ=environ)
    with instance.webserver(free_port()) as (webserver, running):
        running.start_daemon()
        yield Services(installation, webserver, running, environ)
