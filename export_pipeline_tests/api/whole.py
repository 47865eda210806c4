"""The whole service, as customers and operators have it: the API, and Dagster's daemon behind it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from export_pipeline.deployment import DIRECT_DOWNLOAD
from export_pipeline.processes.dagster import Instance, Running, free_port
from export_pipeline_tests.acceptance.conftest import SECONDS_TO_WAIT, dagster_environ
from export_pipeline_tests.api.conftest import Api, serving
from export_pipeline_tests.buckets import check
from export_pipeline_tests.installations import Installation, an_installation


@dataclass(frozen=True)
class Whole:
    """A server, the installation behind it, and Dagster's processes on that."""

    api: Api
    running: Running

    @property
    def installation(self) -> Installation:
        return self.api.installation

    def wait(self, done: Callable[[], bool], what: str) -> None:
        """Until `done`; fails when a process ends or it takes too long."""
        give_up = time.monotonic() + SECONDS_TO_WAIT
        while not done():
            self.running.check()
            assert time.monotonic() < give_up, f"not within {SECONDS_TO_WAIT} s: {what}"
            time.sleep(0.2)


@contextmanager
def a_whole_service(folder: Path) -> Iterator[Whole]:
    """One on an installation of its own, for as long as the block runs."""
    with an_installation(folder / "home") as installation:
        check(installation, DIRECT_DOWNLOAD)
        environ = dagster_environ(installation)
        instance = Instance(home=installation.folder / "dagster", environ=environ)
        log = folder / "api.log"
        with serving(installation, log) as url, instance.webserver(free_port()) as (_, running):
            running.start_daemon()
            yield Whole(Api(url, installation, log), running)
