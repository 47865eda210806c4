"""Keys compare as their moments do; what is none is refused."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipeline.extract.moment_key import date_key, moment_key, moment_within, time_key


@given(st.datetimes(), st.datetimes())
def test_keys_are_in_the_order_of_their_moments(one: datetime, other: datetime) -> None:
    first, second = (moment_key(value.isoformat(" ")) for value in (one, other))
    assert first is not None
    assert second is not None
    assert (first < second, first == second) == (one < other, one == other)


@pytest.mark.parametrize("fraction", [".5", ".50", ".500000"])
@pytest.mark.parametrize("zone", ["", "Z", "+00", "+00:00"])
@pytest.mark.parametrize("between", [" ", "T"])
def test_one_moment_has_one_form(fraction: str, zone: str, between: str) -> None:
    assert moment_key(f"2013-01-01{between}05:00:00{fraction}{zone}") == "2013-01-01 05:00:00.500000"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "2013-01-01",
        "2013-01-01 05:00",
        "2013-01-01 05:00:00+02:00",
        "2013-01-01 05:00:00-00:00",
        "2013-01-01 05:00:00.123456-05:00",
        "2013-01-01 05:00:00.1234567",
        "2013-01-01 05:00:00.",
        "2013-01-01 05:99:00",
        "2013-01-01 05:00:60",
        "2013-01-01 24:00:00",
        "2013-02-30 05:00:00",
        "0000-01-01 05:00:00",
        "2013-01-01 05:00:00\n",
        "\uff12013-01-01 05:00:00",
        1356998400,
        1.5,
        b"2013-01-01 05:00:00",
    ],
)
def test_what_is_no_moment_in_utc_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        moment_key(value)
    with pytest.raises(ValueError, match=r"."):
        moment_within(value, "2013", "2014")


@pytest.mark.parametrize("value", ["05:00", "24:00:00", "05:00:60", "05:00:00Z", "5:00:00", 5])
def test_what_is_no_time_of_day_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        time_key(value)


@pytest.mark.parametrize("value", ["2013-02-30", "2013-1-1", "20130101", "2013-W01-1", "0000-01-01", 2013])
def test_what_is_no_date_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        date_key(value)


def test_a_time_has_one_form_and_a_date_is_in_it() -> None:
    assert time_key("05:00:00") == time_key("05:00:00.0") == "05:00:00.000000"
    assert date_key("2013-01-01") == "2013-01-01"


def test_null_has_none() -> None:
    assert [moment_key(None), time_key(None), date_key(None), moment_within(None, "", "")] == [None] * 4


def test_an_hour_is_half_open() -> None:
    bounds = "2013-01-01 05:00:00.000000", "2013-01-01 06:00:00.000000"
    assert moment_within("2013-01-01T05:00:00Z", *bounds) is True
    assert moment_within("2013-01-01T05:59:59.999999Z", *bounds) is True
    assert moment_within("2013-01-01T06:00:00Z", *bounds) is False
