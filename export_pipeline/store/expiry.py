"""Files that wait with us until they are fetched, and expire: whose they are, and which have to be deleted.

What lies in customers' own places is theirs, and never here. What expires is marked first, task by task and
hour by hour; what is marked and not removed has still to be deleted, whoever marked it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from export_pipeline.connectors.direct_download import DIRECT_DOWNLOAD
from export_pipeline.exports.task import ExportTask, TaskStatus, status_of
from export_pipeline.store.ledger import LedgerEntry
from export_pipeline.store.schema import CONNECTORS, EXPORTS, HOURS, TASKS
from export_pipeline.store.task_counts import counts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """What is older goes: files found in place before `found` (None: never), and all of an export that was
    deleted before `deleted`.
    """

    found: datetime | None
    deleted: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptExport:
    """An export some of whose files lie with us. It may be deleted, and its connector too."""

    id: str
    organization: str
    slug: str
    deleted_at: datetime | None
    connector_id: str
    connector: str

    def over(self, deadlines: Deadlines) -> bool:
        """Whether it was deleted so long ago that nothing of it is kept, whoever wanted it."""
        return self.deleted_at is not None and self.deleted_at < deadlines.deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class SomeHours:
    """Hours of an export, the first and last of them, and the bytes of their newest revisions."""

    hours: int
    bytes: int
    first_hour: datetime | None
    until: datetime | None


def kept_exports(connection: sa.Connection, deadlines: Deadlines) -> Sequence[KeptExport]:
    """The exports of which files are with us that may be due, or are marked and have to be deleted."""
    old = EXPORTS.c.deleted_at < deadlines.deleted
    if deadlines.found is not None:
        old = sa.or_(old, HOURS.c.proven_at < deadlines.found)
    marked = HOURS.c.expired_at.is_not(None) & HOURS.c.removed_at.is_(None)
    due = sa.exists().where(
        HOURS.c.export_id == EXPORTS.c.id, sa.or_(marked, HOURS.c.expired_at.is_(None) & old)
    )
    rows = connection.execute(
        sa.select(
            EXPORTS.c.id,
            EXPORTS.c.organization,
            EXPORTS.c.slug,
            EXPORTS.c.deleted_at,
            EXPORTS.c.connector_id,
            CONNECTORS.c.name.label("connector"),
        )
        .join(CONNECTORS, CONNECTORS.c.id == EXPORTS.c.connector_id)
        .where(CONNECTORS.c.type == DIRECT_DOWNLOAD, due)
        .order_by(EXPORTS.c.organization, EXPORTS.c.slug, EXPORTS.c.created_at)
    )
    return [KeptExport(**row._mapping) for row in rows]


def namesakes_of(connection: sa.Connection, export: KeptExport) -> Sequence[str]:
    """The ids of other exports with its name and connector, and so with its keys, that live or have files
    there: one was deleted before the next could be made.
    """
    there = sa.exists().where(HOURS.c.export_id == EXPORTS.c.id, HOURS.c.expired_at.is_(None))
    query = sa.select(EXPORTS.c.id).where(
        EXPORTS.c.organization == export.organization,
        EXPORTS.c.slug == export.slug,
        EXPORTS.c.connector_id == export.connector_id,
        EXPORTS.c.id != export.id,
        EXPORTS.c.deleted_at.is_(None) | there,
    )
    return connection.scalars(query.order_by(EXPORTS.c.id)).all()


def lock_kept(connection: sa.Connection, export: KeptExport) -> None:
    """Nobody takes up an hour of the export, or asks for one, until the transaction ends."""
    for table, id_ in (
        (CONNECTORS, export.connector_id),
        (EXPORTS, export.id),
    ):  # in this order, as everywhere
        connection.execute(sa.select(table.c.id).where(table.c.id == id_).with_for_update())


def due_tasks(
    connection: sa.Connection, export: KeptExport, deadlines: Deadlines, place: str
) -> Sequence[str]:
    """The export's tasks whose time is over, and that have delivered: one that failed says so for ever.

    Only those of which files lie in `place`, where the connector leads now.
    """
    there = sa.exists().where(
        HOURS.c.export_id == TASKS.c.export_id,
        HOURS.c.place == place,
        TASKS.c.since < HOURS.c.until,
        TASKS.c.until > HOURS.c.hour,
    )
    marked = TASKS.c.deleted_at.is_not(None) | TASKS.c.expired_at.is_not(None)
    if export.over(deadlines):
        old: sa.ColumnElement[bool] = sa.true()
    elif deadlines.found is None:
        old = sa.false()
    else:
        old = TASKS.c.ended_at < deadlines.found
    query = sa.select(TASKS).where(TASKS.c.export_id == export.id, ~marked, old, there)
    tasks = [ExportTask(**row._mapping) for row in connection.execute(query)]
    return [task.id for task in tasks if status_of(task, counts_of(connection, task)) is TaskStatus.FINISHED]


def expire_tasks(
    connection: sa.Connection, export: KeptExport, deadlines: Deadlines, place: str, now: datetime
) -> Sequence[str]:
    """Mark these tasks."""
    due = due_tasks(connection, export, deadlines, place)
    for id_ in due:
        connection.execute(TASKS.update().where(TASKS.c.id == id_).values(expired_at=now))
    return due


def due_hours(connection: sa.Connection, export: KeptExport, deadlines: Deadlines, place: str) -> SomeHours:
    """The hours that `expire_hours` would mark."""
    return _some(connection, *_due(export, deadlines, place))


def expire_hours(
    connection: sa.Connection, export: KeptExport, deadlines: Deadlines, place: str, now: datetime
) -> SomeHours:
    """Mark the hours that nobody needs any more: found in place long ago, and no task that is under way or
    ended since then is of them.

    Only those that lie in `place`: others may be in a customer's bucket, where the connector led before.
    """
    due = due_hours(connection, export, deadlines, place)
    if due.hours:
        connection.execute(HOURS.update().where(*_due(export, deadlines, place)).values(expired_at=now))
    return due


def _due(export: KeptExport, deadlines: Deadlines, place: str) -> Sequence[sa.ColumnElement[bool]]:
    there = HOURS.c.export_id == export.id, HOURS.c.place == place, HOURS.c.expired_at.is_(None)
    if export.over(deadlines):
        return there
    if deadlines.found is None:
        return (*there, sa.false())
    other = HOURS.alias()
    found_since = sa.exists().where(
        other.c.export_id == HOURS.c.export_id,
        other.c.hour == HOURS.c.hour,
        other.c.proven_at >= deadlines.found,
    )
    under_way = TASKS.c.ended_at.is_(None) & TASKS.c.error.is_(None)
    needed = sa.exists().where(
        TASKS.c.export_id == HOURS.c.export_id,
        TASKS.c.since < HOURS.c.until,
        TASKS.c.until > HOURS.c.hour,
        TASKS.c.deleted_at.is_(None),
        TASKS.c.expired_at.is_(None),
        sa.or_(under_way, TASKS.c.ended_at >= deadlines.found),
    )
    return (*there, ~found_since, ~needed)


def hours_to_remove(connection: sa.Connection, export_id: str) -> SomeHours:
    """The hours that are marked and have still to be deleted."""
    return _some(connection, *_to_remove(export_id))


def next_to_remove(
    connection: sa.Connection, export_id: str, after: datetime | None, limit: int
) -> Sequence[datetime]:
    """The first of them, or those after an hour."""
    query = sa.select(HOURS.c.hour).distinct().where(*_to_remove(export_id))
    if after is not None:
        query = query.where(HOURS.c.hour > after)
    return connection.scalars(query.order_by(HOURS.c.hour).limit(limit)).all()


def note_removed(connection: sa.Connection, export_id: str, hours: Sequence[datetime], now: datetime) -> None:
    """Note that the files of these hours are deleted."""
    connection.execute(
        HOURS.update().where(*_to_remove(export_id), HOURS.c.hour.in_(hours)).values(removed_at=now)
    )


def entries_of(
    connection: sa.Connection, export_id: str, hours: Sequence[datetime]
) -> Mapping[datetime, Sequence[LedgerEntry]]:
    """Every revision of each of the hours, in their order."""
    query = sa.select(HOURS).where(HOURS.c.export_id == export_id, HOURS.c.hour.in_(hours))
    found: dict[datetime, list[LedgerEntry]] = {}
    for row in connection.execute(query.order_by(HOURS.c.hour, HOURS.c.revision)):
        found.setdefault(row.hour, []).append(LedgerEntry(**row._mapping))
    return found


def _to_remove(export_id: str) -> Sequence[sa.ColumnElement[bool]]:
    return HOURS.c.export_id == export_id, HOURS.c.expired_at.is_not(None), HOURS.c.removed_at.is_(None)


def _some(connection: sa.Connection, *meant: sa.ColumnElement[bool]) -> SomeHours:
    newer = HOURS.alias()
    superseded = sa.exists().where(
        newer.c.export_id == HOURS.c.export_id,
        newer.c.hour == HOURS.c.hour,
        newer.c.revision > HOURS.c.revision,
    )
    hours, size, first, until = connection.execute(
        sa.select(
            sa.func.coalesce(sa.func.sum(HOURS.c.hours), 0),
            sa.func.coalesce(sa.func.sum(HOURS.c.bytes), 0),
            sa.func.min(HOURS.c.hour),
            sa.func.max(HOURS.c.until),
        ).where(*meant, ~superseded)
    ).one()
    return SomeHours(hours=int(hours), bytes=int(size), first_hour=first, until=until)
