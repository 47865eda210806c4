"""`export-pipeline task downloads`: links to what a task has delivered to `direct_download`."""

from typing import TYPE_CHECKING, Annotated

import typer

from export_pipeline.cli.opening import opened
from export_pipeline.cli.options import Json, named
from export_pipeline.cli.printing import print_document, print_line, second
from export_pipeline.errors import InvalidRequest

if TYPE_CHECKING:
    from export_pipeline.settings import Settings

Id = Annotated[str, typer.Argument(metavar="ID", help="The task's id.", show_default=False)]


def downloads(
    context: typer.Context,
    id_: Id,
    limit: Annotated[
        int, typer.Option(metavar="NUMBER", min=1, max=1000, help="Of how many hours, at most.")
    ] = 100,
    cursor: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Go on where a list ended: its `next`.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Give out links to the files of a task that is FINISHED, if they wait in direct_download.

    They need no key, end after an hour, and begin as EXPORT_PIPELINE_API_URL says: there the API serves them.
    """
    from datetime import UTC, datetime

    from export_pipeline.control.downloads import downloads_of
    from export_pipeline.control.links import LASTS, archive_address, file_address
    from export_pipeline.store.database import reading
    from export_pipeline.store.pages import PageRequest
    from export_pipeline.windows import HourWindow

    asked = PageRequest(limit=limit, cursor=cursor)
    with named(cursor="--cursor"), opened(context) as deployment:
        base, key = _api_url(deployment.settings), deployment.secret_key
        expires_at = datetime.now(UTC).replace(microsecond=0) + LASTS
        with reading(deployment.control) as connection:
            found = downloads_of(connection, deployment.settings.organization, id_, asked)
    archive = f"{base}{archive_address(key, id_, found.archive)}" if found.archive else None
    files = [
        {
            "hour": HourWindow(one.hour).key,
            "table": one.file.table,
            "key": one.file.key,
            "rows": one.file.rows,
            "bytes": one.file.bytes,
            "sha256": one.file.sha256,
            "link": f"{base}{file_address(key, id_, one.file.key)}",
        }
        for one in found.files
    ]
    if as_json:
        print_document({"expires_at": expires_at, "archive": archive, "files": files, "next": found.next})
        return
    # No table: a link that is wrapped cannot be followed.
    if archive is not None:
        print_line(f"all of it in one zip:\n{archive}")
    for one in files:
        print_line(
            f"{one['hour']} {one['table']}, {one['rows']:,} rows, {one['bytes']:,} bytes:\n{one['link']}"
        )
    print_line(f"these links end at {second(expires_at)}")
    if found.next:
        print_line(f"there are later hours; go on with: --cursor {found.next}")


def _api_url(settings: "Settings") -> str:
    if settings.api_url is None:
        raise InvalidRequest(
            "EXPORT_PIPELINE_API_URL: is not set; set it to where clients reach the API, like"
            " https://exports.example.com, with which the links begin",
            field="api_url",
        )
    return settings.api_url
