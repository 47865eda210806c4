"""`export-pipeline demo`."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    home: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where everything is kept; made if needed.")
    ] = Path(".demo"),
) -> None:
    """Run the main job on real data: a Dagster backfill of flights and weather, verified at the end."""
    from export_pipeline.demo.story import run

    run(home)
