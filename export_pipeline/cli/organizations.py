"""`export-pipeline organization`: whose exports there are."""

from typing import Annotated

import typer

from export_pipeline.cli.opening import opened_control, settings_from
from export_pipeline.cli.options import Json
from export_pipeline.cli.printing import print_document, print_line

Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name.", show_default=False)]
Tenant = Annotated[
    str, typer.Argument(metavar="TENANT", help="What tenant_column holds in its rows.", show_default=False)
]

app = typer.Typer(help="Organizations: each has connectors and exports of its own.", no_args_is_help=True)


@app.command()
def create(
    context: typer.Context,
    name: Name,
    as_json: Json = False,
) -> None:
    """Make an organization."""
    from export_pipeline.control.organizations import create_organization
    from export_pipeline.deployment import key_of
    from export_pipeline.store.connectors import check_key
    from export_pipeline.store.database import writing

    with opened_control(context) as control, writing(control) as connection:
        key = key_of(settings_from(context))
        check_key(connection, key)
        create_organization(connection, key, name)
    if as_json:
        print_document({"name": name})
    else:
        print_line(f"made the organization {name}; work on it with --organization {name}")


@app.command()
def give(context: typer.Context, name: Name, tenant: Tenant, as_json: Json = False) -> None:
    """Let an organization export the rows of a tenant. From the first one on, each has only its own."""
    from export_pipeline.control.tenants import give_tenant
    from export_pipeline.store.database import writing
    from export_pipeline.store.tenants import tenants_of

    with opened_control(context) as control, writing(control) as connection:
        give_tenant(connection, name, tenant)
        left = [*tenants_of(connection, name)]
    if as_json:
        print_document({"name": name, "tenants": left})
    else:
        print_line(f"{name} may export rows of {tenant}, and of no tenant that it was not given")


@app.command()
def take(context: typer.Context, name: Name, tenant: Tenant, as_json: Json = False) -> None:
    """Let an organization export the rows of a tenant no more."""
    from export_pipeline.control.tenants import take_tenant
    from export_pipeline.store.database import writing
    from export_pipeline.store.tenants import tenants_of

    with opened_control(context) as control, writing(control) as connection:
        take_tenant(connection, name, tenant)
        left = [*tenants_of(connection, name)]
    if as_json:
        print_document({"name": name, "tenants": left})
    else:
        print_line(f"{name} may ask for rows of {tenant} no more")


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """List the organizations."""
    from export_pipeline.store.database import reading
    from export_pipeline.store.organizations import list_organizations
    from export_pipeline.store.tenants import tenants_of

    with opened_control(context) as control, reading(control) as connection:
        tenants = {name: tenants_of(connection, name) for name in list_organizations(connection)}
    if as_json:
        print_document(
            {"organizations": [{"name": name, "tenants": [*its]} for name, its in tenants.items()]}
        )
    else:
        for name, its in tenants.items():
            print_line(f"{name}: {', '.join(its)}" if its else name)
