"""The deployment a command works on: the settings of the environment, and whose things are meant."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from export_pipeline.cli.options import named
from export_pipeline.errors import ExportPipelineError, InvalidRequest

if TYPE_CHECKING:
    import sqlalchemy as sa

    from export_pipeline.deployment import Deployment
    from export_pipeline.settings import Settings


def settings_from(context: typer.Context) -> "Settings":
    """The settings, with the organization of the command line. InvalidRequest names the variable."""
    from pydantic import ValidationError

    from export_pipeline.control.exports import check_slug
    from export_pipeline.settings import Settings
    from export_pipeline.wording import said

    organization: str | None = context.obj
    if organization is not None:
        with named(organization="--organization"):
            check_slug(organization, field="organization")
    try:
        return Settings() if organization is None else Settings(organization=organization)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
    # Outside of the handler: the original error holds the values, and one of them may be the key.
    field = str(problem["loc"][0])
    raise InvalidRequest(f"EXPORT_PIPELINE_{field.upper()}: {said(problem)}", field=field)


def program(context: typer.Context) -> str:
    """What a command begins with that a person may type next, for the same organization."""
    return f"export-pipeline --organization {context.obj}" if context.obj else "export-pipeline"


@contextmanager
def opened(context: typer.Context) -> Iterator["Deployment"]:
    """The deployment, for as long as the block runs."""
    from export_pipeline.deployment import open_deployment

    settings = settings_from(context)
    with told_where_to_look():
        deployment = open_deployment(settings)
    try:
        yield deployment
    finally:
        deployment.close()


@contextmanager
def opened_control(context: typer.Context) -> Iterator["sa.Engine"]:
    """The control database alone, brought up to date, for as long as the block runs."""
    from export_pipeline.store.database import open_control_database, upgrade

    with told_where_to_look():
        control = open_control_database(settings_from(context).control_database_url)
    try:
        with told_where_to_look():
            upgrade(control)
        yield control
    finally:
        control.dispose()


@contextmanager
def told_where_to_look() -> Iterator[None]:
    """Say which setting to look at when the control database cannot be opened in the block."""
    import sqlalchemy as sa

    try:
        yield
    except (sa.exc.DatabaseError, OSError) as error:
        reason = error.orig if isinstance(error, sa.exc.DatabaseError) else error
        raise ExportPipelineError(
            f"the control database or its folder cannot be opened: {reason};"
            " look at EXPORT_PIPELINE_CONTROL_URL and EXPORT_PIPELINE_HOME"
        ) from error
