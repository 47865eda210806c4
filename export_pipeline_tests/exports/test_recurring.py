"""Periods follow each other without gap or overlap, whatever the clocks of their zone do."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.recurring import DAYS_OF_WEEK, Frequency, Period, Recurrence

# Clocks change at night, at midnight itself, by half an hour; zones that skipped a whole day.
ZONES = (
    "UTC",
    "America/Montreal",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("recurrence", "since", "until"),
    [
        (Recurrence(frequency=Frequency.DAILY, timezone="UTC"), "2026-03-08", "2026-03-09"),
        (Recurrence(frequency=Frequency.WEEKLY, timezone="UTC"), "2026-03-02", "2026-03-09"),
        (
            Recurrence(frequency=Frequency.WEEKLY, timezone="UTC", day_of_week="SUNDAY"),
            "2026-03-08",
            "2026-03-15",
        ),
        (Recurrence(frequency=Frequency.MONTHLY, timezone="UTC"), "2026-03-01", "2026-04-01"),
    ],
)
def test_a_period_is_a_day_a_week_or_a_month(recurrence: Recurrence, since: str, until: str) -> None:
    expected = Period(at(f"{since}T00:00Z"), at(f"{until}T00:00Z"))

    assert recurrence.period_at(at("2026-03-08T12:00Z")) == expected
    assert recurrence.period_at(expected.since) == expected


def test_a_day_has_as_many_hours_as_its_zone_gives_it() -> None:
    montreal = Recurrence(frequency=Frequency.DAILY, timezone="America/Montreal")

    shortest = montreal.period_at(at("2026-03-08T12:00Z"))

    assert shortest == Period(at("2026-03-08T00:00-05:00"), at("2026-03-09T00:00-04:00"))
    assert shortest.until - shortest.since == timedelta(hours=23)


@given(
    frequency=st.sampled_from(Frequency),
    timezone=st.sampled_from(ZONES),
    day_of_week=st.sampled_from(DAYS_OF_WEEK),
    moment=st.datetimes(datetime(2005, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_periods_follow_each_other(
    frequency: Frequency, timezone: str, day_of_week: str, moment: datetime
) -> None:
    recurrence = Recurrence(frequency=frequency, timezone=timezone, day_of_week=day_of_week)

    period = recurrence.period_at(moment)

    assert period.since <= moment < period.until
    assert recurrence.period_at(period.until).since == period.until
    assert recurrence.period_at(period.until - timedelta(microseconds=1)) == period


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone: there is no such time zone"),
        ({"timezone": "../etc/passwd"}, "timezone: there is no such time zone"),
        ({"timezone": "America"}, "timezone: there is no such time zone"),
        ({"timezone": ""}, "timezone: there is no such time zone"),
        ({"day_of_week": "monday"}, "dayOfWeek: must be one of MONDAY"),
    ],
)
def test_zones_and_days_that_there_are_not_are_refused(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        Recurrence(**{"frequency": Frequency.DAILY, "timezone": "UTC", **wrong})  # type: ignore[arg-type]


def test_a_zone_of_no_place_is_not_taken_from_people() -> None:
    """One that was stored before is read still."""
    with pytest.raises(InvalidRequest, match="is no zone of a place"):
        Recurrence(frequency=Frequency.DAILY, timezone="Factory").check_zone()
    for place in (*ZONES, "Etc/GMT+5"):
        Recurrence(frequency=Frequency.DAILY, timezone=place).check_zone()
