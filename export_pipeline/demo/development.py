"""Dagster and the API on one machine, until they are stopped; new exports appear by themselves."""

import os
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from export_pipeline.demo.home import DemoHome, demo_exports, instance_file
from export_pipeline.demo.samples import Sample
from export_pipeline.deployment import Deployment, open_deployment
from export_pipeline.errors import InvalidRequest
from export_pipeline.processes.api import server_command
from export_pipeline.processes.dagster import HOST, Instance, check_free, free_port, listens
from export_pipeline.settings import Settings
from export_pipeline.store.database import reading
from export_pipeline.store.exports import standing_exports

SECONDS_BETWEEN_LOOKS = 2.0

API_PORT = 8000


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the UI and the API listen. Nobody having said where the API does, it is where it can."""

    ui: int
    api: int

    @classmethod
    def free(cls, ui: int, api: int | None) -> "Ports":
        """InvalidRequest, naming the option, where one of them is taken."""
        check_free(ui, cure="use --port to name another (make dev PORT=<number>)")
        if api is None:
            return cls(ui, free_port() if ui == API_PORT or listens(API_PORT) else API_PORT)
        check_free(api, cure="use --api-port to name another")
        if api == ui:
            raise InvalidRequest(f"port {api} is the UI's; use --api-port to name another", field="api_port")
        return cls(ui, api)


def run(port: int, api_port: int | None) -> None:
    """Run on the installation that the environment names.

    Dagster keeps its own in DAGSTER_HOME; where that is not set, below our home, with the project's settings.
    """
    ports = Ports.free(port, api_port)
    settings = Settings()
    deployment = open_deployment(settings)
    try:
        home = Path(os.environ.get("DAGSTER_HOME") or settings.home / "dagster").absolute()
        home.mkdir(parents=True, exist_ok=True)
        if not (home / "dagster.yaml").exists():
            (home / "dagster.yaml").write_bytes(instance_file().read_bytes())
        _serve(Instance(home=home, environ=os.environ), deployment, ports)
    finally:
        deployment.close()


def run_demo(home: Path, port: int, api_port: int | None, sample: Sample) -> None:
    """Run on a demo's folder, which is made if needed."""
    place = DemoHome(home.absolute(), sample)
    with place.held():
        ports = Ports.free(port, api_port)
        place.prepare()
        with closing(place.open(os.environ)) as deployment:
            demo_exports(deployment, sample)
            _serve(place.instance(os.environ), deployment, ports)


def _serve(instance: Instance, deployment: Deployment, ports: Ports) -> None:
    """Until interrupted. When an export is made or deleted, Dagster loads its definitions anew."""
    console = Console(markup=False, emoji=False, highlight=False)  # nothing in a path is taken for markup
    console.print(f"Starting Dagster in {instance.home} ...", soft_wrap=True)
    with instance.webserver(ports.ui) as (webserver, running):
        running.start_daemon()
        running.start_command("api", server_command(host=HOST, port=ports.api))
        running.wait(lambda: listens(ports.api))
        console.print(f"The API: http://{HOST}:{ports.api}/docs (keys: export-pipeline key create)")
        console.print(f"The UI: {webserver.url} (stop with Ctrl-C)")
        known = _standing(deployment)
        while True:
            running.check()
            current = _standing(deployment)
            if current != known:
                webserver.reload()
                known = current
                console.print("The exports changed; Dagster has loaded them anew.")
            time.sleep(SECONDS_BETWEEN_LOOKS)


def _standing(deployment: Deployment) -> set[str]:
    with reading(deployment.control) as connection:
        return {export.id for export in standing_exports(connection)}
