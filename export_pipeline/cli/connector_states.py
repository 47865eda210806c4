"""`export-pipeline connector check|start|stop|fail`: what moves a connector from state to state."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from export_pipeline.cli.connector_documents import (
    checked_now,
    state_line,
    tell_check,
    well,
)
from export_pipeline.cli.opening import opened, program
from export_pipeline.cli.options import Json
from export_pipeline.cli.printing import print_document, print_line

if TYPE_CHECKING:
    import sqlalchemy as sa

    from export_pipeline.store.connectors import StoredConnector

Name = Annotated[str, typer.Argument(metavar="NAME", help="The connector's name.", show_default=False)]


def check(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Try all that exports do with a connector, on a probe; exit 1 if a step fails."""
    from export_pipeline.store.connectors import find_connector
    from export_pipeline.store.database import reading

    with opened(context) as deployment:
        with reading(deployment.control) as connection:
            found = find_connector(connection, deployment.settings.organization, name)
        now, steps = checked_now(deployment, found, silent=as_json)
    tell_check(now, steps, as_json=as_json, program=program(context))
    if not well(steps):
        raise typer.Exit(1)


def start(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Let files go through a stopped connector again, once its check has passed."""
    from export_pipeline.control.connectors import start_connector

    _move(context, as_json, lambda connection, organization: start_connector(connection, organization, name))
    if not as_json:  # where no daemon of Dagster runs, nobody else would
        command = f"{program(context)} connector check {name}"
        print_line(f"Dagster checks it in a while, and files go there then; check it now with: {command}")


def stop(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Let no more files go through a connector; hours in flight are finished."""
    from export_pipeline.control.connectors import stop_connector

    _move(context, as_json, lambda connection, organization: stop_connector(connection, organization, name))


def fail(
    context: typer.Context,
    name: Name,
    reason: Annotated[
        str,
        typer.Option(metavar="SENTENCE", help="What its exports say while they wait.", show_default=False),
    ] = "",
    as_json: Json = False,
) -> None:
    """Say that a connector is not to be used, until it is replaced, or stopped and started."""
    from export_pipeline.control.connectors import fail_connector

    _move(
        context,
        as_json,
        lambda connection, organization: fail_connector(connection, organization, name, reason),
    )


def _move(
    context: typer.Context, as_json: bool, move: "Callable[[sa.Connection, str], StoredConnector]"
) -> None:
    from export_pipeline.control.listing import listed_connector
    from export_pipeline.store.database import writing

    with opened(context) as deployment, writing(deployment.control) as connection:
        moved = move(connection, deployment.settings.organization)
    if as_json:
        print_document(listed_connector(moved))
    else:
        print_line(state_line(moved))
