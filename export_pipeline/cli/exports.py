"""`export-pipeline export`: the standing definitions."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from export_pipeline.cli import export_changes, export_documents
from export_pipeline.cli.choices import chosen_tables
from export_pipeline.cli.connector_documents import waits_for
from export_pipeline.cli.export_changes import Name
from export_pipeline.cli.opening import opened, program
from export_pipeline.cli.options import NO_VALUE, Json, Requests, named, named_values
from export_pipeline.cli.printing import moment, number, print_document, print_line, print_some, print_table
from export_pipeline.documents import read_document
from export_pipeline.errors import InvalidRequest
from export_pipeline.windows import moment_from

app = typer.Typer(
    help="Exports: what is delivered hour by hour, in what form and where to.", no_args_is_help=True
)

# What the options below are called in a definition, where that differs.
OPTIONS = {
    "name": "NAME",
    "connector": "--connector",
    "tables": "--table",
    "columns": "--table",
    "filter": "--filter",
    "filters": "--filter",
    "format": "--format",
    "format.": "--format-option ",
    "path": "--subdirectory, --filename",
    "subdirectory": "--subdirectory",
    "filename": "--filename",
    "context": "--context",
    "context.": "--context ",
    "first_hour": "--first-hour",
    "until": "--until",
    "tenant": "--tenant",
    "minutes_to_settle": "--minutes-to-settle",
}

DEFAULT_FORMAT = "csv.gz"


@app.command()
def create(
    context: typer.Context,
    name: Name,
    table: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE[:COLUMN,...]",
            help="A table, and the columns chosen from it; all of them when none is named."
            " May be given several times.",
        ),
    ] = None,
    filter_: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            metavar="TEXT",
            help="Which rows of the tables that have its columns, like \"origin IN ['JFK', 'LGA']\"; default:"
            " all. May be given several times: each has to hold.",
        ),
    ] = None,
    table_filter: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE=TEXT", help="Which rows of one table, besides. May be given several times."
        ),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="csv.gz (default), jsonl.zst, parquet, ..., or JSON with options.",
        ),
    ] = None,
    format_option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="An option of the format, like dialect=excel or header=none. May be given several times.",
        ),
    ] = None,
    connector: Annotated[
        str, typer.Option(metavar="NAME", help="The way out; see `connector list`.")
    ] = "direct_download",
    subdirectory: Annotated[
        str | None,
        typer.Option(metavar="TEMPLATE", help="The folder of the files, like $export/$year; default: none."),
    ] = None,
    filename: Annotated[
        str | None,
        typer.Option(metavar="TEMPLATE", help="The names of the files; default: hour and extension."),
    ] = None,
    path_context: Annotated[
        list[str] | None,
        typer.Option(
            "--context",
            metavar="NAME=VALUE",
            help="What $user or $project stands for in paths. May be given several times.",
        ),
    ] = None,
    push_helpers: Annotated[
        bool,
        typer.Option(
            "--push-helpers",
            metavar=NO_VALUE,
            help="Beside the data, its schema and statements that load it, for seven readers.",
        ),
    ] = False,
    first_hour: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="The start of the first hour, like 2013-01-01T05:00:00Z."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="The end of the last hour; default: none.")
    ] = None,
    tenant: Annotated[
        str | None, typer.Option(metavar="VALUE", help="Whose rows, where customers share a table.")
    ] = None,
    minutes_to_settle: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="How long after its end an hour is exported; default: 10."),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", metavar=NO_VALUE, help="No schedule: it is delivered for tasks only.")
    ] = False,
    definition: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="All of the definition as TOML or JSON instead; - reads standard input."
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            metavar=NO_VALUE,
            help="Make nothing: say whether it could be made, and count its rows.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Make an export."""
    from export_pipeline.control.estimates import plans_of, range_of
    from export_pipeline.control.exports import create_export, definition_from
    from export_pipeline.control.filters import applied_filters
    from export_pipeline.formats.file_format import format_from
    from export_pipeline.store.connectors import get_connector
    from export_pipeline.store.database import trying, writing

    with named(**OPTIONS):
        more = named_values(format_option or [], field="--format-option")
        chosen = format_from(format_ or DEFAULT_FORMAT, more) if more else format_
    options = {
        "tables": chosen_tables(table or [], table_filter or []) or None,
        "filters": filter_ or None,
        "format": chosen,
        "subdirectory": subdirectory,
        "filename": filename,
        "context": named_values(path_context or [], field="--context") or None,
        "push_helpers": push_helpers or None,
        "first_hour": moment_from(first_hour, field="--first-hour") if first_hour is not None else None,
        "until": moment_from(until, field="--until") if until is not None else None,
        "tenant": tenant,
        "minutes_to_settle": minutes_to_settle,
    }
    given = {field: value for field, value in options.items() if value is not None}
    if definition is not None:
        if given:
            raise InvalidRequest(
                "--definition: it says everything; leave out the other options, or the definition: "
                + ", ".join(f"--{field.removesuffix('s').replace('_', '-')}" for field in given),
                field="definition",
            )
        given = read_document(definition, field="--definition")
    with (
        named(**({} if definition is not None else OPTIONS)),
        opened(context) as deployment,
    ):
        with (trying if dry_run else writing)(deployment.control) as connection:
            export = create_export(
                connection,
                deployment.secret_key,
                deployment.dataset,
                organization=deployment.settings.organization,
                slug=name,
                connector=connector,
                definition=definition_from(given),
                standing=not once,
            )
            applied = applied_filters(connection, deployment.dataset, export)
            waits = waits_for(get_connector(connection, export.connector_id))
            plans = plans_of(connection, deployment.dataset, export)
        if dry_run:
            since, until_ = range_of(export.definition, datetime.now(UTC))
            rows = deployment.estimate(plans, since, until_)
            if as_json:
                print_document(export_documents.estimate_document(export, rows, since, until_))
            else:
                print_line("\n".join(export_documents.estimate_lines(export, rows, since, until_)))
            return
    now = datetime.now(UTC)
    if as_json:
        document = export_documents.export_document(export, connector)
        next_hour = export_documents.next_hour_document(export, now)
        print_document({**document, "applied_filters": applied, "next_hour": next_hour, "waits": waits})
    else:
        for line in export_documents.what_happens_next(export, now, program(context)):
            print_line(line)
        if waits:
            print_line(f"it {waits}")
        if any(applied.values()):
            for table_, text in applied.items():
                print_line(f"rows of {table_}: {text or 'all'}")


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
    print_some([export_documents.failure_line(failure) for failure in coverage.failures])
    if waits := export_documents.waits_line(coverage):
        print_line(waits)


app.command()(export_changes.update)
app.command()(export_changes.pause)
app.command()(export_changes.resume)
app.command()(export_changes.delete)
