"""Hours: half-open, in UTC, without gap or overlap."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipeline.errors import InvalidRequest
from export_pipeline.windows import ONE_HOUR, HourRange, HourWindow, hours_between, in_utc, moment_from, spans
from export_pipeline_tests.builders import an_hour

START = datetime(2013, 1, 1, 5, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2001, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(MOMENTS, st.timedeltas(timedelta(microseconds=1), timedelta(days=3)))
def test_hours_cover_a_range_without_gap_or_overlap(start: datetime, length: timedelta) -> None:
    windows = list(hours_between(start, start + length))
    assert (windows[0].since, windows[-1].until) == (start, start + length)
    assert all(one.until == other.since for one, other in pairwise(windows))


@given(MOMENTS)
def test_a_key_names_its_hour(moment: datetime) -> None:
    (window,) = hours_between(moment, moment + timedelta(microseconds=1))
    assert HourWindow.from_key(window.key) == HourWindow(window.start)


def test_no_time_is_no_hour() -> None:
    assert list(hours_between(START, START)) == []


@pytest.mark.parametrize(
    "start",
    [START.replace(tzinfo=None), START.replace(tzinfo=timezone(ONE_HOUR)), START + timedelta(minutes=1)],
)
def test_what_is_no_hour_of_utc_is_refused(start: datetime) -> None:
    with pytest.raises(ValueError, match="hour"):
        HourWindow(start)


@pytest.mark.parametrize(
    ("since", "until"),
    [(START, START), (START - ONE_HOUR, START), (START, START + ONE_HOUR + timedelta(microseconds=1))],
)
def test_bounds_outside_the_hour_are_refused(since: datetime, until: datetime) -> None:
    with pytest.raises(ValueError, match="no part of"):
        HourWindow(START, since, until)


def test_a_clipped_hour_is_not_whole() -> None:
    assert HourWindow(START).whole
    assert not HourWindow(START, START + timedelta(minutes=1)).whole


@pytest.mark.parametrize(
    "text", ["", "2013-01-01", "2013-01-01-24:00", "2013-01-01-05:30", "9999-12-31-23:00", "x"]
)
def test_a_key_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="is not an hour"):
        HourWindow.from_key(text)


@pytest.mark.parametrize(
    "text", ["2013-01-01T05:00:00Z", "2013-01-01T07:00:00+02:00", "2013-01-01-05:00", "2013-01-01 05:00Z"]
)
def test_a_text_with_a_zone_is_a_moment(text: str) -> None:
    assert moment_from(text, field="start") == START


def test_an_instant_is_the_same_in_utc_if_it_has_a_year_there() -> None:
    assert in_utc(datetime.fromisoformat("2013-01-01T07:00:00+02:00")).isoformat() == START.isoformat()
    with pytest.raises(ValueError, match="out of the range of times; correct it"):
        in_utc(datetime.fromisoformat("9999-12-31T23:00:00-02:00"))


@pytest.mark.parametrize("text", ["2013-01-01T05:00:00", "yesterday", "0001-01-01T00:00:00+02:00"])
def test_a_text_that_names_no_moment_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(InvalidRequest, match="start") as refused:
        moment_from(text, field="start")
    assert refused.value.field == "start"


@pytest.mark.parametrize(
    ("hours", "most", "ranges"),
    [
        ([], 9, []),
        ([1], 9, [(1, 2)]),
        ([1, 2, 3], 9, [(1, 4)]),
        ([1, 3, 4, 6], 9, [(1, 2), (3, 5), (6, 7)]),
        ([1, 2, 3, 4, 5], 2, [(1, 3), (3, 5), (5, 6)]),
    ],
)
def test_hours_are_told_in_as_few_ranges_as_there_are_gaps(
    hours: list[int], most: int, ranges: list[tuple[int, int]]
) -> None:
    found = spans([an_hour(hour) for hour in hours], most)
    assert [*found] == [(an_hour(first).start, an_hour(end).start) for first, end in ranges]


def test_a_clipped_hour_is_told_as_it_is() -> None:
    start = an_hour().start
    clipped = HourWindow(start, start + timedelta(minutes=30), start + ONE_HOUR)
    assert [*spans([clipped, an_hour(1)], 9)] == [(clipped.since, an_hour(1).until)]


@pytest.mark.parametrize("text", ["2013-02-30T05:00:00Z", "2013-01-01T25:00:00Z", "2013-13-01 00:00"])
def test_a_day_or_time_that_there_is_not_is_told_from_one_written_otherwise(text: str) -> None:
    with pytest.raises(InvalidRequest, match="a day or time that there is not; correct it"):
        moment_from(text, field="since")
    with pytest.raises(InvalidRequest, match="write it like 2013-01-01T05:00:00Z"):
        moment_from(f"on {text}", field="since")


@given(MOMENTS, st.timedeltas(timedelta(microseconds=1), timedelta(days=3)))
def test_a_range_is_its_hours_taken_together(start: datetime, length: timedelta) -> None:
    whole = HourRange.between(start, start + length)
    assert whole.hours == tuple(hours_between(start, start + length))
    assert (whole.start, whole.since, whole.until) == (whole.hours[0].start, start, start + length)


def test_an_hour_holds_itself() -> None:
    assert an_hour().hours == (an_hour(),)


def test_a_range_is_named_by_both_of_its_ends() -> None:
    whole = HourRange.between(START, START + timedelta(hours=30, minutes=15))
    assert whole.key == "2013-01-01-05:00 to 2013-01-02-11:15"


def test_a_range_of_one_hour_is_not_that_hour() -> None:
    """They are delivered in different ways, and must not be taken for each other."""
    whole = HourRange.between(START, START + ONE_HOUR)
    assert (whole.whole, whole.hours) == (True, (HourWindow(START),))
    assert whole != HourWindow(START)


@pytest.mark.parametrize(
    ("start", "since", "until"),
    [
        (START, START, START),
        (START, START + ONE_HOUR, START + 2 * ONE_HOUR),
        (START + timedelta(minutes=1), START + timedelta(minutes=1), START + ONE_HOUR),
        (START, START, (START + ONE_HOUR).replace(tzinfo=None)),
        (START, START, (START + ONE_HOUR).astimezone(timezone(ONE_HOUR))),
    ],
)
def test_what_is_no_range_of_hours_is_refused(start: datetime, since: datetime, until: datetime) -> None:
    with pytest.raises(ValueError, match=r"is not|is in UTC"):
        HourRange(start, since, until)
