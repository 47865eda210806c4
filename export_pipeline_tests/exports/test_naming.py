"""Object keys: what each variable gives, and which templates are refused."""

import re
from itertools import combinations
from typing import Any

import pytest
from hypothesis import assume, given, settings

from export_pipeline.connectors.limits import FOLDER_KEYS, S3_KEYS, KeyLimits
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.collisions import collide, shape_of
from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.exports.naming import (
    HOUR_PATTERN,
    check_key,
    check_template,
    has_variable,
    key_pieces,
    object_key,
    parts_of,
    receipt_key,
    side_files_folder,
)
from export_pipeline.exports.variables import VARIABLES, KeyContext
from export_pipeline.windows import HourWindow
from export_pipeline_tests.builders import a_key_context, moment
from export_pipeline_tests.exports.templates import HOURS, REVISIONS, accepted, templates

CONTEXT = a_key_context(
    organization="acme",
    export="daily-flights",
    table="flights",
    extension="csv.gz",
    window=HourWindow(moment("2013-02-03 04:00")),
    revision=7,
)


def refusal(template: str, *, tables: int = 1, limits: KeyLimits = S3_KEYS, **changes: Any) -> str:
    """What is said of a template that is refused."""
    with pytest.raises(InvalidRequest) as caught:
        check_template(template, a_key_context(**changes), tables=tables, limits=limits)
    assert caught.value.field == "path"
    assert str(caught.value).startswith("path: ")
    return str(caught.value)


def test_two_dollar_signs_write_one() -> None:
    assert object_key("$$year/$year", CONTEXT) == "$year/2013"


def test_the_longest_known_name_wins() -> None:
    # `$date` and not `$da`; `$table` and then `_`; `$year` and then `ly`.
    assert object_key("$table_$date$day-$yearly", CONTEXT) == "flights_2013-02-0303-2013ly"


@pytest.mark.parametrize(
    ("template", "key"),
    [
        ("$crawl.20210102.day_2digits.csv.gz", "02.csv.gz"),
        ("$crawl.20210102.day.csv.gz", "2.csv.gz"),
        ("$crawl.20210102.day_2digits_next_week", "09"),
        ("$crawl.20210102.day_2digits_next", "02_next"),
        ("$crawl.20210102.csv.gz", "20210102.csv.gz"),
        ("$crawl.20210102-$crawl.20210102.day", "20210102-2"),
        ("$crawl.20210102-2.day", "2"),
        ("$crawl.20210102-2.csv", "20210102-2.csv"),
        ("$crawl.20210102-2-$hour", "20210102-2-04"),
        ("$crawl.20210102$hour", "2021010204"),
        ("$crawl.day_2digits.csv.gz", "03.csv.gz"),
        ("$crawl.csv.gz", "20130203.csv.gz"),
        ("$crawl.7z", "20130203.7z"),
    ],
)
def test_the_longest_known_name_wins_of_an_analysis_too(template: str, key: str) -> None:
    assert object_key(template, CONTEXT) == key


def test_the_path_of_botifys_example() -> None:
    subdirectory = "$crawl.20210102.year-$crawl.20210102.month_2digits"
    filename = "botify-$crawl.20210102.day_2digits.csv.gz"

    assert object_key(f"{subdirectory}/{filename}", CONTEXT) == "2021-01/botify-02.csv.gz"


@pytest.mark.parametrize(
    "template",
    ["$crawl.20211399", "$crawl.20210230.day", "$crawl.2021010", "$crawl.202101021", "$crawl.2021-01-02.day"],
)
def test_an_analysis_that_names_no_day_is_refused(template: str) -> None:
    assert refusal(f"{template}/$date-$hour").endswith(
        "names no day; an analysis is written like crawl.20210102"
    )


def test_a_year_has_four_digits_whatever_the_century() -> None:
    early = a_key_context(window=HourWindow(moment("0900-01-01 05:00")))

    assert object_key("$year $date", early) == "0900 0900-01-01"


