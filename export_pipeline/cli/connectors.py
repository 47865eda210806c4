"""`export-pipeline connector`: the ways out."""

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from export_pipeline.cli import connector_states
from export_pipeline.cli.confirming import confirm
from export_pipeline.cli.connector_documents import (
    checked_now,
    declared_lines,
    step_document,
    step_line,
    tell_check,
    well,
)
from export_pipeline.cli.connector_states import Name
from export_pipeline.cli.opening import opened, program
from export_pipeline.cli.options import NO_VALUE, Json, Yes
from export_pipeline.cli.printing import print_document, print_line, print_table, second
from export_pipeline.documents import read_document
from export_pipeline.errors import InvalidRequest

if TYPE_CHECKING:
    from export_pipeline.connectors.connector import ConnectorConfig
    from export_pipeline.deployment import Deployment
    from export_pipeline.store.connectors import StoredConnector

app = typer.Typer(help="The ways out: buckets and their credentials, under a name.", no_args_is_help=True)

Config = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Its type and configuration as TOML or JSON; - reads standard input. A value"
        ' {env = "VARIABLE"} is taken from the environment: so keep secrets out of files and arguments.',
        show_default=False,
    ),
]
Type = Annotated[
    str | None,
    typer.Option(
        "--type",
        metavar="TYPE",
        help="Instead of a file: be asked for the configuration of a type, like s3, at the terminal.",
        show_default=False,
    ),
]
NoCheck = Annotated[
    bool, typer.Option("--no-check", metavar=NO_VALUE, help="Do not check it now: Dagster does, in a while.")
]


@app.command()
def create(
    context: typer.Context,
    name: Name,
    config: Config = None,
    type_: Type = None,
    no_check: NoCheck = False,
    as_json: Json = False,
) -> None:
    """Make a connector, and check it. If the check fails, it is made all the same; exit 1."""
    from export_pipeline.control.connectors import create_connector
    from export_pipeline.store.database import writing

    document = _configuration(config, type_, None)
    with opened(context) as deployment:
        with writing(deployment.control) as connection:
            stored = create_connector(
                connection,
                deployment.secret_key,
                organization=deployment.settings.organization,
                name=name,
                config=document,
                by_operator=True,
            )
        if not as_json:
            print_line(f"made the {stored.type} connector {name}; exports take it with --connector {name}")
        _check(context, deployment, stored, no_check=no_check, as_json=as_json)


@app.command()
def replace(
    context: typer.Context,
    name: Name,
    config: Config = None,
    type_: Type = None,
    no_check: NoCheck = False,
    as_json: Json = False,
) -> None:
    """Give a connector another configuration and start it anew; its exports stay.

    A secret that is left out keeps its value while the type and the address are the same.
    """
    from export_pipeline.control.connectors import replace_connector
    from export_pipeline.store.connectors import find_connector
    from export_pipeline.store.database import reading, writing

    with opened(context) as deployment:
        organization = deployment.settings.organization
        with reading(deployment.control) as connection:
            present = deployment.connector(find_connector(connection, organization, name).id)
        document = _configuration(config, type_, present)
        with writing(deployment.control) as connection:
            stored = replace_connector(
                connection,
                deployment.secret_key,
                organization=organization,
                name=name,
                config=document,
                by_operator=True,
            )
        if not as_json:
            print_line(f"replaced {name}; it is a {stored.type} connector")
        _check(context, deployment, stored, no_check=no_check, as_json=as_json)


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """List the connectors, each with its state and why it is in that."""
    from export_pipeline.control.listing import listed_connector
    from export_pipeline.store.connectors import list_connectors
    from export_pipeline.store.database import reading

    with opened(context) as deployment, reading(deployment.control) as connection:
        connectors = list_connectors(connection, deployment.settings.organization)
    if as_json:
        print_document({"connectors": [listed_connector(connector) for connector in connectors]})
    else:
        print_table(
            ["name", "type", "state", "since", "reason"],
            [
                (
                    one.name,
                    f"{one.type}, declared" if one.declared else one.type,
                    str(one.state),
                    second(one.state_since),
                    one.reason or "-",
                )
                for one in connectors
            ],
        )


