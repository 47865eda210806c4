"""`export-pipeline export create`: by options, or by a definition."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from export_pipeline.cli import export_documents
from export_pipeline.cli.choices import chosen_tables
from export_pipeline.cli.connector_documents import waits_for
from export_pipeline.cli.export_changes import Name
from export_pipeline.cli.opening import opened, program
from export_pipeline.cli.options import NO_VALUE, Json, named, named_values
from export_pipeline.cli.printing import print_document, print_line
from export_pipeline.documents import read_document
from export_pipeline.errors import InvalidRequest
from export_pipeline.windows import moment_from

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
    "layout": "--layout",
    "row_limit": "--row-limit",
}

DEFAULT_FORMAT = "csv.gz"


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
    layout: Annotated[
        str | None,
        typer.Option(
            metavar="LAYOUT",
            help="hourly (default): a file for each hour; single: one for all hours of a task, with --once.",
        ),
    ] = None,
    row_limit: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER", help="So many rows of each table at most, the first ones; with --layout single."
        ),
    ] = None,
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
        "layout": layout,
        "row_limit": row_limit,
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
        dataset = deployment.dataset_of(deployment.settings.organization)
        with (trying if dry_run else writing)(deployment.control) as connection:
            export = create_export(
                connection,
                deployment.secret_key,
                dataset,
                organization=deployment.settings.organization,
                slug=name,
                connector=connector,
                definition=definition_from(given),
                standing=not once,
            )
            applied = applied_filters(connection, dataset, export)
            waits = waits_for(get_connector(connection, export.connector_id))
            plans = plans_of(connection, dataset, export)
        if dry_run:
            since, until_ = range_of(export.definition, datetime.now(UTC))
            rows = deployment.estimate(export.organization, plans, since, until_)
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
