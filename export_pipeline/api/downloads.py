"""Downloads by signed links, which need no key: a task's files in a zip, or one stored file.

What a face needs is `archive_link` and `file_link`.
"""

import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from export_pipeline.api.configured import configured
from export_pipeline.api.streams import PIECES_AT_ONCE, begun, sent
from export_pipeline.api.turns import room, turn
from export_pipeline.api.visits import address_of, deployment_of
from export_pipeline.connectors.destination import Destination, StoredObject
from export_pipeline.control.archives import archive_of
from export_pipeline.control.downloads import check_finished
from export_pipeline.control.links import (
    ARCHIVES,
    FILES,
    LASTS,
    archive_address,
    check_link,
    file_address,
)
from export_pipeline.control.tasks import show_task
from export_pipeline.deployment import Deployment
from export_pipeline.errors import Gone, PermanentFailure, TransientFailure
from export_pipeline.exports.export import Export
from export_pipeline.exports.task import ExportTask
from export_pipeline.store.database import reading
from export_pipeline.store.exports import get_export, is_deleted
from export_pipeline.store.tasks import get_task

LOG = logging.getLogger("export_pipeline.api")

router = APIRouter()

Expires = Annotated[int, Query()]
Signature = Annotated[str, Query(max_length=200)]

# By the end of a key. What is compressed is sent as the file it is, not as a way to transfer another.
MEDIA_TYPES = {
    ".zip": "application/zip",
    ".gz": "application/gzip",
    ".zst": "application/zstd",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
}

# Of one organization in a process. Whoever does not read on keeps some megabytes of ours, and needs no key.
MOST_AT_ONCE = 64

# Of the threads that make pieces, which are everybody's.
BEGUN_AT_ONCE = PIECES_AT_ONCE // 2

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Download(StreamingResponse):
    """Bytes that belong to an organization. TooManyRequests if it has too many downloads under way."""

    def __init__(self, organization: str, pieces: Iterator[bytes], **how: Any) -> None:
        super().__init__(sent(pieces), **how)
        self._organization = organization

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with room(f"downloads of {self._organization}", MOST_AT_ONCE):
            await super().__call__(scope, receive, send)


def archive_link(
    request: Request, deployment: Deployment, task: ExportTask, name: str, *, lasts: timedelta = LASTS
) -> str:
    """An address at which the task's files are to be had as one zip of that name."""
    address = archive_address(deployment.secret_key, task.id, name, lasts=lasts)
    return f"{address_of(request, deployment)}{address}"


def file_link(
    request: Request, deployment: Deployment, task: ExportTask, key: str, *, lasts: timedelta = LASTS
) -> str:
    """An address at which one file of the task is to be had; `key` names it in the connector's store."""
    address = file_address(deployment.secret_key, task.id, key, lasts=lasts)
    return f"{address_of(request, deployment)}{address}"


@router.api_route(ARCHIVES + "/{task_id}/{name}", methods=["GET", "HEAD"], include_in_schema=False)
async def archive(
    request: Request, task_id: str, name: str, expires: Expires, signature: Signature
) -> Response:
    """The task's files in one zip. WrongState while hours of it are missing: nobody would see which."""
    deployment = deployment_of(request)
    check_link(deployment.secret_key, f"{ARCHIVES}/{task_id}/{name}", expires=expires, signature=signature)
    return await _begun(request, task_id, partial(_archive, request, deployment, task_id, name))


def _archive(request: Request, deployment: Deployment, task_id: str, name: str) -> Response:
    task, export = _there(deployment, task_id)
    _check_finished(deployment, task)
    destination = configured(deployment, export.connector_id).open()
    looked_at = request.method == "HEAD"  # and nothing else: what is in it takes a second
    return Download(
        task.organization,
        iter(()) if looked_at else _with_first(archive_of(deployment.control, destination, export, task)),
        media_type=MEDIA_TYPES[".zip"],
        headers={"Content-Disposition": disposition(name)},
    )


@router.api_route(FILES + "/{task_id}/{key:path}", methods=["GET", "HEAD"], include_in_schema=False)
async def file(request: Request, task_id: str, key: str, expires: Expires, signature: Signature) -> Response:
    """One stored file of the task, or a range of its bytes. WrongState if it may come yet, Gone if it was."""
    deployment = deployment_of(request)
    check_link(deployment.secret_key, f"{FILES}/{task_id}/{key}", expires=expires, signature=signature)
    return await _begun(request, task_id, partial(_file, request, deployment, task_id, key))


