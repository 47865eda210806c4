"""Hours that wait for their connector: noted, counted, taken up again."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.exports.export import Export
from export_pipeline.store.connector_states import change_state
from export_pipeline.store.connectors import get_connector
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import hide_export
from export_pipeline.store.waits import (
    Wait,
    count_waits,
    forget_wait,
    forget_waits,
    note_wait,
    ready_exports,
    settle_wait,
    wait_of,
    waits_of,
    why_wait,
)
from export_pipeline_tests.builders import FIRST_HOUR, ORGANIZATION, an_hour, moment
from export_pipeline_tests.control_databases import stored_connector, stored_export

NOW = moment("2013-01-03 00:00")
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def export(control: sa.Engine) -> Export:
    return stored_export(control)


def note(
    control: sa.Engine, export: Export, *hours: int, now: datetime = NOW, proven_since: datetime | None = None
) -> None:
    with writing(control) as connection:
        for hour in hours:
            note_wait(connection, export.id, an_hour(hour).start, now=now, proven_since=proven_since)


def waits(control: sa.Engine, export: Export, limit: int | None = None) -> list[Wait]:
    with reading(control) as connection:
        return [*waits_of(connection, export.id, limit)]


def ready(control: sa.Engine, *besides: str, limit: int = 10) -> list[str]:
    with reading(control) as connection:
        return [one.export_id for one in ready_exports(connection, besides=besides, limit=limit)]


def through_another(control: sa.Engine, slug: str, state: ConnectorState = ConnectorState.RUNNING) -> Export:
    return stored_export(control, stored_connector(control, name=slug, state=state), slug=slug)


def test_an_hour_found_in_place_waits_only_where_it_is_wanted_anew(
    control: sa.Engine, export: Export
) -> None:
    note(control, export, 0)
    note(control, export, 1, proven_since=NOW)
    with writing(control) as connection:
        for hour in (0, 1):
            settle_wait(connection, export.id, an_hour(hour).start, LATER)
    (left,) = waits(control, export)
    assert left.hour == an_hour(1).start
    assert left.proven_since is not None
    assert left.proven_since > LATER


def test_waits_are_listed_by_hour(control: sa.Engine, export: Export) -> None:
    note(control, export, 2, 0, 1)
    assert [wait.hour for wait in waits(control, export)] == [an_hour(hour).start for hour in range(3)]
    assert len(waits(control, export, limit=2)) == 2


def test_an_hour_that_waits_keeps_its_time(control: sa.Engine, export: Export) -> None:
    note(control, export, 0)
    note(control, export, 0, now=LATER)
    assert waits(control, export) == [Wait(export_id=export.id, hour=FIRST_HOUR, since=NOW)]


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [(None, NOW, NOW), (NOW, None, NOW), (NOW, LATER, LATER), (LATER, NOW, LATER)],
)
def test_what_was_asked_by_force_once_stays_so_of_the_latest_moment(
    control: sa.Engine, export: Export, first: datetime | None, second: datetime | None, kept: datetime
) -> None:
    note(control, export, 0, proven_since=first)
    note(control, export, 0, proven_since=second)
    assert [wait.proven_since for wait in waits(control, export)] == [kept]


def test_one_wait_is_forgotten_or_all_of_an_export(control: sa.Engine, export: Export) -> None:
    other = through_another(control, "other")
    note(control, export, 0, 1, 2)
    note(control, other, 0)
    with writing(control) as connection:
        forget_wait(connection, export.id, an_hour(1).start)
        assert wait_of(connection, export.id, an_hour(1).start) is None
        assert count_waits(connection, ORGANIZATION) == {export.id: 2, other.id: 1}
        forget_waits(connection, export.id)
        assert count_waits(connection, ORGANIZATION) == {other.id: 1}
        assert count_waits(connection, "nobody") == {}


def test_exports_whose_connector_runs_are_ready_that_with_the_oldest_hour_first(
    control: sa.Engine, export: Export
) -> None:
    older, stopped = (
        through_another(control, "older"),
        through_another(control, "stopped", ConnectorState.STOPPED),
    )
    note(control, export, 5, 6)
    note(control, older, 2, 9)
    note(control, stopped, 0)
    assert ready(control) == [older.id, export.id]
    assert ready(control, limit=1) == [older.id]
    assert ready(control, older.id) == [export.id]


def test_an_export_is_ready_since_its_connector_came_to_run(control: sa.Engine, export: Export) -> None:
    note(control, export, 0)
    with writing(control) as connection:
        change_state(connection, export.connector_id, ConnectorState.RUNNING, "It is back.", now=LATER)
    with reading(control) as connection:
        (one,) = ready_exports(connection, besides=[], limit=1)
    assert one.running_since == LATER


def test_neither_a_deleted_export_nor_one_for_tasks_only_is_ready(control: sa.Engine, export: Export) -> None:
    once = stored_export(
        control,
        stored_connector(control, name="once", state=ConnectorState.RUNNING),
        slug="once",
        standing=False,
    )
    note(control, once, 0)
    note(control, export, 0)
    with writing(control) as connection:
        hide_export(connection, export.id)
    assert ready(control) == []


def test_why_says_the_state_and_its_reason_and_nothing_of_one_that_runs(
    control: sa.Engine, export: Export
) -> None:
    with writing(control) as connection:
        assert why_wait(get_connector(connection, export.connector_id)) is None
        failed = change_state(
            connection, export.connector_id, ConnectorState.FAILED, "It is refused.", now=NOW
        )
    assert why_wait(failed) == "connector 'bucket', which is FAILED: It is refused."
