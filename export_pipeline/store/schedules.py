"""Stored schedules: what is to be exported of each period, and which period comes next."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from export_pipeline.errors import NotFound
from export_pipeline.exports.recurring import Frequency, Period, Recurrence
from export_pipeline.store.schema import SCHEDULES, TASKS


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSchedule:
    """`wanted` is what to export, as whoever makes the exports stored it. `next` is the period that comes
    next; `error` why its export was refused, if it was.
    """

    id: str
    organization: str
    author: str
    wanted: Mapping[str, Any]
    emails: Sequence[str]
    recurrence: Recurrence
    next: Period
    error: str | None = None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def add_schedule(
    connection: sa.Connection,
    *,
    organization: str,
    author: str,
    wanted: Mapping[str, Any],
    emails: Sequence[str],
    recurrence: Recurrence,
    next: Period,
) -> StoredSchedule:
    """Store a schedule under a new id."""
    schedule = StoredSchedule(
        id=str(uuid.uuid4()),
        organization=organization,
        author=author,
        wanted=wanted,
        emails=emails,
        recurrence=recurrence,
        next=next,
    )
    values = {"id": schedule.id, "created_at": schedule.created_at, **_values(schedule)}
    connection.execute(SCHEDULES.insert().values(values))
    return schedule


def list_schedules(connection: sa.Connection, organization: str) -> Sequence[StoredSchedule]:
    """The organization's schedules, the oldest first."""
    return _select(connection, SCHEDULES.c.organization == organization)


def find_schedule(
    connection: sa.Connection, organization: str, id_: str, *, locked: bool = False
) -> StoredSchedule:
    """The organization's schedule with that id; `locked`: nobody else changes it or makes its exports until
    the transaction ends.
    """
    meant = SCHEDULES.c.organization == organization, SCHEDULES.c.id == id_
    if locked:
        connection.execute(sa.select(SCHEDULES.c.id).where(*meant).with_for_update())
    found = _select(connection, *meant)
    if not found:
        raise NotFound(f"there is no schedule {id_!r}; list those there are")
    return found[0]


def due_schedules(connection: sa.Connection, until: datetime) -> Sequence[StoredSchedule]:
    """Every organization's schedules whose next period ended then or before, the longest due first."""
    return sorted(_select(connection, SCHEDULES.c.next_until <= until), key=lambda one: one.next.until)


def change_schedule(connection: sa.Connection, changed: StoredSchedule) -> None:
    """Store a schedule in the place of the one with its id."""
    connection.execute(SCHEDULES.update().where(SCHEDULES.c.id == changed.id).values(_values(changed)))


def note_refusal(connection: sa.Connection, schedule: StoredSchedule, error: str) -> None:
    """Note why the next period could not be exported; it stays the next."""
    if schedule.error != error:
        change_schedule(connection, replace(schedule, error=error))


def hide_schedule(connection: sa.Connection, id_: str) -> None:
    """Delete a schedule. The exports that it made stay."""
    connection.execute(SCHEDULES.update().where(SCHEDULES.c.id == id_).values(deleted_at=datetime.now(UTC)))


def tasks_of(connection: sa.Connection, organization: str, id_: str, limit: int) -> Sequence[str]:
    """The ids of the tasks that the schedule made and that are not deleted, the newest first."""
    made = TASKS.c.properties["schedule_id"].as_string() == id_
    query = sa.select(TASKS.c.id).where(
        TASKS.c.organization == organization, TASKS.c.deleted_at.is_(None), made
    )
    return connection.scalars(query.order_by(TASKS.c.requested_at.desc(), TASKS.c.id).limit(limit)).all()


def _values(schedule: StoredSchedule) -> dict[str, Any]:
    return {
        "organization": schedule.organization,
        "author": schedule.author,
        "wanted": dict(schedule.wanted),
        "emails": list(schedule.emails),
        "frequency": schedule.recurrence.frequency,
        "timezone": schedule.recurrence.timezone,
        "day_of_week": schedule.recurrence.day_of_week,
        "next_since": schedule.next.since,
        "next_until": schedule.next.until,
        "error": schedule.error,
    }


def _select(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> Sequence[StoredSchedule]:
    rows = connection.execute(
        sa.select(SCHEDULES)
        .where(SCHEDULES.c.deleted_at.is_(None), *conditions)
        .order_by(SCHEDULES.c.created_at, SCHEDULES.c.id)
    )
    return [_schedule(row._mapping) for row in rows]


def _schedule(row: sa.RowMapping) -> StoredSchedule:
    return StoredSchedule(
        id=row["id"],
        organization=row["organization"],
        author=row["author"],
        wanted=row["wanted"],
        emails=row["emails"],
        recurrence=Recurrence(
            frequency=Frequency(row["frequency"]), timezone=row["timezone"], day_of_week=row["day_of_week"]
        ),
        next=Period(row["next_since"], row["next_until"]),
        error=row["error"],
        created_at=row["created_at"],
    )
