"""Which hour the schedule delivers next, and when."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipeline.exports.due import next_due
from export_pipeline.exports.export import LAST_HOUR, ExportDefinition
from export_pipeline.windows import ONE_HOUR

FIRST = datetime(2026, 1, 5, tzinfo=UTC)


def a_definition(**changes: object) -> ExportDefinition:
    return ExportDefinition.model_validate({"tables": [{"name": "events"}], "first_hour": FIRST, **changes})


@pytest.mark.parametrize(
    ("now", "hour", "due_at"),
    [
        ("2026-01-01T00:00", "2026-01-05T00:00", "2026-01-05T01:10"),
        ("2026-01-05T12:09", "2026-01-05T11:00", "2026-01-05T12:10"),
        ("2026-01-05T12:10", "2026-01-05T12:00", "2026-01-05T13:10"),
        ("2026-01-05T12:59", "2026-01-05T12:00", "2026-01-05T13:10"),
    ],
)
def test_an_hour_is_due_when_its_rows_have_settled(now: str, hour: str, due_at: str) -> None:
    due = next_due(a_definition(), datetime.fromisoformat(now).replace(tzinfo=UTC))

    assert due is not None
    assert f"{due.window.start:%Y-%m-%dT%H:%M} {due.due_at:%Y-%m-%dT%H:%M}" == f"{hour} {due_at}"


def test_rows_may_take_longer_than_an_hour_to_settle() -> None:
    due = next_due(a_definition(minutes_to_settle=90), FIRST + 12 * ONE_HOUR)

    assert due is not None
    assert (due.window.start, due.due_at) == (
        FIRST + 10 * ONE_HOUR,
        FIRST + 12 * ONE_HOUR + timedelta(minutes=30),
    )


def test_the_rows_of_the_last_hour_there_may_be_settle_in_time() -> None:
    due = next_due(a_definition(first_hour=LAST_HOUR, minutes_to_settle=24 * 60), FIRST)

    assert due is not None
    assert (due.window.start, due.due_at) == (LAST_HOUR, LAST_HOUR + 25 * ONE_HOUR)


def test_no_hour_is_due_after_the_last() -> None:
    assert next_due(a_definition(until=FIRST + ONE_HOUR), FIRST + 2 * ONE_HOUR) is None


@given(now=st.timedeltas(timedelta(0), timedelta(days=3)), settle=st.integers(0, 24 * 60))
def test_it_is_the_first_hour_whose_time_is_to_come(now: timedelta, settle: int) -> None:
    due = next_due(a_definition(minutes_to_settle=settle), FIRST + now)

    assert due is not None
    assert due.due_at > FIRST + now
    assert due.window.start == FIRST or due.due_at - ONE_HOUR <= FIRST + now