def test_the_hour_pattern_is_year_to_minute() -> None:
    assert object_key(HOUR_PATTERN, CONTEXT) == "2013-02-03-04-00"


@pytest.mark.parametrize("template", ["$colour", "$", "$.csv", "$Year", "${year}", "a$ b", "$crowl.day"])
def test_an_unknown_variable_is_refused_with_the_known_ones(template: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parts_of(template, field="filename")

    assert caught.value.field == "filename"
    assert all(f"${name}" in str(caught.value) for name in VARIABLES)
    assert "$$ writes a dollar sign" in str(caught.value)


@pytest.mark.parametrize(
    ("template", "nearest"),
    [
        ("$Year", "$year"),
        ("$Year.csv", "$year"),
        ("$hoor.csv", "$hour"),
        ("$cral.day", "$crawl.day"),
        ("$projet", "$project"),
    ],
)
def test_the_nearest_known_variable_comes_first(template: str, nearest: str) -> None:
    assert f" is not a variable (did you mean {nearest}" in refusal(template)


def test_nothing_is_suggested_when_nothing_is_near() -> None:
    assert "$kolibri is not a variable; there are $organization, " in refusal("$kolibri")


@pytest.mark.parametrize(
    ("template", "key"),
    [
        ("$date-$hour.csv", "_receipts/daily-flights/2013-02-03-04-00.json"),
        ("exports/$date/$hour.csv", "exports/_receipts/daily-flights/2013-02-03-04-00.json"),
        ("a/b/f-$date-$hour.csv", "a/b/_receipts/daily-flights/2013-02-03-04-00.json"),
        (
            "$organization/$export/$date-$hour",
            "acme/daily-flights/_receipts/daily-flights/2013-02-03-04-00.json",
        ),
        ("in/$table/x/$date-$hour", "in/_receipts/daily-flights/2013-02-03-04-00.json"),
        ("in/v$revision/$date-$hour", "in/_receipts/daily-flights/2013-02-03-04-00.json"),
        ("in/$crawl.day/$date-$hour", "in/_receipts/daily-flights/2013-02-03-04-00.json"),
        (
            "$user/$crawl.20210102.year/x-$crawl/$hour",
            "botify-team/2021/_receipts/daily-flights/2013-02-03-04-00.json",
        ),
    ],
)
def test_receipts_lie_below_what_no_hour_and_no_table_changes(template: str, key: str) -> None:
    assert receipt_key(template, CONTEXT) == key


def test_side_files_lie_below_what_no_hour_and_no_table_changes() -> None:
    folder = side_files_folder("in/$table/$date-$hour", CONTEXT, "0123456789ab")

    assert folder == "in/_schemas/daily-flights/flights-0123456789ab"


@pytest.mark.parametrize(
    ("template", "pieces"),
    [
        ("in/$date-$hour.csv", ("in/", "-", ".csv")),
        ("$year$month/$crawl.day$revision", ("", "/", "")),
        ("$table/$crawl.20210102.day/$$$crawl", ("flights/2/$", "")),
        ("all.csv", ("all.csv",)),
    ],
)
def test_the_pieces_of_keys_are_what_stays_the_same(template: str, pieces: tuple[str, ...]) -> None:
    assert key_pieces(template, CONTEXT) == pieces


def test_tables_of_an_hour_share_its_receipt() -> None:
    template = "$organization/$table/$date-$hour.csv"

    keys = {receipt_key(template, a_key_context(table=table)) for table in ("flights", "weather", "")}

    assert len(keys) == 1


@pytest.mark.parametrize(
    ("template", "named"),
    [
        ("../$date-$hour", "'..'"),
        ("a/../$date-$hour", "'..'"),
        ("a/./$date-$hour", "'.'"),
        ("a//$date-$hour", "empty"),
        ("$date-$hour/", "empty"),
        ("/exports/$date-$hour", "slash"),
        ("exports\\$date-$hour", "backslash"),
        ("exports\0/$date-$hour", "control character"),
        ("exports\n/$date-$hour", "control character"),
        ("exports\x85/$date-$hour", "control character"),
        ("exports\ud800/$date-$hour", "Unicode"),
        ("a/" * 520 + "$date-$hour", "1024"),
        ("é/" * 342 + "$date-$hour", "1024"),
        ("_receipts/$date-$hour", "_receipts"),
        ("a/_receipts/$date-$hour", "_receipts"),
        ("a/_Receipts/$date-$hour", "_receipts"),
        ("_schemas/$date-$hour", "_schemas"),
    ],
)
def test_a_key_that_no_store_should_see_is_refused(template: str, named: str) -> None:
    assert named in refusal(template)


def test_a_long_path_is_not_shown_in_full() -> None:
    assert len(refusal("a/" * 5000 + "$date-$hour")) < 500


def test_what_a_variable_brings_in_is_checked_as_well() -> None:
    assert "'..'" in refusal("$table/$date-$hour", table="..")


def test_the_connector_says_what_it_takes() -> None:
    template = f"{'a' * 245}$date-$hour"

    assert "255" in refusal(template, limits=FOLDER_KEYS)
    assert "with the connector's prefix" in refusal(template, limits=S3_KEYS.below("p" * 800))
    check_template(template, a_key_context(), tables=1, limits=S3_KEYS)


def test_a_key_of_exactly_the_longest_length_is_taken() -> None:
    check_key("abc/" * 255 + "abcd", S3_KEYS)


def test_a_path_whose_receipt_would_be_too_long_is_refused() -> None:
    # The files' keys have 1,014 bytes, the receipts' 1,036.
    assert "1024" in refusal("a/" * 500 + "$date-$hour")


def test_a_key_is_refused_that_is_too_long_on_some_days_only() -> None:
    # 1,023 bytes on the first of January, 1,024 from the tenth of a month on, 1,025 from October.
    template = f"{'a' * (1023 - len('20130101-05-1-1'))}$crawl-$hour-$crawl.month-$crawl.day"
    receipt_of_its_own = f"x/{template[2:]}"

    assert len(object_key(receipt_of_its_own, a_key_context())) == 1023
    assert "takes 1025 bytes and may take 1024" in refusal(receipt_of_its_own)
    check_template(receipt_of_its_own.replace("aaa", "a", 1), a_key_context(), tables=1, limits=S3_KEYS)


def test_a_variable_without_a_value_is_refused() -> None:
    assert "$user has no value in this export; give it one in context.user" in refusal(
        "$user/$date-$hour", user=None
    )


@pytest.mark.parametrize(
    "template",
    [
        "$crawl-$hour",
        "$crawl.date/$hour",
        "$crawl.date_next_week/$hour",
        "$crawl.year/$crawl.month/$crawl.day/$hour",
        "$crawl.year-$crawl.month-$crawl.day$hour",
        "$crawl.day$crawl.year$crawl.month_2digits$hour",
        "$crawl.year_next_week-$crawl.month_next_week-$crawl.day_next_week-$hour",
        "$crawl.day$crawl.day/$year/$month/$hour",
        "$crawl.month$crawl.day/$year/$month/$day/$hour",
        "$revision$date-$hour",
    ],
)
def test_a_path_off_which_the_hour_can_be_read_is_taken(template: str) -> None:
    check_template(template, a_key_context(), tables=1, limits=S3_KEYS)


@pytest.mark.parametrize(
    ("template", "meeting"),
    [
        ("$year/$crawl.month$crawl.day/$hour", "$crawl.month, $crawl.day"),
        ("$year-$crawl.month$hour$crawl.day", "$crawl.month, $crawl.day"),
        ("$crawl.day$revision/$year-$month-$hour", "$crawl.day, $revision"),
        ("$crawl.day0$crawl.week_number/$year-$month-$hour", "$crawl.day, $crawl.week_number"),
    ],
)
def test_numbers_of_varying_length_must_not_meet(template: str, meeting: str) -> None:
    assert f"numbers of varying length meet: {meeting}; put something that is no digit" in refusal(template)


@pytest.mark.parametrize(
    ("template", "missing"),
    [
        ("$crawl.20210102/$crawl.20210102.day_2digits.csv.gz", "$year, $month, $day, $hour"),
        ("$crawl.csv", "$hour"),
        ("$crawl.year-$crawl.month_next_week-$crawl.day-$hour", "$month"),
        ("$year-$crawl.week_number-$hour", "$month, $day"),
        ("flights.csv", "$year, $month, $day, $hour"),
        ("$date.csv", "$hour"),
        ("$year-$month-$hour", "$day"),
        ("$hour/$minute", "$year, $month, $day"),
        ("$$date-$$hour", "$year, $month, $day, $hour"),
    ],
)
def test_a_path_that_does_not_tell_the_hour_is_refused_with_what_to_add(template: str, missing: str) -> None:
    assert refusal(template).endswith(f"add {missing}")


def test_several_tables_need_the_table_in_the_path() -> None:
    assert refusal("$date-$hour.csv", tables=2).endswith("add $table")


def test_one_table_needs_not_be_named_in_the_path() -> None:
    check_template("$date-$hour.csv", a_key_context(), tables=1, limits=S3_KEYS)


@settings(deadline=None, max_examples=150)
@given(template=templates())
def test_different_hours_have_different_keys(template: str) -> None:
    assume(accepted(template, a_key_context()))

    for one, other in combinations(HOURS, 2):
        keys = [keys_of(template, hour) for hour in (one, other)]
        assert not keys[0] & keys[1]


@settings(deadline=None, max_examples=150)
@given(template=templates(also=("$table",)))
def test_different_tables_have_different_keys(template: str) -> None:
    tables = ["t", "t1", "t-1"]
    assume(all(accepted(template, a_key_context(table=table), tables=len(tables)) for table in tables))

    for one, other in combinations(tables, 2):
        shapes = [shape_of(template, a_key_context(table=table)) for table in (one, other)]
        if not collide(*shapes):  # an export of tables that do is refused
            keys = [
                {key for hour in HOURS for key in keys_of(template, hour, table)} for table in (one, other)
            ]
            assert not keys[0] & keys[1]


@settings(deadline=None, max_examples=150)
@given(template=templates())
def test_no_receipt_takes_the_place_of_a_file(template: str) -> None:
    assume(accepted(template, a_key_context()))

    files = {key for hour in HOURS for key in keys_of(template, hour)}
    receipts = {receipt_key(template, a_key_context(window=hour)) for hour in HOURS}

    assert len(receipts) == len(HOURS)
    assert not files & receipts


def keys_of(template: str, hour: HourWindow, table: str = "t") -> set[str]:
    """The keys of one table's hour, revision by revision."""
    contexts: list[KeyContext] = [
        a_key_context(window=hour, table=table, revision=revision) for revision in REVISIONS
    ]
    return {object_key(template, context) for context in contexts}


def test_a_template_has_the_variables_that_it_names() -> None:
    assert has_variable("$export/$hour", "export")
    assert not has_variable("$$export/$hour", "export")


@pytest.mark.parametrize(
    "template", ["data.csv", "$date/data.csv", "$crawl.month$crawl.day.csv", "$revision"]
)
def test_where_one_file_holds_all_hours_the_path_need_not_tell_which(template: str) -> None:
    check_template(template, a_key_context(), tables=1, limits=S3_KEYS, layout=FileLayout.SINGLE)
    with pytest.raises(InvalidRequest, match="several hours the same name"):
        check_template(template, a_key_context(), tables=1, limits=S3_KEYS, layout=FileLayout.HOURLY)


@pytest.mark.parametrize(
    ("template", "tables", "named"),
    [
        ("data.csv", 2, "add $table"),
        ("../data.csv", 1, "'..'"),
        ("_receipts/data.csv", 1, "folder of the receipts"),
        ("/data.csv", 1, "paths are relative"),
    ],
)
def test_whatever_else_is_refused_is_refused_of_a_single_file_too(
    template: str, tables: int, named: str
) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(named)):
        check_template(template, a_key_context(), tables=tables, limits=S3_KEYS, layout=FileLayout.SINGLE)
