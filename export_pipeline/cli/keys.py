"""`export-pipeline key`: who may use the API."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from export_pipeline.cli.confirming import confirm
from export_pipeline.cli.opening import opened
from export_pipeline.cli.options import Json, Yes, named
from export_pipeline.cli.printing import print_document, print_line, print_table, second

if TYPE_CHECKING:
    from export_pipeline.control.keys import NewKey
    from export_pipeline.store.api_keys import ApiKey

app = typer.Typer(help="API keys: who may use the API, and for what.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="The key's id.", show_default=False)]


@app.command()
def create(
    context: typer.Context,
    privilege: Annotated[
        list[str],
        typer.Option(
            metavar="PRIVILEGE",
            help="What it allows: exports:view, exports:edit, connectors:view, connectors:edit,"
            " data:contribute or admin; more than once for several.",
            show_default=False,
        ),
    ],
    organization: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Where it works; more than once for several, of which the first counts if a request names"
            " none. Default: as for every command.",
        ),
    ] = None,
    name: Annotated[str, typer.Option(metavar="TEXT", help="What it is for.")] = "key",
    days: Annotated[
        int | None, typer.Option(metavar="NUMBER", min=1, help="After how many days it ends; default: never.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a key. Its text is shown once: keep it where secrets are kept."""
    from datetime import UTC, datetime

    from export_pipeline.control.keys import create_key
    from export_pipeline.store.database import writing

    with named(privileges="--privilege", name="--name"), opened(context) as deployment:
        home, *also = organization or [deployment.settings.organization]
        with writing(deployment.control) as connection:
            new = create_key(
                connection,
                organization=home,
                also=also,
                privileges=privilege,
                name=name,
                expires_at=datetime.now(UTC) + timedelta(days=days) if days else None,
            )
    _show_once(new, as_json)


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """List the organization's keys."""
    from export_pipeline.store.api_keys import list_keys
    from export_pipeline.store.database import reading

    with opened(context) as deployment, reading(deployment.control) as connection:
        keys = list_keys(connection, deployment.settings.organization)
    if as_json:
        print_document({"keys": [_listed(key) for key in keys]})
        return
    print_table(
        ["id", "name", "allows", "made at", "ends at", "last used at"],
        [
            (
                key.id,
                key.name,
                ", ".join(key.privileges),
                second(key.created_at),
                _end(key),
                second(key.last_used_at) if key.last_used_at else "never",
            )
            for key in keys
        ],
    )


@app.command()
def rotate(
    context: typer.Context,
    id_: Id,
    grace_hours: Annotated[
        int,
        typer.Option(
            metavar="NUMBER", min=0, help="For how many hours the old one works beside the new one."
        ),
    ] = 24,
    as_json: Json = False,
) -> None:
    """Make a key that allows the same, and end the old one."""
    from export_pipeline.control.keys import rotate_key
    from export_pipeline.store.database import writing

    with opened(context) as deployment, writing(deployment.control) as connection:
        new = rotate_key(
            connection, deployment.settings.organization, id_, grace=timedelta(hours=grace_hours)
        )
    _show_once(new, as_json)


@app.command()
def revoke(context: typer.Context, id_: Id, yes: Yes = False, as_json: Json = False) -> None:
    """End a key at once."""
    from export_pipeline.control.keys import revoke_key
    from export_pipeline.store.api_keys import find_key
    from export_pipeline.store.database import reading, writing

    with opened(context) as deployment:
        organization = deployment.settings.organization
        with reading(deployment.control) as connection:
            name = find_key(connection, organization, id_).name
        confirm(f"End the key {name}? Whoever uses it is refused from then on.", yes=yes)
        with writing(deployment.control) as connection:
            key = revoke_key(connection, organization, id_)
    if as_json:
        print_document(_listed(key))
    else:
        print_line(f"ended the key {key.name}")


def _show_once(new: "NewKey", as_json: bool) -> None:
    if as_json:
        print_document({**_listed(new.key), "key": new.text})
    else:
        print_line(f"{new.text}\nThis is the key {new.key.name} ({new.key.id}). It is not shown again.")


def _listed(key: "ApiKey") -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "organizations": list(key.organizations),
        "privileges": list(key.privileges),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }


def _end(key: "ApiKey") -> str:
    if key.revoked_at:
        return f"{second(key.revoked_at)} (revoked)"
    return second(key.expires_at) if key.expires_at else "never"
