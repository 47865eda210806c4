"""`export-pipeline export update|pause|resume|delete`: what changes an export that is there."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from export_pipeline.cli import export_documents
from export_pipeline.cli.confirming import confirm
from export_pipeline.cli.opening import opened
from export_pipeline.cli.options import Json, Yes
from export_pipeline.cli.printing import print_document, print_line
from export_pipeline.documents import read_document

if TYPE_CHECKING:
    import sqlalchemy as sa

    from export_pipeline.exports.export import Export

Name = Annotated[str, typer.Argument(metavar="NAME", help="The export's name.", show_default=False)]


def pause(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Deliver no more hours by themselves, until it is resumed. Tasks are served all the same."""
    from export_pipeline.control.pausing import pause_export

    _change(
        context,
        as_json,
        lambda connection, organization: pause_export(connection, organization, name),
        said=f"paused {name}; resume it with: export-pipeline export resume {name}",
    )


def resume(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Deliver the hours that fall due from now on; a task gets those that fell due meanwhile."""
    from export_pipeline.control.pausing import resume_export

    _change(
        context,
        as_json,
        lambda connection, organization: resume_export(connection, organization, name),
        said=f"resumed {name}; hours that fell due meanwhile are delivered for a task",
    )


def update(
    context: typer.Context,
    name: Name,
    definition: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="All of the new definition as TOML or JSON; - reads standard input.",
            show_default=False,
        ),
    ],
    as_json: Json = False,
) -> None:
    """Give an export another definition. What is delivered stays as it is, until a task forces it."""
    from export_pipeline.control.exports import definition_from
    from export_pipeline.control.updating import update_export
    from export_pipeline.store.database import writing

    given = read_document(definition, field="--definition")
    with opened(context) as deployment, writing(deployment.control) as connection:
        updated = update_export(
            connection,
            deployment.secret_key,
            deployment.dataset_of(deployment.settings.organization),
            organization=deployment.settings.organization,
            slug=name,
            definition=definition_from(given),
        )
        _tell(
            connection,
            updated,
            as_json,
            f"updated {name}; the next run reads it, and Dagster shows other hours once its code location is"
            " reloaded",
        )


def delete(context: typer.Context, name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Stop exporting. What was delivered stays where it is.

    Only files of direct_download go, after EXPORT_PIPELINE_DELETED_DAYS.
    """
    from export_pipeline.control.exports import delete_export
    from export_pipeline.store.database import reading, writing
    from export_pipeline.store.exports import find_export

    with opened(context) as deployment:
        organization = deployment.settings.organization
        with reading(deployment.control) as connection:
            find_export(connection, organization, name)
        confirm(f"Delete the export {name}? What it delivered stays.", yes=yes)
        with writing(deployment.control) as connection:
            export = delete_export(connection, organization, name)
    if as_json:
        print_document({"name": export.slug, "id": export.id})
    else:
        print_line(f"deleted the export {name}; what it delivered stays where it is")


def _change(
    context: typer.Context, as_json: bool, change: "Callable[[sa.Connection, str], Export]", *, said: str
) -> None:
    from export_pipeline.store.database import writing

    with opened(context) as deployment, writing(deployment.control) as connection:
        changed = change(connection, deployment.settings.organization)
        _tell(connection, changed, as_json, said)


def _tell(connection: "sa.Connection", export: "Export", as_json: bool, said: str) -> None:
    from export_pipeline.store.connectors import get_connector

    if not as_json:
        print_line(said)
        return
    document = export_documents.export_document(export, get_connector(connection, export.connector_id).name)
    next_hour = None if export.paused else export_documents.next_hour_document(export, datetime.now(UTC))
    print_document({**document, "next_hour": next_hour})
