"""`export-pipeline dev`."""

from pathlib import Path
from typing import Annotated

import typer


def dev(
    home: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="A demo's folder, made if needed; default: the installation that the environment names.",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(metavar="NUMBER", min=1, max=65535, help="The port of the UI on this machine.")
    ] = 3000,
) -> None:
    """Run the Dagster UI and daemon until they are stopped with Ctrl-C. New exports appear by themselves."""
    from export_pipeline.demo.development import run, run_demo

    if home is None:
        run(port)
    else:
        run_demo(home, port)
