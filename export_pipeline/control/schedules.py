"""What people may do with schedules of event exports, and what is made of them when a period is over.

The first period is the one that is going on when the schedule is made. Every period is exported once, when
its rows have settled; those that ended while nothing ran are made up for, one by one, the oldest first. A
period whose export is refused stays the next one, so that it is exported once what was wrong is mended.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from export_pipeline.control import looks
from export_pipeline.control.audit import audited
from export_pipeline.control.event_exports import EventExport, check_event_export, request_events
from export_pipeline.dataset.tables import Dataset
from export_pipeline.errors import InvalidRequest, NotFound
from export_pipeline.exports.export import MINUTES_TO_SETTLE
from export_pipeline.exports.recurring import Recurrence
from export_pipeline.exports.task import ExportTask
from export_pipeline.store.database import reading, writing
from export_pipeline.store.encryption import SecretKey
from export_pipeline.store.schedules import (
    StoredSchedule,
    add_schedule,
    change_schedule,
    due_schedules,
    find_schedule,
    hide_schedule,
    note_refusal,
)

SETTLE = timedelta(minutes=MINUTES_TO_SETTLE)

MAX_EMAILS, MAX_EMAIL = 20, 254


@audited("schedule.create", looks.schedule)
def create_schedule(
    connection: sa.Connection,
    dataset: Dataset,
    *,
    organization: str,
    author: str,
    asked: EventExport,
    emails: Sequence[str],
    recurrence: Recurrence,
) -> StoredSchedule:
    """Accept a schedule, or refuse it naming the field."""
    recurrence.check_zone()
    _check(connection, dataset, organization, asked, emails)
    return add_schedule(
        connection,
        organization=organization,
        author=author,
        wanted=asked.stored(),
        emails=emails,
        recurrence=recurrence,
        next=recurrence.period_at(datetime.now(UTC)),
    )


@audited("schedule.replace", looks.schedule)
def replace_schedule(
    connection: sa.Connection,
    dataset: Dataset,
    *,
    organization: str,
    id_: str,
    asked: EventExport,
    emails: Sequence[str],
    recurrence: Recurrence,
) -> StoredSchedule:
    """Accept another wish. With another calendar, its first period is the one that is going on now."""
    schedule = find_schedule(connection, organization, id_, locked=True)
    recurrence.check_zone()
    _check(connection, dataset, organization, asked, emails)
    same = recurrence == schedule.recurrence
    changed = replace(
        schedule,
        wanted=asked.stored(),
        emails=emails,
        recurrence=recurrence,
        next=schedule.next if same else recurrence.period_at(datetime.now(UTC)),
        error=None,
    )
    change_schedule(connection, changed)
    return changed


@audited("schedule.delete", looks.schedule)
def delete_schedule(connection: sa.Connection, organization: str, id_: str) -> StoredSchedule:
    """Make no more exports of it; those that were made stay."""
    schedule = find_schedule(connection, organization, id_, locked=True)
    hide_schedule(connection, schedule.id)
    return schedule


def make_due(
    control: sa.Engine, key: SecretKey, dataset: Dataset, *, connector: str, now: datetime
) -> Sequence[ExportTask]:
    """Request the next period of every schedule for which that is over. Whoever else does so at the same
    moment makes none of them a second time: the period that comes next is stored with the request.
    """
    with reading(control) as connection:
        due = due_schedules(connection, now - SETTLE)
    made = []
    for seen in due:
        with writing(control) as connection:
            try:
                schedule = find_schedule(connection, seen.organization, seen.id, locked=True)
            except NotFound:
                continue  # deleted since
            if schedule.next != seen.next:
                continue  # made by another
            try:
                with connection.begin_nested():
                    made.append(_request(connection, key, dataset, schedule, connector))
            except InvalidRequest as error:
                note_refusal(connection, schedule, str(error))
                continue
            following = schedule.recurrence.period_at(schedule.next.until)
            change_schedule(connection, replace(schedule, next=following, error=None))
    return made


def _request(
    connection: sa.Connection, key: SecretKey, dataset: Dataset, schedule: StoredSchedule, connector: str
) -> ExportTask:
    return request_events(
        connection,
        key,
        dataset,
        organization=schedule.organization,
        connector=connector,
        asked=EventExport.from_stored(schedule.wanted),
        since=schedule.next.since,
        until=schedule.next.until,
        author=schedule.author,
        schedule_id=schedule.id,
    )


def _check(
    connection: sa.Connection, dataset: Dataset, organization: str, asked: EventExport, emails: Sequence[str]
) -> None:
    check_event_export(connection, dataset, organization, asked)
    if len(emails) > MAX_EMAILS or any(len(one) > MAX_EMAIL or not one.isprintable() for one in emails):
        raise InvalidRequest(
            f"notificationsEmails: give at most {MAX_EMAILS} addresses of at most {MAX_EMAIL} characters that"
            " can be printed",
            field="notificationsEmails",
        )
