"""Schedules: every period is exported once, whoever looks, and whatever happened in between."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.control.event_exports import ORIGIN, EventExport
from export_pipeline.control.filters import create_filter, delete_filter
from export_pipeline.control.schedules import (
    SETTLE,
    create_schedule,
    delete_schedule,
    make_due,
    replace_schedule,
)
from export_pipeline.control.tasks import show_tasks
from export_pipeline.dataset.declaration import load_dataset
from export_pipeline.errors import InUse, InvalidRequest, NotFound
from export_pipeline.exports.recurring import Frequency, Period, Recurrence
from export_pipeline.exports.task import ExportTask
from export_pipeline.store.database import reading, writing
from export_pipeline.store.schedules import StoredSchedule, change_schedule, find_schedule, tasks_of
from export_pipeline_tests.builders import ORGANIZATION
from export_pipeline_tests.control_databases import KEY, stored_connector

DATASET = load_dataset(Path(str(files("export_pipeline.demo") / "searches.toml")))
DAILY = Recurrence(frequency=Frequency.DAILY, timezone="UTC")
DAY = timedelta(days=1)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _connector(control: sa.Engine) -> None:
    stored_connector(control, name="downloads")


def schedule(control: sa.Engine, since: datetime = MONDAY, **changes: Any) -> StoredSchedule:
    """A daily one, whose next period begins then."""
    given = {"asked": EventExport(tables=("searches",)), "emails": [], "recurrence": DAILY, **changes}
    with writing(control) as connection:
        made = create_schedule(connection, DATASET, organization=ORGANIZATION, author="somebody", **given)
        made = replace(made, next=Period(since, since + DAY))
        change_schedule(connection, made)
    return made


def make(control: sa.Engine, now: datetime) -> Sequence[ExportTask]:
    return make_due(control, KEY, DATASET, connector="downloads", now=now)


def stored(control: sa.Engine, made: StoredSchedule) -> StoredSchedule:
    with reading(control) as connection:
        return find_schedule(connection, ORGANIZATION, made.id)


def test_a_period_is_exported_when_its_rows_have_settled(control: sa.Engine) -> None:
    made = schedule(control)

    assert make(control, MONDAY + DAY + SETTLE - timedelta(seconds=1)) == []
    (task,) = make(control, MONDAY + DAY + SETTLE)

    assert (task.since, task.until, task.origin) == (MONDAY, MONDAY + DAY, ORIGIN)
    assert (task.properties["schedule_id"], task.properties["author"]) == (made.id, "somebody")
    assert stored(control, made).next == Period(MONDAY + DAY, MONDAY + 2 * DAY)
    assert make(control, MONDAY + DAY + SETTLE) == []
    with reading(control) as connection:
        assert tasks_of(connection, ORGANIZATION, made.id, 10) == [task.id]
        assert tasks_of(connection, ORGANIZATION, "another", 10) == []


def test_what_ended_while_nothing_ran_is_made_up_for_day_by_day(control: sa.Engine) -> None:
    schedule(control)
    now = MONDAY + 4 * DAY

    made = [task for _ in range(6) for task in make(control, now)]

    assert [(task.since, task.until) for task in made] == [
        (MONDAY + day * DAY, MONDAY + (day + 1) * DAY) for day in range(3)
    ]


def test_two_who_look_at_once_make_it_once(control: sa.Engine) -> None:
    schedule(control)
    together = threading.Barrier(2)

    def look(_number: int) -> Sequence[ExportTask]:
        together.wait()
        return make(control, MONDAY + DAY + SETTLE)

    with ThreadPoolExecutor(2) as threads:
        made = [task for tasks in threads.map(look, range(2)) for task in tasks]

    assert len(made) == 1
    with reading(control) as connection:
        assert len(show_tasks(connection, ORGANIZATION, origin=ORIGIN)) == 1


def test_a_refused_period_is_told_and_exported_once_it_can_be(control: sa.Engine) -> None:
    made = schedule(control)
    without = replace(DATASET, tables={name: DATASET.tables[name] for name in ("clicks", "groups")})
    now = MONDAY + DAY + SETTLE

    assert make_due(control, KEY, without, connector="downloads", now=now) == []

    assert "there is no table 'searches'" in (stored(control, made).error or "")
    assert stored(control, made).next.since == MONDAY
    assert [task.since for task in make(control, now)] == [MONDAY]
    assert stored(control, made).error is None


def test_another_wish_holds_from_the_next_period_on(control: sa.Engine) -> None:
    made = schedule(control)
    other = EventExport(tables=("clicks",), one_line=True)
    with writing(control) as connection:
        replace_schedule(
            connection,
            DATASET,
            organization=ORGANIZATION,
            id_=made.id,
            asked=other,
            emails=["a@example.com"],
            recurrence=DAILY,
        )

    assert stored(control, made).next == made.next
    (task,) = make(control, MONDAY + DAY + SETTLE)
    assert task.properties["tables"] == ["clicks"]


def test_another_calendar_begins_with_the_period_that_is_going_on(control: sa.Engine) -> None:
    made = schedule(control)
    monthly = Recurrence(frequency=Frequency.MONTHLY, timezone="Asia/Kolkata")
    with writing(control) as connection:
        replace_schedule(
            connection,
            DATASET,
            organization=ORGANIZATION,
            id_=made.id,
            asked=EventExport(),
            emails=[],
            recurrence=monthly,
        )

    assert stored(control, made).next == monthly.period_at(datetime.now(UTC))


def test_a_deleted_schedule_makes_nothing_more(control: sa.Engine) -> None:
    made = schedule(control)
    with writing(control) as connection:
        delete_schedule(connection, ORGANIZATION, made.id)

    assert make(control, MONDAY + 9 * DAY) == []
    with pytest.raises(NotFound):
        stored(control, made)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"asked": EventExport(tables=("nothing",))}, "tables: there is no table 'nothing'"),
        ({"asked": EventExport(filters=("$UNKNOWN",))}, "UNKNOWN"),
        ({"asked": EventExport(filters=("responseTimeInMs=='fast'",))}, "filter"),
        ({"emails": ["x"] * 21}, "notificationsEmails: give at most 20"),
        ({"emails": ["half of a \ud800"]}, "notificationsEmails: .* that can be printed"),
        ({"asked": EventExport(description="half of a \ud800")}, "d: .* half of a character"),
    ],
)
def test_what_could_not_be_exported_is_refused(control: sa.Engine, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        schedule(control, **wrong)
    assert make(control, MONDAY + 9 * DAY) == []


def test_a_filter_that_a_schedule_names_stays(control: sa.Engine) -> None:
    with writing(control) as connection:
        create_filter(connection, organization=ORGANIZATION, name="PHONES", text="mobile==true")
    made = schedule(control, asked=EventExport(searches_filters=("$PHONES",)))

    with writing(control) as connection, pytest.raises(InUse, match=f"schedule {made.id}"):
        delete_filter(connection, ORGANIZATION, "PHONES")
    with writing(control) as connection:
        delete_schedule(connection, ORGANIZATION, made.id)
        delete_filter(connection, ORGANIZATION, "PHONES")


@pytest.mark.parametrize("timezone", ["localtime", "posix/UTC", "right/UTC"])
def test_a_zone_that_is_a_machines_own_is_refused(control: sa.Engine, timezone: str) -> None:
    try:
        wrong = Recurrence(frequency=Frequency.DAILY, timezone=timezone)
    except InvalidRequest:
        pytest.skip("this machine has none of that name")
    made = schedule(control)

    with pytest.raises(InvalidRequest, match="is no zone of a place"):
        schedule(control, recurrence=wrong)
    with pytest.raises(InvalidRequest, match="is no zone of a place"), writing(control) as connection:
        replace_schedule(
            connection,
            DATASET,
            organization=ORGANIZATION,
            id_=made.id,
            asked=EventExport(tables=("searches",)),
            emails=[],
            recurrence=wrong,
        )

    assert stored(control, made) == made
