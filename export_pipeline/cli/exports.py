"""`export-pipeline export`: the standing definitions."""

from datetime import UTC, datetime

import typer

from export_pipeline.cli import export_changes, export_creation, export_documents
from export_pipeline.cli.export_changes import Name
from export_pipeline.cli.opening import opened, program
from export_pipeline.cli.options import Json, Requests
from export_pipeline.cli.printing import moment, number, print_document, print_line, print_some, print_table

app = typer.Typer(
    help="Exports: what is delivered hour by hour, in what form and where to.", no_args_is_help=True
)
app.command()(export_creation.create)


@app.command("list")
def list_(context: typer.Context, requests: Requests = False, as_json: Json = False) -> None:
    """List the exports."""
    from export_pipeline.store.connectors import list_connectors
    from export_pipeline.store.database import reading
    from export_pipeline.store.exports import list_exports
    from export_pipeline.store.waits import count_waits, why_wait

    with opened(context) as deployment, reading(deployment.control) as connection:
        exports = list_exports(connection, deployment.settings.organization, generated=requests)
        connectors = list_connectors(connection, deployment.settings.organization)
        waits = count_waits(connection, deployment.settings.organization)
    names = {connector.id: connector.name for connector in connectors}
    reasons = {connector.id: why_wait(connector) for connector in connectors}
    if as_json:
        documents = [
            {
                **export_documents.export_document(export, names[export.connector_id]),
                "waiting_hours": waits.get(export.id, 0),
                "waits_for": reasons[export.connector_id],
            }
            for export in exports
        ]
        print_document({"exports": documents})
    elif not exports:
        print_line(f"there are no exports yet; make one with: {program(context)} export create --help")
    else:
        print_table(
            ["name", "tables", "format", "connector", "path", "first hour", "until", "recurs"],
            [export_documents.row(export, names[export.connector_id]) for export in exports],
        )
        print_some(export_documents.waits_lines(exports, reasons))


@app.command()
def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show an export: its definition, what is delivered, which hours failed or wait, and why."""
    from export_pipeline.control.coverage import coverage_of
    from export_pipeline.store.connectors import list_connectors
    from export_pipeline.store.database import reading
    from export_pipeline.store.exports import find_export

    with opened(context) as deployment, reading(deployment.control) as connection:
        export = find_export(connection, deployment.settings.organization, name)
        connectors = list_connectors(connection, deployment.settings.organization)
        coverage = coverage_of(connection, export)
    connector = next(one.name for one in connectors if one.id == export.connector_id)
    now = datetime.now(UTC)
    if as_json:
        document = export_documents.export_document(export, connector)
        next_hour = export_documents.next_hour_document(export, now)
        covered = export_documents.coverage_document(coverage)
        print_document({**document, "next_hour": next_hour, "coverage": covered})
        return
    print_table(["field", "value"], export_documents.described(export, connector))
    delivered = coverage.delivered
    print_table(
        [number("hours"), number("rows"), number("bytes"), "first hour", "last hour", number("failed")],
        [
            (
                f"{delivered.hours:,}",
                f"{delivered.rows:,}",
                f"{delivered.bytes:,}",
                moment(delivered.first_hour),
                moment(delivered.last_hour),
                f"{len(coverage.failures):,}",
            )
        ],
    )
    if delivered.expired:
        print_line(f"files of {delivered.expired:,} of the hours have expired; request those anew")
    print_some([export_documents.failure_line(failure) for failure in coverage.failures])
    if waits := export_documents.waits_line(coverage):
        print_line(waits)


app.command()(export_changes.update)
app.command()(export_changes.pause)
app.command()(export_changes.resume)
app.command()(export_changes.delete)
