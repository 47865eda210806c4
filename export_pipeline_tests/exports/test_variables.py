"""What each context variable gives. Botify's are its document's table, word for word."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.naming import object_key
from export_pipeline.exports.variables import ATTRIBUTES, VARIABLES
from export_pipeline.windows import HourWindow
from export_pipeline_tests.builders import a_key_context, moment

CONTEXT = a_key_context(
    organization="acme",
    export="daily-flights",
    table="flights",
    extension="csv.gz",
    window=HourWindow(moment("2013-02-03 04:00")),
    revision=7,
    user="botify-team",
    project="botify-blog",
)

OURS = {
    "organization": "acme",
    "export": "daily-flights",
    "table": "flights",
    "extension": "csv.gz",
    "year": "2013",
    "month": "02",
    "day": "03",
    "hour": "04",
    "minute": "00",
    "date": "2013-02-03",
    "revision": "7",
}

# "We will take as example the project: botify-team/botify-blog that has a crawl on January 2 2021."
BOTIFYS = {
    "user": "botify-team",
    "project": "botify-blog",
    "crawl.20210102": "20210102",
    "crawl.20210102.date": "2021-01-02",
    "crawl.20210102.day": "2",
    "crawl.20210102.day_2digits": "02",
    "crawl.20210102.month": "1",
    "crawl.20210102.month_2digits": "01",
    "crawl.20210102.year": "2021",
    "crawl.20210102.week_number": "53",
    "crawl.20210102.date_next_week": "2021-01-09",
    "crawl.20210102.day_next_week": "9",
    "crawl.20210102.day_2digits_next_week": "09",
    "crawl.20210102.month_next_week": "1",
    "crawl.20210102.month_2digits_next_week": "01",
    "crawl.20210102.year_next_week": "2021",
    "crawl.20210102.week_number_next": "1",
}


@pytest.mark.parametrize(("name", "value"), [*OURS.items(), *BOTIFYS.items()])
def test_a_variable_gives_its_value(name: str, value: str) -> None:
    assert object_key(f"<${name}>", CONTEXT) == f"<{value}>"


def test_these_are_all_the_variables() -> None:
    of_the_day = {name.replace(".20210102", "") for name in BOTIFYS}

    assert len(BOTIFYS) == 17
    assert set(VARIABLES) == {*OURS, *of_the_day}


@pytest.mark.parametrize("name", [name for name in BOTIFYS if name.startswith("crawl")])
def test_without_an_analysis_the_exported_day_is_meant(name: str) -> None:
    exported = a_key_context(window=HourWindow(moment("2021-01-02 23:00")))

    assert object_key(f"${name.replace('.20210102', '')}", exported) == BOTIFYS[name]


@pytest.mark.parametrize(
    ("day", "week", "next_week"),
    [
        ("20201227", "52", "53"),
        ("20201228", "53", "1"),
        ("20210103", "53", "1"),
        ("20210104", "1", "2"),
        ("20181231", "1", "2"),
        ("20191229", "52", "1"),
        ("20151228", "53", "1"),
        ("20240229", "9", "10"),
    ],
)
def test_weeks_are_those_of_iso_also_across_the_end_of_a_year(day: str, week: str, next_week: str) -> None:
    template = f"$crawl.{day}.week_number $crawl.{day}.week_number_next"

    assert object_key(template, CONTEXT) == f"{week} {next_week}"


def test_a_week_later_may_be_another_month_and_year() -> None:
    template = " ".join(f"$crawl.20201228.{name}" for name in ATTRIBUTES if name.endswith("_week"))

    assert object_key(template, CONTEXT) == "2021-01-04 4 04 1 01 2021"


def test_a_year_has_four_digits_whatever_the_century() -> None:
    early = a_key_context(window=HourWindow(moment("0900-01-01 05:00")))

    assert object_key("$year $date $crawl $crawl.year", early) == "0900 0900-01-01 09000101 0900"


@given(day=st.dates(max_value=date.max - timedelta(weeks=1)))
def test_what_varies_in_its_digits_alone_has_always_the_same_length(day: date) -> None:
    hour = replace(CONTEXT, window=HourWindow(moment(f"{day.isoformat()} 05:00")))
    for name, variable in VARIABLES.items():
        value, usual = variable.value(hour), variable.value(CONTEXT)
        if not variable.varies.in_length:
            assert len(value) == len(usual), name
        elif name != "revision":
            assert value == str(int(value)), name
            assert len(value) <= 2, name


def test_there_is_no_week_after_the_end_of_time() -> None:
    with pytest.raises(InvalidRequest, match="no day one week after 9999-12-31"):
        object_key("$crawl.99991231.day_next_week", CONTEXT)
