"""`export-pipeline dataset`: what is there to be exported."""

from typing import TYPE_CHECKING

import typer

from export_pipeline.cli.opening import opened
from export_pipeline.cli.options import Json
from export_pipeline.cli.printing import print_document, print_line, print_table
from export_pipeline.errors import InvalidRequest

if TYPE_CHECKING:
    from export_pipeline.dataset.positions import Positions
    from export_pipeline.dataset.reflection import Problem
    from export_pipeline.dataset.tables import Column, Table

app = typer.Typer(help="The dataset: which tables and columns can be exported.", no_args_is_help=True)


@app.command()
def check(context: typer.Context, as_json: Json = False) -> None:
    """Compare the declaration with the source database. Exit code 1 for any error, 0 for warnings only."""
    from export_pipeline.control.declaring import declared_problems
    from export_pipeline.dataset.declaration import positions_in
    from export_pipeline.dataset.reflection import UNASKED, check_against
    from export_pipeline.store.database import reading

    with opened(context) as deployment:
        file = deployment.settings.dataset_path
        dataset = deployment.dataset
        with reading(deployment.control) as connection:
            wrong = [*declared_problems(connection, dataset)]
        if wrong:
            raise InvalidRequest("\n".join(map(str, wrong)))
        problems = check_against(dataset, deployment.source_url) if dataset.tables else ()
    positions = positions_in(file)
    errors = sum(problem.severity == "error" for problem in problems)
    if as_json:
        documents = [_problem(problem, positions) for problem in problems]
        print_document({"ok": not errors, "file": str(file), "problems": documents})
    else:
        for problem in problems:
            at = positions.of_value(problem.place)
            print_line(f"{problem.severity}: {file}:{at.line}:{at.column}: {problem.path}: {problem.message}")
        if not dataset.tables:
            print_line("no table is declared: only what is contributed can be exported")
        elif any(problem.place == UNASKED for problem in problems):
            print_line("whether the declaration fits is not known: the database could not be asked")
        else:
            verdict = "does not fit" if errors else "fits"
            print_line(
                f"the declaration {verdict} the database"
                f" (tables: {len(dataset.tables)}, errors: {errors}, warnings: {len(problems) - errors})"
            )
    if errors:
        raise typer.Exit(1)


@app.command()
def show(context: typer.Context, as_json: Json = False) -> None:
    """Show every table and column that can be exported."""
    with opened(context) as deployment:
        tables = list(deployment.dataset_of(deployment.settings.organization).tables.values())
    if as_json:
        print_document({"tables": [_document(table) for table in tables]})
        return
    for table in tables:
        tenant = f"; {table.tenant_column} says whose a row is" if table.tenant_column else ""
        print_line(f"{table.name}: {table.time_column} says which hour a row belongs to{tenant}")
        print_table(
            ["column", "type", "may be NULL", "called"],
            [
                (column.name, str(column.type), "yes" if column.nullable else "no", column.display_name)
                for column in table.columns
            ],
        )


def _problem(problem: "Problem", positions: "Positions") -> dict[str, object]:
    at = positions.of_value(problem.place)
    return {
        "severity": problem.severity,
        "path": problem.path,
        "line": at.line,
        "column": at.column,
        "message": problem.message,
    }


def _document(table: "Table") -> dict[str, object]:
    return {
        "name": table.name,
        "relation": table.relation,
        "time_column": table.time_column,
        "order_by": table.order_by,
        "tenant_column": table.tenant_column,
        "for_every_tenant": table.for_every_tenant,
        "columns": [_column(column) for column in table.columns],
    }


def _column(column: "Column") -> dict[str, object]:
    return {
        "name": column.name,
        "display_name": column.display_name,
        "type": str(column.type),
        "nullable": column.nullable,
    }
