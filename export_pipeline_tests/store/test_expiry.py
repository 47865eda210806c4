"""What is marked as expired: the rules, on both engines."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.connectors.direct_download import UNPLACED
from export_pipeline.exports.export import Export
from export_pipeline.store.connectors import ensure_connector, find_connector
from export_pipeline.store.database import reading, writing
from export_pipeline.store.expiry import (
    Deadlines,
    KeptExport,
    due_hours,
    due_tasks,
    entries_of,
    expire_hours,
    expire_tasks,
    hours_to_remove,
    kept_exports,
    lock_kept,
    namesakes_of,
    next_to_remove,
    note_removed,
)
from export_pipeline.store.exports import hide_export
from export_pipeline.store.ledger import write_entry, write_failure
from export_pipeline.store.organizations import ensure_organization
from export_pipeline.store.schema import EXPORTS, TASKS
from export_pipeline.store.tasks import add_task, delete_task, get_task
from export_pipeline_tests.builders import ORGANIZATION, a_failure, a_ledger_entry, an_hour, moment
from export_pipeline_tests.control_databases import KEY, stored_connector, stored_export

HERE = "the place"
NOW = moment("2013-03-01 00:00")
DAY = timedelta(days=1)
WEEK_AGO = NOW - 7 * DAY
WEEK = Deadlines(found=WEEK_AGO, deleted=NOW - 30 * DAY)
FOR_EVER = Deadlines(found=None, deleted=NOW - 30 * DAY)


@pytest.fixture
def export(control: sa.Engine) -> Export:
    """Three hours of it are delivered: long ago, a week ago, and yesterday."""
    with writing(control) as connection:
        ensure_organization(connection, ORGANIZATION)
        ensure_connector(connection, KEY, ORGANIZATION, "direct_download", UNPLACED)
        way_out = find_connector(connection, ORGANIZATION, "direct_download")
    export = stored_export(control, way_out)
    for hour, proven_at in enumerate((NOW - 30 * DAY, WEEK_AGO, NOW - DAY)):
        delivered(control, export, hour, proven_at)
    return export


def delivered(control: sa.Engine, export: Export, hour: int, proven_at: datetime, **changes: Any) -> None:
    entry = a_ledger_entry(
        export_id=export.id, hour=an_hour(hour).start, **{"place": HERE, "proven_at": proven_at, **changes}
    )
    with writing(control) as connection:
        write_entry(connection, entry)


def asked_for(
    control: sa.Engine, export: Export, first: int, end: int, ended_at: datetime | None, **changes: Any
) -> str:
    """A task for these hours; its id."""
    with writing(control) as connection:
        since, until = an_hour(first).start, an_hour(end).start
        task = add_task(connection, export, since=since, until=until, force=False)
        values = {"started_at": NOW - 40 * DAY, "requested_at": NOW - 40 * DAY, "ended_at": ended_at}
        connection.execute(TASKS.update().where(TASKS.c.id == task.id).values({**values, **changes}))
    return task.id


def deleted(control: sa.Engine, export: Export, at: datetime) -> None:
    with writing(control) as connection:
        hide_export(connection, export.id)
        connection.execute(EXPORTS.update().where(EXPORTS.c.id == export.id).values(deleted_at=at))


def kept(control: sa.Engine, deadlines: Deadlines = WEEK) -> list[KeptExport]:
    with reading(control) as connection:
        return [*kept_exports(connection, deadlines)]


def expired(control: sa.Engine, deadlines: Deadlines = WEEK, place: str = HERE) -> list[int]:
    """Mark what is due of the one export; the hours that are marked then."""
    (one,) = kept(control, deadlines)
    with writing(control) as connection:
        lock_kept(connection, one)
        expire_tasks(connection, one, deadlines, place, NOW)
        expire_hours(connection, one, deadlines, place, NOW)
        marked = next_to_remove(connection, one.id, None, 100)
    return [hours_after(hour) for hour in marked]


def hours_after(hour: datetime) -> int:
    return int((hour - an_hour().start) / timedelta(hours=1))


@pytest.mark.usefixtures("export")
def test_what_was_found_in_place_before_the_deadline_expires(control: sa.Engine) -> None:
    assert expired(control) == [0]  # a week ago to the moment is not before


@pytest.mark.usefixtures("export")
def test_without_a_deadline_nothing_expires(control: sa.Engine) -> None:
    assert kept(control, FOR_EVER) == []


def test_an_hour_found_in_place_again_in_a_later_revision_stays(control: sa.Engine, export: Export) -> None:
    delivered(control, export, 0, NOW, revision=2)
    delivered(control, export, 3, NOW - 30 * DAY)

    assert expired(control) == [3]


def test_an_hour_that_lies_elsewhere_is_left(control: sa.Engine, export: Export) -> None:
    delivered(control, export, 3, NOW - 30 * DAY, place="a customer's bucket")
    delivered(control, export, 4, NOW - 30 * DAY, place=None)

    assert expired(control) == [0]
    assert expired(control, place="another place") == [0]  # as before


def test_of_customers_own_connectors_nothing_expires(control: sa.Engine) -> None:
    theirs = stored_export(control, stored_connector(control))
    delivered(control, theirs, 0, NOW - 300 * DAY)
    deleted(control, theirs, NOW - 300 * DAY)

    assert kept(control) == []


@pytest.mark.parametrize(
    ("ended_at", "changes", "marked"),
    [
        (None, {}, []),  # under way
        (None, {"started_at": None}, []),  # queued
        (WEEK_AGO, {}, []),  # its week is not over
        (WEEK_AGO - DAY, {}, [0]),
        (None, {"error": "it failed long ago"}, [0]),
        (None, {"deleted_at": NOW}, [0]),
        (WEEK_AGO, {"error": "half of it is there"}, []),
    ],
)
def test_an_hour_goes_when_no_task_needs_it(
    control: sa.Engine, export: Export, ended_at: datetime | None, changes: dict[str, Any], marked: list[int]
) -> None:
    asked_for(control, export, 0, 2, ended_at, **changes)

    assert expired(control) == marked


def test_a_file_of_two_tasks_goes_with_the_later_one(control: sa.Engine, export: Export) -> None:
    delivered(control, export, 3, NOW - 20 * DAY)
    asked_for(control, export, 0, 1, NOW - 20 * DAY)
    later = asked_for(control, export, 0, 1, WEEK_AGO)

    assert expired(control) == [3]

    with writing(control) as connection:
        delete_task(connection, later)
    assert expired(control) == [0, 3]


def test_a_task_expires_by_its_own_time_if_it_has_delivered(control: sa.Engine, export: Export) -> None:
    done = asked_for(control, export, 0, 2, WEEK_AGO - DAY)
    fresh = asked_for(control, export, 0, 1, WEEK_AGO)
    failed = asked_for(control, export, 5, 6, WEEK_AGO - DAY)
    forgotten = asked_for(control, export, 0, 1, WEEK_AGO - DAY, deleted_at=NOW)
    with writing(control) as connection:
        hour = an_hour(5).start
        write_failure(connection, a_failure(export_id=export.id, hour=hour, failed_at=WEEK_AGO))

    (one,) = kept(control)
    with reading(control) as connection:
        assert [*due_tasks(connection, one, WEEK, HERE)] == [done]
        assert [*due_tasks(connection, one, FOR_EVER, HERE)] == []
        assert [*due_tasks(connection, one, WEEK, "where it led before")] == []
    expired(control)

    with reading(control) as connection:
        marks = [get_task(connection, id_).expired_at for id_ in (done, fresh, failed, forgotten)]
    assert marks == [NOW, None, None, None]


def test_all_of_an_export_goes_that_was_deleted_long_ago(control: sa.Engine, export: Export) -> None:
    task = asked_for(control, export, 0, 3, NOW - DAY)
    deleted(control, export, NOW - 31 * DAY)

    assert expired(control, FOR_EVER) == [0, 1, 2]
    with reading(control) as connection:
        assert get_task(connection, task).expired_at == NOW


def test_an_export_that_was_deleted_lately_is_as_any(control: sa.Engine, export: Export) -> None:
    deleted(control, export, NOW - DAY)

    assert kept(control, FOR_EVER) == []
    assert expired(control) == [0]


def test_what_is_due_is_what_is_marked(control: sa.Engine, export: Export) -> None:
    delivered(control, export, 0, NOW - 30 * DAY, revision=2, bytes=1000)
    (one,) = kept(control)
    with reading(control) as connection:
        due = due_hours(connection, one, WEEK, HERE)

    assert (due.hours, due.bytes) == (1, 1000)  # of its newest revision
    assert (due.first_hour, due.until) == (an_hour(0).start, an_hour(1).start)
    expired(control)
    with reading(control) as connection:
        assert hours_to_remove(connection, export.id) == due
        assert due_hours(connection, one, WEEK, HERE).hours == 0


def test_what_is_marked_is_there_until_it_is_noted_as_removed(control: sa.Engine, export: Export) -> None:
    deleted(control, export, NOW - 31 * DAY)
    expired(control)
    first, second, _ = (an_hour(number).start for number in range(3))

    with writing(control) as connection:
        note_removed(connection, export.id, [first], NOW)
        assert next_to_remove(connection, export.id, None, 1) == [second]
        assert next_to_remove(connection, export.id, second, 100) == [an_hour(2).start]
        (entry,) = entries_of(connection, export.id, [first])[first]
    assert (entry.expired_at, entry.removed_at) == (NOW, NOW)
    assert len(kept(control)) == 1

    with writing(control) as connection:
        note_removed(connection, export.id, [second, an_hour(2).start], NOW)
    assert kept(control) == []


def test_exports_of_one_name_and_way_out_know_each_other(control: sa.Engine, export: Export) -> None:
    (one,) = kept(control)
    with reading(control) as connection:
        assert namesakes_of(connection, one) == []
        way_out = find_connector(connection, ORGANIZATION, "direct_download")
    deleted(control, export, NOW - 31 * DAY)
    (one,) = kept(control)
    with reading(control) as connection:
        assert namesakes_of(connection, one) == []
    again = stored_export(control, way_out)
    with reading(control) as connection:
        assert namesakes_of(connection, one) == [again.id]
    deleted(control, again, NOW - DAY)  # without files of its own
    with reading(control) as connection:
        assert namesakes_of(connection, one) == []
