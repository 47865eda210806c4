"""Stored export tasks."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.errors import Gone, NotFound
from export_pipeline.exports.export import Export
from export_pipeline.exports.task import ExportTask
from export_pipeline.store.pages import Page, PageRequest, read_page
from export_pipeline.store.schema import CONNECTORS, EXPORTS, TASKS

NOTHING: Mapping[str, Any] = MappingProxyType({})

_QUEUED = TASKS.c.started_at.is_(None), TASKS.c.error.is_(None)


def add_task(
    connection: sa.Connection,
    export: Export,
    *,
    since: datetime,
    until: datetime,
    force: bool,
    origin: str | None = None,
    name: str | None = None,
    properties: Mapping[str, Any] = NOTHING,
) -> ExportTask:
    """Store a request for the hours of `[since, until)`; a sensor picks it up."""
    task = ExportTask(
        id=str(uuid.uuid4()),
        organization=export.organization,
        export_id=export.id,
        since=since,
        until=until,
        force=force,
        requested_at=datetime.now(UTC),
        origin=origin,
        name=name,
        properties=dict(properties),
    )
    connection.execute(
        TASKS.insert().values(
            id=task.id,
            organization=task.organization,
            export_id=task.export_id,
            since=since,
            until=until,
            force=force,
            requested_at=task.requested_at,
            origin=origin,
            name=name,
            properties=task.properties,
        )
    )
    return task


def list_tasks(
    connection: sa.Connection,
    organization: str,
    *,
    export_id: str | None = None,
    origin: str | None = None,
    name: str | None = None,
    after: tuple[datetime, str] | None = None,
    offset: int = 0,
    limit: int = 100,
) -> Sequence[ExportTask]:
    """The organization's latest tasks, the newest first; of one export, that one face took, of one name.

    `after` is the `requested_at` and the id of the last one that was seen: pages that begin so lose nothing
    and repeat nothing while tasks are added, which those that begin at an `offset` may.
    """
    query = sa.select(TASKS).where(*_listed(organization, export_id, origin, name))
    if after is not None:
        requested_at, id_ = after
        same = sa.and_(TASKS.c.requested_at == requested_at, TASKS.c.id > id_)
        query = query.where(sa.or_(TASKS.c.requested_at < requested_at, same))
    newest_first = query.order_by(TASKS.c.requested_at.desc(), TASKS.c.id)
    return _tasks(connection, newest_first.offset(offset).limit(limit))


def count_tasks(
    connection: sa.Connection,
    organization: str,
    *,
    export_id: str | None = None,
    origin: str | None = None,
    name: str | None = None,
) -> int:
    """How many tasks `list_tasks` gives on all of its pages."""
    listed = _listed(organization, export_id, origin, name)
    return connection.scalar(sa.select(sa.func.count()).select_from(TASKS).where(*listed)) or 0


def _listed(
    organization: str, export_id: str | None, origin: str | None, name: str | None
) -> Iterator[sa.ColumnElement[bool]]:
    yield TASKS.c.organization == organization
    yield TASKS.c.deleted_at.is_(None)
    if export_id is not None:
        yield TASKS.c.export_id == export_id
    if origin is not None:
        yield TASKS.c.origin == origin
    if name is not None:
        yield TASKS.c.name == name


def tasks_page(
    connection: sa.Connection, organization: str, asked: PageRequest, *, export_id: str | None = None
) -> Page[ExportTask]:
    """The organization's tasks in pages, the newest first; of one export only if it is named."""
    query = sa.select(TASKS).where(*_listed(organization, export_id, None, None))
    return read_page(
        connection,
        query,
        by=(TASKS.c.requested_at, TASKS.c.id),
        asked=asked,
        made=lambda row: ExportTask(**row._mapping),
        newest_first=True,
    )


def tasks_between(
    connection: sa.Connection, export_id: str, since: datetime, until: datetime
) -> Sequence[ExportTask]:
    """The export's tasks that ask for anything of `[since, until)`, the oldest first."""
    query = sa.select(TASKS).where(
        TASKS.c.export_id == export_id, TASKS.c.since < until, TASKS.c.until > since
    )
    return _tasks(connection, query.order_by(TASKS.c.requested_at, TASKS.c.id))


def queued_tasks(connection: sa.Connection, limit: int) -> Sequence[ExportTask]:
    """Tasks of all organizations that no run has taken up and that can begin, the oldest first.

    Those that wait for their connector are not among them, however many there are.
    """
    query = (
        sa.select(TASKS)
        .join(EXPORTS, EXPORTS.c.id == TASKS.c.export_id)
        .join(CONNECTORS, CONNECTORS.c.id == EXPORTS.c.connector_id)
        .where(*_QUEUED, CONNECTORS.c.state == ConnectorState.RUNNING)
    )
    return _tasks(connection, query.order_by(TASKS.c.requested_at, TASKS.c.id).limit(limit))


def count_waiting_tasks(connection: sa.Connection) -> Mapping[str, int]:
    """How many tasks wait, by the id of the connector that they wait for."""
    counted = (
        sa.select(CONNECTORS.c.id, sa.func.count())
        .join(EXPORTS, EXPORTS.c.connector_id == CONNECTORS.c.id)
        .join(TASKS, TASKS.c.export_id == EXPORTS.c.id)
        .where(*_QUEUED, CONNECTORS.c.state != ConnectorState.RUNNING, CONNECTORS.c.deleted_at.is_(None))
        .group_by(CONNECTORS.c.id)
        .order_by(CONNECTORS.c.id)
    )
    return {row[0]: row[1] for row in connection.execute(counted)}


