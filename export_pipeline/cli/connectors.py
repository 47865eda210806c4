"""`export-pipeline connector`: the ways out."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from export_pipeline.cli.confirming import confirm
from export_pipeline.cli.documents import filled, read_document
from export_pipeline.cli.opening import opened
from export_pipeline.cli.options import Json, Yes
from export_pipeline.cli.printing import print_document, print_line, print_table, second

if TYPE_CHECKING:
    from export_pipeline.store.connectors import StoredConnector

app = typer.Typer(help="The ways out: buckets and their credentials, under a name.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The connector's name.", show_default=False)]


@app.command()
def create(
    context: typer.Context,
    name: Name,
    config: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="Its type and configuration as TOML or JSON; - reads standard input. A value"
            ' {env = "VARIABLE"} is taken from the environment: so keep secrets out of files and arguments.',
            show_default=False,
        ),
    ],
    as_json: Json = False,
) -> None:
    """Make a connector."""
    from export_pipeline.control.connectors import create_connector
    from export_pipeline.store.database import writing

    document = filled(read_document(config, field="--config"), os.environ)
    with opened(context) as deployment, writing(deployment.control) as connection:
        stored = create_connector(
            connection,
            deployment.secret_key,
            organization=deployment.settings.organization,
            name=name,
            config=document,
        )
    if as_json:
        print_document(_listed(stored))
    else:
        print_line(f"made the {stored.type} connector {name}; exports take it with --connector {name}")


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """List the connectors."""
    from export_pipeline.store.connectors import list_connectors
    from export_pipeline.store.database import reading

    with opened(context) as deployment, reading(deployment.control) as connection:
        connectors = list_connectors(connection, deployment.settings.organization)
    if as_json:
        print_document({"connectors": [_listed(connector) for connector in connectors]})
    else:
        print_table(
            ["name", "type", "made at"],
            [(connector.name, connector.type, second(connector.created_at)) for connector in connectors],
        )


@app.command()
def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show a connector's configuration, without its secrets."""
    from export_pipeline.store.connectors import find_connector
    from export_pipeline.store.database import reading

    with opened(context) as deployment:
        with reading(deployment.control) as connection:
            stored = find_connector(connection, deployment.settings.organization, name)
        config = deployment.connector(stored.id)
    masked = config.model_dump(mode="json")
    if as_json:
        print_document({**_listed(stored), "config": masked})
        return
    lines = {"name": stored.name, "made at": second(stored.created_at), **masked}
    print_table(["field", "value"], [(field, _shown(value)) for field, value in lines.items()])


@app.command()
def delete(context: typer.Context, name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Forget a connector and its credentials. Refused while exports go through it."""
    from export_pipeline.control.connectors import delete_connector
    from export_pipeline.store.connectors import find_connector
    from export_pipeline.store.database import reading, writing

    with opened(context) as deployment:
        organization = deployment.settings.organization
        with reading(deployment.control) as connection:
            find_connector(connection, organization, name)
        confirm(f"Forget the connector {name} and its credentials?", yes=yes)
        with writing(deployment.control) as connection:
            stored = delete_connector(connection, organization, name)
    if as_json:
        print_document(_listed(stored))
    else:
        print_line(f"deleted the connector {name}; what was delivered through it stays where it is")


def _listed(connector: "StoredConnector") -> dict[str, object]:
    return {
        "name": connector.name,
        "id": connector.id,
        "type": connector.type,
        "created_at": connector.created_at,
    }


def _shown(value: object) -> str:
    match value:
        case None | "":
            return "-"
        case dict():
            return ", ".join(f"{name} {_shown(inner)}" for name, inner in value.items())
        case _:
            return str(value)
