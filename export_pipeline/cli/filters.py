"""`export-pipeline filter`: filters under names, for exports to share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from export_pipeline.cli.confirming import confirm
from export_pipeline.cli.opening import opened
from export_pipeline.cli.options import Json, Yes, named
from export_pipeline.cli.printing import print_document, print_line, print_table, second
from export_pipeline.documents import STANDARD_INPUT, read_text

if TYPE_CHECKING:
    from export_pipeline.control.filters import Users
    from export_pipeline.store.named_filters import StoredFilter

app = typer.Typer(
    help="Named filters: $NAME in the filters of exports and of each other.", no_args_is_help=True
)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The filter's name, without the $.", show_default=False)
]
Text = Annotated[
    str,
    typer.Argument(
        metavar="TEXT",
        help="The conditions, like \"useragent =@ 'bot' OR $LOCAL\"; - reads standard input.",
        show_default=False,
    ),
]


@app.command()
def create(context: typer.Context, name: Name, text: Text, as_json: Json = False) -> None:
    """Make a named filter."""
    from export_pipeline.control.filters import create_filter
    from export_pipeline.store.database import writing

    with (
        named(name="NAME"),
        opened(context) as deployment,
        writing(deployment.control) as connection,
    ):
        stored = create_filter(
            connection, organization=deployment.settings.organization, name=name, text=_read(text)
        )
    if as_json:
        print_document(_listed(stored))
    else:
        print_line(f"made the filter ${name}; exports take it with --filter '${name}'")


@app.command()
def replace(context: typer.Context, name: Name, text: Text, as_json: Json = False) -> None:
    """Give a named filter another text. Exports that stand on it follow from the next hour that is read."""
    from export_pipeline.control.filters import replace_filter
    from export_pipeline.store.database import writing

    with opened(context) as deployment, writing(deployment.control) as connection:
        stored, followers = replace_filter(
            connection,
            deployment.dataset_of(deployment.settings.organization),
            organization=deployment.settings.organization,
            name=name,
            text=_read(text),
        )
    if as_json:
        print_document({**_listed(stored), "followers": _users(followers)})
    elif followers.exports:
        print_line(f"replaced ${name}; it is followed, from the next hour that is read, by {followers}")
    else:
        print_line(f"replaced ${name}; no export stands on it")


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """List the named filters."""
    from export_pipeline.store.database import reading
    from export_pipeline.store.named_filters import list_named_filters

    with opened(context) as deployment, reading(deployment.control) as connection:
        filters = list_named_filters(connection, deployment.settings.organization)
    if as_json:
        print_document({"filters": [_listed(stored) for stored in filters]})
    elif not filters:
        print_line("there are no named filters yet; make one with: export-pipeline filter create --help")
    else:
        print_table(
            ["name", "text", "changed at"],
            [(stored.name, stored.text, second(stored.changed_at)) for stored in filters],
        )


@app.command()
def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show a named filter: its text, what is left of it without names, and who uses it."""
    from export_pipeline.control.filters import resolved_text, users_of
    from export_pipeline.store.database import reading
    from export_pipeline.store.named_filters import find_named_filter, named_filters

    with opened(context) as deployment, reading(deployment.control) as connection:
        organization = deployment.settings.organization
        stored = find_named_filter(connection, organization, name)
        resolved = resolved_text(name, named_filters(connection, organization))
        users = users_of(connection, organization, name)
    if as_json:
        print_document({**_listed(stored), "resolved": resolved, "users": _users(users)})
        return
    lines = {
        "name": stored.name,
        "text": stored.text,
        "resolved": resolved,
        "used by exports": _said(users.exports),
        "used by filters": _said(users.filters),
        "made at": second(stored.created_at),
        "changed at": second(stored.changed_at),
    }
    print_table(["field", "value"], list(lines.items()))


@app.command()
def delete(context: typer.Context, name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Forget a named filter. Refused while exports or other filters use it."""
    from export_pipeline.control.filters import delete_filter
    from export_pipeline.store.database import reading, writing
    from export_pipeline.store.named_filters import find_named_filter

    with opened(context) as deployment:
        organization = deployment.settings.organization
        with reading(deployment.control) as connection:
            find_named_filter(connection, organization, name)
        confirm(f"Forget the filter ${name}?", yes=yes)
        with writing(deployment.control) as connection:
            stored = delete_filter(connection, organization, name)
    if as_json:
        print_document(_listed(stored))
    else:
        print_line(f"deleted the filter ${name}")


def _read(text: str) -> str:
    return read_text(text, field="TEXT").strip() if text == STANDARD_INPUT else text


def _listed(stored: "StoredFilter") -> dict[str, object]:
    return {
        "name": stored.name,
        "id": stored.id,
        "text": stored.text,
        "created_at": stored.created_at,
        "changed_at": stored.changed_at,
    }


def _users(users: "Users") -> dict[str, Sequence[str]]:
    return {"exports": users.exports, "filters": users.filters}


def _said(names: Sequence[str]) -> str:
    return ", ".join(names) or "-"
