"""Moments in the database: UTC on the way in and on the way out."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from export_pipeline.store.database import reading, writing
from export_pipeline.store.moments import Moment
from export_pipeline.store.schema import ORGANIZATIONS

MOMENTS = [
    datetime(2013, 1, 1, tzinfo=UTC),
    datetime(2013, 1, 1, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1969, 12, 31, 12, tzinfo=UTC),
    datetime(2013, 3, 31, 2, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    datetime(2013, 1, 1, 2, tzinfo=timezone(timedelta(hours=-11))),
    datetime.max.replace(tzinfo=UTC),
]


def stored(control: sa.Engine, moment: datetime) -> datetime | None:
    with writing(control) as connection:
        connection.execute(ORGANIZATIONS.insert().values(id="acme", created_at=moment))
    with reading(control) as connection:
        return connection.scalar(sa.select(ORGANIZATIONS.c.created_at))


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_a_moment_comes_back_as_the_same_instant_in_utc(control: sa.Engine, moment: datetime) -> None:
    found = stored(control, moment)

    assert found == moment
    assert found is not None
    assert found.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused(control: sa.Engine) -> None:
    with pytest.raises(sa.exc.StatementError, match="names no zone"):
        stored(control, datetime(2013, 1, 1))  # noqa: DTZ001 -- refused for it


def test_moments_are_compared_as_instants(control: sa.Engine) -> None:
    stored(control, datetime(2013, 1, 1, 12, tzinfo=UTC))
    later_by_the_clock = datetime(2013, 1, 1, 13, tzinfo=timezone(timedelta(hours=2)))

    with reading(control) as connection:
        query = sa.select(ORGANIZATIONS.c.id).where(ORGANIZATIONS.c.created_at > later_by_the_clock)
        assert connection.scalar(query) == "acme"


def test_a_session_in_another_zone_changes_nothing(control: sa.Engine) -> None:
    stored(control, MOMENTS[0])

    with reading(control) as connection:
        if control.dialect.name == "postgresql":
            connection.execute(sa.text("set local time zone 'Asia/Kolkata'"))
        found = connection.scalar(sa.select(ORGANIZATIONS.c.created_at))

    assert found == MOMENTS[0]
    assert found is not None
    assert found.tzinfo is UTC


def test_nothing_is_no_moment() -> None:
    dialect = sa.create_engine("sqlite://").dialect

    assert Moment().process_bind_param(None, dialect) is None
    assert Moment().process_result_value(None, dialect) is None
