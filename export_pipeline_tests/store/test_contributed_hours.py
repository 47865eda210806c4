"""Which hours changed, and how often."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from export_pipeline.store.contributed_hours import AT_ONCE, ChangedHour, changed_hours, note_hours
from export_pipeline.store.contribution_schema import CONTRIBUTED_HOURS
from export_pipeline.store.database import reading, writing
from export_pipeline_tests.contributing import stored_entity

TEN = datetime(2026, 1, 5, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_each_transaction_that_changes_an_hour_is_counted(control: sa.Engine) -> None:
    country, city = stored_entity(control), stored_entity(control, "city")
    for now, hours in ((TEN, {TEN, TEN + HOUR}), (TEN + HOUR, {TEN}), (TEN, set[datetime]())):
        with writing(control) as connection:
            note_hours(connection, country.id, hours, now)

    with reading(control) as connection:
        assert changed_hours(connection, country.id, TEN, TEN + 5 * HOUR) == {
            TEN: ChangedHour(2, TEN + HOUR, TEN + HOUR),
            TEN + HOUR: ChangedHour(1, TEN, TEN),
        }
        assert [*changed_hours(connection, country.id, TEN + HOUR, TEN + 2 * HOUR)] == [TEN + HOUR]
        assert changed_hours(connection, city.id, TEN, TEN + 5 * HOUR) == {}


def test_changes_that_follow_each_other_are_known_since_the_first_of_them(control: sa.Engine) -> None:
    country = stored_entity(control)
    for seconds in (0, 120, 240, 361, 400):
        with writing(control) as connection:
            note_hours(connection, country.id, [TEN], TEN + timedelta(seconds=seconds))
            (noted,) = changed_hours(connection, country.id, TEN, TEN + HOUR).values()
        assert noted.changing_since == TEN + timedelta(seconds=0 if seconds < 361 else 361)


def test_one_that_changed_before_that_was_noted_is_known_since_its_next_change(control: sa.Engine) -> None:
    country = stored_entity(control)
    later = TEN + timedelta(seconds=20)
    for now in (TEN, later, later + timedelta(seconds=20)):
        with writing(control) as connection:
            note_hours(connection, country.id, [TEN], now)
            if now == TEN:
                connection.execute(CONTRIBUTED_HOURS.update().values(changing_since=None))
            (noted,) = changed_hours(connection, country.id, TEN, TEN + HOUR).values()
    assert noted.changing_since == later


def test_hours_of_years_are_noted_at_once(control: sa.Engine) -> None:
    country = stored_entity(control)
    hours = {TEN + number * HOUR for number in range(2 * AT_ONCE + 1)}
    for _ in range(2):
        with writing(control) as connection:
            note_hours(connection, country.id, hours, TEN)

    with reading(control) as connection:
        noted = changed_hours(connection, country.id, TEN, TEN + 9 * AT_ONCE * HOUR)
    assert noted.keys() == hours
    assert {one.changes for one in noted.values()} == {2}
