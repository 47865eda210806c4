"""`export-pipeline audit`: who changed what."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from export_pipeline.cli.opening import opened
from export_pipeline.cli.options import Json, named
from export_pipeline.cli.printing import print_document, print_line, print_table, second

if TYPE_CHECKING:
    from export_pipeline.store.audit import AuditEntry

app = typer.Typer(help="The audit log: who changed what, and when.", no_args_is_help=True)


@app.command("list")
def list_(
    context: typer.Context,
    subject: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only changes of what is called so.")
    ] = None,
    limit: Annotated[
        int, typer.Option(metavar="NUMBER", min=1, max=1000, help="How many, the latest first.")
    ] = 50,
    cursor: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Go on where a list ended: its `next`.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the changes that were made, by the API and by commands. There are no secrets in it."""
    from export_pipeline.store.audit import audit_page
    from export_pipeline.store.database import reading
    from export_pipeline.store.pages import PageRequest

    asked = PageRequest(limit=limit, cursor=cursor)
    with named(cursor="--cursor"), opened(context) as deployment, reading(deployment.control) as connection:
        page = audit_page(connection, deployment.settings.organization, asked, subject=subject)
    if as_json:
        print_document({"entries": [asdict(entry) for entry in page.items], "next": page.next})
        return
    print_table(
        ["at", "by", "action", "of", "changed"],
        [
            (second(entry.at), entry.actor_name, entry.action, entry.subject, _changed(entry))
            for entry in page.items
        ],
    )
    if page.next:
        print_line(f"there are earlier ones; go on with: --cursor {page.next}")


def _changed(entry: "AuditEntry") -> str:
    """Which fields are others than before; all of it is in the JSON."""
    before, after = entry.before, entry.after
    if before is None or after is None:
        return ""
    return ", ".join(sorted(name for name in {*before, *after} if before.get(name) != after.get(name)))
