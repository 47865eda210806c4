"""`export-pipeline dev`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class SampleName(StrEnum):
    """The samples, by name; what they hold is loaded when one is asked for."""

    FLIGHTS = "flights"
    SEARCHES = "searches"


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
    api_port: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            min=1,
            max=65535,
            help="The port of the API; default: 8000, or a free one.",
        ),
    ] = None,
    sample: Annotated[
        SampleName,
        typer.Option(help="What a new demo's folder is filled with: flights of 2013, or searches of a site."),
    ] = SampleName.FLIGHTS,
) -> None:
    """Run the Dagster UI, its daemon and the API until they are stopped with Ctrl-C.

    New exports appear by themselves.
    """
    from export_pipeline.demo.development import run, run_demo
    from export_pipeline.demo.samples import SAMPLES

    if home is None:
        run(port, api_port)
    else:
        run_demo(home, port, api_port, SAMPLES[sample])
