"""`export-pipeline db`: the control database."""

import typer

from export_pipeline.cli.opening import settings_from, told_where_to_look
from export_pipeline.cli.options import Json
from export_pipeline.cli.printing import print_document, print_line

app = typer.Typer(help="The control database: exports, tasks and the ledger.", no_args_is_help=True)


@app.command()
def upgrade(context: typer.Context, as_json: Json = False) -> None:
    """Bring the control database to the version that this program needs. Harmless when it is there."""
    from export_pipeline.store.database import open_control_database
    from export_pipeline.store.database import upgrade as apply_migrations

    with told_where_to_look():
        control = open_control_database(settings_from(context).control_database_url)
        try:
            version = apply_migrations(control)
        finally:
            control.dispose()
    if as_json:
        print_document({"version": version})
    else:
        print_line(f"the control database is at version {version}")