@app.command()
def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show a connector's state, its last check, its exports, and its configuration without secrets."""
    from export_pipeline.connectors.showing import shown
    from export_pipeline.control.listing import listed_connector
    from export_pipeline.store.connector_states import last_check
    from export_pipeline.store.connectors import find_connector
    from export_pipeline.store.database import reading
    from export_pipeline.store.exports import exports_on

    with opened(context) as deployment:
        with reading(deployment.control) as connection:
            stored = find_connector(connection, deployment.settings.organization, name)
            steps = last_check(connection, stored.id)
            exports = [export.slug for export in exports_on(connection, stored.id)]
        config = deployment.connector(stored.id)
        declared = declared_lines(deployment.dataset.connectors[name]) if stored.declared else {}
    masked = shown(config)
    if as_json:
        check = [step_document(step) for step in steps]
        print_document({**listed_connector(stored), "check": check, "exports": exports, "config": masked})
        return
    lines = {
        "name": stored.name,
        "type": stored.type,
        "state": str(stored.state),
        "reason": stored.reason,
        "since": second(stored.state_since),
        "made at": second(stored.created_at),
        "checked at": second(stored.checked_at),
        "next check": second(stored.next_check_at),
        "exports": ", ".join(exports),
        **declared,
        **masked,
    }
    print_table(["field", "value"], [(field, _shown(value)) for field, value in lines.items()])
    for step in steps:
        print_line(step_line(step))


app.command()(connector_states.check)
app.command()(connector_states.start)
app.command()(connector_states.stop)
app.command()(connector_states.fail)


@app.command()
def delete(context: typer.Context, name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Forget a connector and its credentials. Refused while exports go through it."""
    from export_pipeline.control.connectors import delete_connector
    from export_pipeline.control.listing import listed_connector
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
        print_document(listed_connector(stored))
    else:
        print_line(f"deleted the connector {name}; what was delivered through it stays where it is")


def _configuration(
    config: str | None, type_: str | None, present: "ConnectorConfig | None"
) -> dict[str, Any]:
    """What the file says, or the person at the terminal."""
    from export_pipeline.cli.prompting import ask_for, someone_is_there
    from export_pipeline.connectors.connector import CONNECTOR_TYPES
    from export_pipeline.dataset.environment import filled

    if config is not None:
        if type_ is not None:
            raise InvalidRequest("--type: the file of --config says it; leave --type out", field="type")
        return filled(read_document(config, field="--config"), os.environ)
    someone_is_there(instead="--config")
    known = [name for name in CONNECTOR_TYPES if name != "direct_download"]
    chosen = type_ or (present.type if present else typer.prompt(f"type ({', '.join(known)})", err=True))
    if chosen not in known:
        raise InvalidRequest(f"--type: {chosen!r} must be one of {', '.join(known)}", field="type")
    kept = present.model_dump(mode="json") if present and present.type == chosen else {}
    return {"type": chosen, **ask_for(CONNECTOR_TYPES[chosen], kept)}


def _check(
    context: typer.Context,
    deployment: "Deployment",
    stored: "StoredConnector",
    *,
    no_check: bool,
    as_json: bool,
) -> None:
    now, steps = (stored, []) if no_check else checked_now(deployment, stored, silent=as_json)
    tell_check(now, steps, as_json=as_json, program=program(context))
    if not well(steps):
        if not as_json:
            print_line(f"correct it with: {program(context)} connector replace {stored.name}")
        raise typer.Exit(1)


def _shown(value: object) -> str:
    match value:
        case None | "" | [] | {}:
            return "-"
        case dict():
            return ", ".join(f"{name} {_shown(inner)}" for name, inner in value.items())
        case _:
            return str(value)