async def _begun(request: Request, task_id: str, begin: Callable[[], Response]) -> Response:
    """What comes before the first piece, which takes a second for a zip of a year: in the organization's
    turn, or whoever has one link could keep everybody's threads.
    """
    task, _ = await begun(partial(_there, deployment_of(request), task_id))
    async with turn(f"downloads of {task.organization}", BEGUN_AT_ONCE):
        if await request.is_disconnected():  # while it waited: others do
            raise ClientDisconnect
        try:
            return await begun(begin)
        except PermanentFailure as failure:  # nothing that whoever has a link could mend
            LOG.error("task %s cannot be downloaded: %s", task_id, failure)  # noqa: TRY400
            raise TransientFailure(
                f"it cannot be downloaded until the operator has mended this: {failure}"
            ) from failure


def _file(request: Request, deployment: Deployment, task_id: str, key: str) -> Response:
    task, export = _there(deployment, task_id)
    destination = configured(deployment, export.connector_id).open()
    found = destination.head(key)
    if found is None:
        _check_finished(deployment, task)  # it may be of an hour that is still to come
        raise Gone("the file was deleted, or has expired; ask for its hours anew")
    return _stored(request, task.organization, destination, key, found)


def _check_finished(deployment: Deployment, task: ExportTask) -> None:
    with reading(deployment.control) as connection:
        check_finished(show_task(connection, task.organization, task.id))


def _stored(
    request: Request, organization: str, destination: Destination, key: str, found: StoredObject
) -> Response:
    """The file at `key`, or the one range of its bytes that is asked for."""
    tag = f'"{quote(found.version, safe="")}"'
    headers = {
        "Content-Disposition": disposition(key.rpartition("/")[2]),
        "Accept-Ranges": "bytes",
        "ETag": tag,
    }
    wanted = _range(request, found, tag)
    if wanted is None:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{found.size}"})
    first, end = wanted
    part = (first, end) != (0, found.size)
    if part:
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{found.size}"
    return Download(
        organization,
        iter(()) if request.method == "HEAD" else _with_first(_part(destination.get(key), first, end)),
        status_code=206 if part else 200,
        media_type=media_type(key),
        headers={**headers, "Content-Length": str(end - first)},
    )


def media_type(key: str) -> str:
    """What a file is, by its name."""
    return MEDIA_TYPES.get(f".{key.rpartition('.')[2]}", "application/octet-stream")


def disposition(name: str) -> str:
    """Save it under that name."""
    plain = re.sub(r'[^ -~]|["\\]', "_", name)
    also = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{also}'


def _with_first(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces, the first of which is made now: what is wrong from the start is an answer still."""
    first = next(pieces, b"")

    def all_of_them() -> Iterator[bytes]:
        yield first
        yield from pieces

    return all_of_them()


def _there(deployment: Deployment, task_id: str) -> tuple[ExportTask, Export]:
    """The task and its export. Gone when its files are not to be had any more."""
    with reading(deployment.control) as connection:
        task = get_task(connection, task_id)
        gone = task.deleted_at is not None or task.expired_at is not None
        if gone or is_deleted(connection, task.export_id):
            raise Gone("what this link leads to was deleted, or has expired; ask for it anew")
        return task, get_export(connection, task.export_id)


def _range(request: Request, found: StoredObject, tag: str) -> tuple[int, int] | None:
    """The bytes asked for, from the first up to but not including the end; None if there are none such.

    Several ranges at once are answered with all of the file, as the standard lets us.
    """
    match = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    whole = 0, found.size
    if match is None or match[0] == "bytes=-" or request.headers.get("If-Range", tag) != tag:
        return whole
    first, last = match[1], match[2]
    if not first:
        return (max(0, found.size - int(last)), found.size) if int(last) and found.size else None
    end = min(int(last) + 1, found.size) if last else found.size
    if last and int(last) < int(first):
        return whole
    return (int(first), end) if int(first) < found.size else None


def _part(pieces: Iterator[bytes], first: int, end: int) -> Iterator[bytes]:
    """Those bytes of all. What lies before them is read and left out: not every store can skip it.

    For each piece there is one, if an empty one: a long way to the first byte holds up nobody else.
    """
    at = 0
    for piece in pieces:
        if at >= end:
            return
        yield piece[max(0, first - at) : end - at]
        at += len(piece)
