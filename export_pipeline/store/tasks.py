"""Stored export tasks."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from export_pipeline.errors import NotFound
from export_pipeline.exports.export import Export
from export_pipeline.exports.task import ExportTask
from export_pipeline.store.schema import EXPORTS, TASKS


def add_task(
    connection: sa.Connection, export: Export, *, since: datetime, until: datetime, force: bool
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
        )
    )
    return task


def list_tasks(
    connection: sa.Connection, organization: str, *, export_id: str | None = None, limit: int = 100
) -> Sequence[ExportTask]:
    """The organization's latest tasks, the newest first."""
    query = sa.select(TASKS).where(TASKS.c.organization == organization)
    if export_id is not None:
        query = query.where(TASKS.c.export_id == export_id)
    return _tasks(connection, query.order_by(TASKS.c.requested_at.desc(), TASKS.c.id).limit(limit))


def tasks_between(
    connection: sa.Connection, export_id: str, since: datetime, until: datetime
) -> Sequence[ExportTask]:
    """The export's tasks that ask for anything of `[since, until)`, the oldest first."""
    query = sa.select(TASKS).where(
        TASKS.c.export_id == export_id, TASKS.c.since < until, TASKS.c.until > since
    )
    return _tasks(connection, query.order_by(TASKS.c.requested_at, TASKS.c.id))


def queued_tasks(connection: sa.Connection, limit: int) -> Sequence[ExportTask]:
    """Tasks of all organizations that no run has taken up, the oldest first."""
    query = sa.select(TASKS).where(TASKS.c.started_at.is_(None), TASKS.c.error.is_(None))
    return _tasks(connection, query.order_by(TASKS.c.requested_at, TASKS.c.id).limit(limit))


def find_task(connection: sa.Connection, organization: str, id_: str) -> ExportTask:
    """The organization's task with that id."""
    found = _tasks(
        connection, sa.select(TASKS).where(TASKS.c.organization == organization, TASKS.c.id == id_)
    )
    if not found:
        raise NotFound(
            f"there is no task {id_!r} of {organization!r};"
            f" `export-pipeline --organization {organization} task list` shows those there are"
        )
    return found[0]


def start_task(connection: sa.Connection, id_: str) -> ExportTask:
    """Note that a run has taken the task up; a run that takes it up again clears the earlier error.

    NotFound when its export was deleted while the run waited for its turn.
    """
    deleted = sa.select(EXPORTS.c.slug).join(TASKS, TASKS.c.export_id == EXPORTS.c.id)
    slug = connection.scalar(deleted.where(TASKS.c.id == id_, EXPORTS.c.deleted_at.is_not(None)))
    if slug is not None:
        raise NotFound(f"the export {slug!r} was deleted before the task began")
    now = datetime.now(UTC)
    connection.execute(TASKS.update().where(TASKS.c.id == id_).values(started_at=now, error=None))
    return get_task(connection, id_)


def get_task(connection: sa.Connection, id_: str) -> ExportTask:
    """The task with that id, whoever's it is."""
    found = _tasks(connection, sa.select(TASKS).where(TASKS.c.id == id_))
    if not found:
        raise NotFound(f"there is no task with the id {id_!r}")
    return found[0]


def fail_task(connection: sa.Connection, id_: str, error: str) -> None:
    """Note why the task's run ended before its hours were delivered."""
    connection.execute(TASKS.update().where(TASKS.c.id == id_).values(error=error))


def fail_queued_tasks(connection: sa.Connection, export_id: str, error: str) -> None:
    """Note of every task of the export that no run has taken up why none will."""
    connection.execute(
        TASKS.update()
        .where(TASKS.c.export_id == export_id, TASKS.c.started_at.is_(None), TASKS.c.error.is_(None))
        .values(error=error)
    )


def _tasks(connection: sa.Connection, query: sa.Select[*tuple[object, ...]]) -> Sequence[ExportTask]:
    return [ExportTask(**row._mapping) for row in connection.execute(query)]
