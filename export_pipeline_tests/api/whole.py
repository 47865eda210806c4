"""The whole service, as customers and operators have it: the API, and Dagster's daemon behind it."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path

from export_pipeline.connectors.direct_download import DIRECT_DOWNLOAD
from export_pipeline.deployment import open_deployment
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
def a_whole_service(
    folder: Path, *, control_url: str | None = None, downloads: Path | None = None
) -> Iterator[Whole]:
    """One on an installation of its own, for as long as the block runs. Its control database and its
    downloads are where an operator's settings say.
    """
    with an_installation(folder / "home") as local:
        said = {"EXPORT_PIPELINE_CONTROL_URL": control_url, "EXPORT_PIPELINE_DOWNLOADS": downloads}
        variables = {name: str(value) for name, value in said.items() if value}
        here = [ip_network("127.0.0.0/8")]  # where the tests' servers are
        changes = {"control_url": control_url, "downloads": downloads, "allowed_networks": here}
        settings = local.deployment.settings.model_copy(update=changes)
        with closing(open_deployment(settings, local.deployment.environ)) as deployment:
            installation = replace(local, deployment=deployment)
            check(installation, DIRECT_DOWNLOAD)
            environ = {**dagster_environ(installation), **variables}
            instance = Instance(home=installation.folder / "dagster", environ=environ)
            log = folder / "api.log"
            with (
                serving(installation, log, **variables) as url,
                instance.webserver(free_port()) as (_, running),
            ):
                running.start_daemon()
                yield Whole(Api(url, installation, log), running)
