"""`export-pipeline contributor`: who contributes to the entity types, and how that goes."""

from typing import TYPE_CHECKING, Any

import typer

from export_pipeline.cli.opening import opened
from export_pipeline.cli.options import Json
from export_pipeline.cli.printing import print_document, print_line, print_table

if TYPE_CHECKING:
    from collections.abc import Mapping

app = typer.Typer(help="Data connectors: by which third parties contribute.", no_args_is_help=True)


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """List the data connectors of every entity type, with their records and their webhooks' failures."""
    from export_pipeline.control.contribution_sessions import in_session
    from export_pipeline.store.contributed_records import count_records
    from export_pipeline.store.data_connectors import list_data_connectors
    from export_pipeline.store.database import reading
    from export_pipeline.store.entity_types import list_entity_types
    from export_pipeline.store.webhook_answers import failures_of

    found: list[dict[str, Any]] = []
    with opened(context) as deployment, reading(deployment.control) as connection:
        for entity in list_entity_types(connection, deployment.settings.organization):
            for connector in list_data_connectors(connection, entity):
                failures = failures_of(connection, connector.id)
                found.append(
                    {
                        "entity_type": entity.eid,
                        "connector": connector.cid,
                        "contribution_id": connector.contribution_id,
                        "is_live": connector.is_live,
                        "in_session": in_session(connector, deployment.settings.contribution_idle),
                        "records": count_records(connection, connector),
                        "webhook": connector.profile.webhook,
                        "webhook_failures": {reason.value: count for reason, count in failures.items()},
                    }
                )
    if as_json:
        print_document({"contributors": found})
    elif not found:
        print_line("nobody contributes yet; docs/api/bitbroker.md says how that begins")
    else:
        print_table(
            ["entity type", "connector", "live", "in session", "records", "webhook's failures"],
            [
                (
                    one["entity_type"],
                    one["connector"],
                    "yes" if one["is_live"] else "no",
                    "yes" if one["in_session"] else "no",
                    str(one["records"]),
                    _failures(one["webhook"], one["webhook_failures"]),
                )
                for one in found
            ],
        )


def _failures(webhook: str | None, failures: "Mapping[str, int]") -> str:
    if webhook is None and not failures:
        return "no webhook"
    return ", ".join(f"{count} {reason}" for reason, count in sorted(failures.items())) or "none"
