"""`export-pipeline organization`: whose exports there are."""

from typing import Annotated

import typer

from export_pipeline.cli.opening import opened_control
from export_pipeline.cli.options import Json
from export_pipeline.cli.printing import print_document, print_line

app = typer.Typer(help="Organizations: each has connectors and exports of its own.", no_args_is_help=True)


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Make an organization."""
    from export_pipeline.control.organizations import create_organization
    from export_pipeline.store.database import writing

    with opened_control(context) as control, writing(control) as connection:
        create_organization(connection, name)
    if as_json:
        print_document({"name": name})
    else:
        print_line(f"made the organization {name}; work on it with --organization {name}")


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """List the organizations."""
    from export_pipeline.store.database import reading
    from export_pipeline.store.organizations import list_organizations

    with opened_control(context) as control, reading(control) as connection:
        names = list_organizations(connection)
    if as_json:
        print_document({"organizations": [{"name": name} for name in names]})
    else:
        for name in names:
            print_line(name)