def find_task(
    connection: sa.Connection, organization: str, id_: str, *, origin: str | None = None
) -> ExportTask:
    """The organization's task with that id; with `origin` only if that face took it. Gone: it is deleted."""
    query = sa.select(TASKS).where(TASKS.c.organization == organization, TASKS.c.id == id_)
    found = _tasks(connection, query if origin is None else query.where(TASKS.c.origin == origin))
    if not found:
        raise NotFound(
            f"there is no task {id_!r} of {organization!r}; the list of its tasks shows those there are"
        )
    (task,) = found
    if task.deleted_at is not None:
        raise Gone(f"task {id_!r} was deleted at {task.deleted_at.isoformat()}; ask for its hours anew")
    return task


def start_task(connection: sa.Connection, id_: str) -> ExportTask:
    """Note that a run has taken the task up; a run that takes it up again clears the earlier error.

    One that was cancelled in the meantime stays as it is. NotFound when its export was deleted while the run
    waited for its turn.
    """
    slug = deleted_export(connection, id_)
    if slug is not None:
        raise NotFound(f"the export {slug!r} was deleted before the task began")
    now = datetime.now(UTC)
    wanted = TASKS.update().where(TASKS.c.id == id_, TASKS.c.cancel_requested_at.is_(None))
    connection.execute(wanted.values(started_at=now, ended_at=None, error=None))
    return get_task(connection, id_)


def get_task(connection: sa.Connection, id_: str) -> ExportTask:
    """The task with that id, whoever's it is."""
    found = _tasks(connection, sa.select(TASKS).where(TASKS.c.id == id_))
    if not found:
        raise NotFound(f"there is no task with the id {id_!r}")
    return found[0]


def requeue_task(connection: sa.Connection, id_: str, attempt: int) -> None:
    """Put a task back into the queue whose connector stopped running while its run was at work.

    Nothing happens if that was an earlier attempt of the task; and nobody goes on with a deleted export, or
    with a task that is cancelled.
    """
    if deleted_export(connection, id_) is not None:
        fail_task(connection, id_, "the export was deleted while the task waited for its connector")
    elif (cancellation := get_task(connection, id_).cancellation) is not None:
        fail_task(connection, id_, cancellation)
    else:
        connection.execute(
            TASKS.update()
            .where(TASKS.c.id == id_, TASKS.c.attempt == attempt)
            .values(started_at=None, attempt=attempt + 1)
        )


def request_cancel(connection: sa.Connection, id_: str, by: str) -> bool:
    """Note who wants a task to end that has not. Whether that was all: no run had taken it up."""
    now = datetime.now(UTC)
    connection.execute(
        TASKS.update()
        .where(TASKS.c.id == id_, TASKS.c.cancel_requested_at.is_(None))
        .values(cancel_requested_at=now, cancelled_by=by)
    )
    task = get_task(connection, id_)
    assert task.cancellation is not None, "it was noted just now, or before"
    ended = connection.execute(
        TASKS.update().where(TASKS.c.id == id_, *_QUEUED).values(error=task.cancellation, ended_at=now)
    )
    return bool(ended.rowcount)


def is_cancelled(connection: sa.Connection, id_: str) -> bool:
    """Whether somebody wants the task to end."""
    found = sa.select(TASKS.c.id).where(TASKS.c.id == id_, TASKS.c.cancel_requested_at.is_not(None))
    return connection.scalar(found) is not None


def retry_task(connection: sa.Connection, task: ExportTask) -> None:
    """Put a task back into the queue that ended; nothing of what ended it is held against it."""
    connection.execute(
        TASKS.update()
        .where(TASKS.c.id == task.id)
        .values(
            started_at=None,
            ended_at=None,
            error=None,
            cancel_requested_at=None,
            cancelled_by=None,
            attempt=task.attempt + 1,
        )
    )


def end_task(connection: sa.Connection, id_: str, attempt: int) -> None:
    """Note that the run of this attempt is done with the task."""
    connection.execute(
        TASKS.update().where(TASKS.c.id == id_, TASKS.c.attempt == attempt).values(ended_at=datetime.now(UTC))
    )


def fail_task(connection: sa.Connection, id_: str, error: str) -> None:
    """Note why the task's run ended before its hours were delivered."""
    connection.execute(
        TASKS.update().where(TASKS.c.id == id_).values(error=error, ended_at=datetime.now(UTC))
    )


def fail_queued_tasks(connection: sa.Connection, export_id: str, error: str) -> None:
    """Note of every task of the export that no run has taken up why none will."""
    connection.execute(
        TASKS.update()
        .where(TASKS.c.export_id == export_id, *_QUEUED)
        .values(error=error, ended_at=datetime.now(UTC))
    )


def delete_task(connection: sa.Connection, id_: str) -> None:
    """Forget a task: it is listed no more, and whoever asks for it is told."""
    connection.execute(TASKS.update().where(TASKS.c.id == id_).values(deleted_at=datetime.now(UTC)))


def deleted_export(connection: sa.Connection, id_: str) -> str | None:
    """The name of the task's export, if that is deleted."""
    deleted = sa.select(EXPORTS.c.slug).join(TASKS, TASKS.c.export_id == EXPORTS.c.id)
    slug: str | None = connection.scalar(deleted.where(TASKS.c.id == id_, EXPORTS.c.deleted_at.is_not(None)))
    return slug


def _tasks(connection: sa.Connection, query: sa.Select[*tuple[object, ...]]) -> Sequence[ExportTask]:
    return [ExportTask(**row._mapping) for row in connection.execute(query)]
