"""The Dagster UI and daemon on one machine, until they are stopped; new exports appear by themselves."""

import os
import time
from contextlib import closing
from pathlib import Path

from rich.console import Console

from export_pipeline.demo.home import DemoHome, demo_exports, instance_file
from export_pipeline.demo.samples import Sample
from export_pipeline.deployment import Deployment, open_deployment
from export_pipeline.processes.dagster import Instance, check_free
from export_pipeline.settings import Settings
from export_pipeline.store.database import reading
from export_pipeline.store.exports import standing_exports

SECONDS_BETWEEN_LOOKS = 2.0


def run(port: int) -> None:
    """Run on the installation that the environment names.

    Dagster keeps its own in DAGSTER_HOME; where that is not set, below our home, with the project's settings.
    """
    check_free(port)
    settings = Settings()
    deployment = open_deployment(settings)
    try:
        home = Path(os.environ.get("DAGSTER_HOME") or settings.home / "dagster").absolute()
        home.mkdir(parents=True, exist_ok=True)
        if not (home / "dagster.yaml").exists():
            (home / "dagster.yaml").write_bytes(instance_file().read_bytes())
        _serve(Instance(home=home, environ=os.environ), deployment, port)
    finally:
        deployment.close()


def run_demo(home: Path, port: int, sample: Sample) -> None:
    """Run on a demo's folder, which is made if needed."""
    place = DemoHome(home.absolute(), sample)
    with place.held():
        check_free(port)
        place.prepare()
        with closing(place.open(os.environ)) as deployment:
            demo_exports(deployment, sample)
            _serve(place.instance(os.environ), deployment, port)


def _serve(instance: Instance, deployment: Deployment, port: int) -> None:
    """Until interrupted. When an export is made or deleted, Dagster loads its definitions anew."""
    console = Console(markup=False, emoji=False, highlight=False)  # nothing in a path is taken for markup
    console.print(f"Starting Dagster in {instance.home} ...", soft_wrap=True)
    with instance.webserver(port) as (webserver, running):
        running.start_daemon()
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
