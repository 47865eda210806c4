"""`export-pipeline serve`."""

import os
import sys
from typing import Annotated

import typer

from export_pipeline.cli.opening import opened


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="NUMBER", min=1, max=65535, help="The port.")] = 8000,
    workers: Annotated[int, typer.Option(metavar="NUMBER", min=1, help="How many processes serve.")] = 1,
) -> None:
    """Serve the API, until it is stopped with Ctrl-C."""
    from export_pipeline.processes.api import server_command
    from export_pipeline.processes.dagster import check_free

    check_free(port, host)
    with opened(context):
        pass  # whatever is wrong with the settings is told here, once, and the control database is made
    command = server_command(host=host, port=port, workers=workers)
    sys.stdout.flush()
    # It handles its own signals, and nobody is left between it and the terminal.
    os.execv(command[0], command)  # noqa: S606
