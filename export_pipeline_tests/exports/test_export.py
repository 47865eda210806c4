"""The standing definition: what is taken, what is refused, and its path."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from export_pipeline.exports.export import (
    MAX_COLUMNS,
    MAX_FILTERS,
    MAX_TABLES,
    MINUTES_TO_SETTLE,
    ExportDefinition,
    joined,
)
from export_pipeline.exports.variables import KeyContext
from export_pipeline.formats.csv import CsvFormat
from export_pipeline_tests.builders import FIRST_HOUR, ORGANIZATION, a_definition, an_export, an_hour


def test_a_table_and_a_first_hour_are_enough() -> None:
    definition = ExportDefinition.model_validate({"tables": [{"name": "flights"}], "first_hour": FIRST_HOUR})

    assert definition.format == CsvFormat()
    assert definition.tables[0].columns == ()
    assert (definition.filters, definition.tenant, definition.until) == ((), None, None)
    assert definition.minutes_to_settle == MINUTES_TO_SETTLE


def test_a_table_is_held_whatever_its_case() -> None:
    definition = a_definition(tables=({"name": "Flights"}, {"name": "weather"}))

    assert definition.holds("flights")
    assert definition.holds("WEATHER")
    assert not definition.holds("airports")


def test_a_definition_comes_back_from_json_as_it_was() -> None:
    definition = a_definition(
        tables=(
            {"name": "flights", "columns": ("id", "carrier"), "filters": ("id > 5", "$BIG")},
            {"name": "weather"},
        ),
        filters=("carrier == 'UA'", "origin != null"),
        tenant="acme",
        format={"type": "parquet", "compression": "snappy"},
        subdirectory="exports/$table/$user",
        context={"user": "botify-team"},
        filename="$date-$hour",
        until=FIRST_HOUR + timedelta(days=2),
    )

    assert ExportDefinition.model_validate(definition.model_dump(mode="json")) == definition
    assert ExportDefinition.model_validate_json(definition.model_dump_json()) == definition


def test_filter_is_short_for_one_of_filters() -> None:
    definition = a_definition(tables=({"name": "flights", "filter": "id > 5"},), filter="id < 9")

    assert definition.filters == ("id < 9",)
    assert definition.tables[0].filters == ("id > 5",)
    assert a_definition(filter="").filters == ()


def test_filter_and_filters_are_not_given_together() -> None:
    with pytest.raises(ValidationError, match="name all of them in filters"):
        a_definition(filter="id < 9", filters=("id > 5",))
    assert a_definition(filter="id < 9", filters=()).filters == ("id < 9",)


@pytest.mark.parametrize(
    ("filters", "text"),
    [((), ""), (("a == 1 OR b == 2",), "a == 1 OR b == 2"), (("a == 1", "b == 2"), "(a == 1) AND (b == 2)")],
)
def test_several_filters_are_one_text_of_which_each_has_to_hold(filters: tuple[str, ...], text: str) -> None:
    assert joined(filters) == text
    assert a_definition(filters=filters).filter == text


def test_hours_are_kept_in_utc() -> None:
    new_york = timezone(timedelta(hours=-5))

    definition = a_definition(first_hour=datetime(2013, 1, 1, 7, tzinfo=new_york))

    assert definition.first_hour.isoformat() == "2013-01-01T12:00:00+00:00"
    assert definition.first_hour.tzinfo is UTC


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"tables": ()}, "tables", "at least 1"),
        ({"tables": ({"name": "flights"},) * (MAX_TABLES + 1)}, "tables", "at most 100"),
        ({"tables": ({"name": "f" * 256},)}, "name", "at most 255"),
        ({"tables": ({"name": "f", "columns": ("c",) * (MAX_COLUMNS + 1)},)}, "columns", "at most 2000"),
        ({"tables": ({"name": "f", "colour": "red"},)}, "colour", "not permitted"),
        ({"colour": "red"}, "colour", "not permitted"),
        ({"filters": ("true",) * (MAX_FILTERS + 1)}, "filters", "at most 20"),
        ({"tables": ({"name": "f", "filters": ("true",) * (MAX_FILTERS + 1)},)}, "filters", "at most 20"),
        ({"subdirectory": "a" * 1025}, "subdirectory", "at most 1024"),
        ({"filename": "a" * 1025}, "filename", "at most 1024"),
        ({"tenant": "a" * 256}, "tenant", "at most 255"),
        ({"context": {"user": "a/b"}}, "user", "one part of a path"),
        ({"context": {"user": ".."}}, "user", "one part of a path"),
        ({"context": {"user": "a\\b"}}, "user", "one part of a path"),
        ({"context": {"user": "a\nb"}}, "user", "one part of a path"),
        ({"context": {"project": ""}}, "project", "at least 1"),
        ({"context": {"project": "a" * 256}}, "project", "at most 255"),
        ({"context": {"team": "a"}}, "team", "not permitted"),
        ({"first_hour": datetime(2013, 1, 1)}, "first_hour", "timezone"),  # noqa: DTZ001 -- refused for it
        ({"first_hour": "2013-01-01T05:30:00Z"}, "first_hour", "the hour begins at 2013-01-01T05:00:00"),
        ({"first_hour": "2013-01-01T05:00:01Z"}, "first_hour", "not on the hour"),
        ({"first_hour": "2013-01-01T05:00:00+05:30"}, "first_hour", "not on the hour"),
        ({"first_hour": "0001-01-01T00:00:00+05:00"}, "first_hour", "out of the range"),
        ({"first_hour": "9999-12-30T23:00:00Z"}, "first_hour", "choose 9999-12-30T22:00:00"),
        ({"first_hour": "9999-12-31T23:00:00Z"}, "first_hour", "out of the range"),
        ({"until": "2013-01-02T00:30:00Z"}, "until", "not on the hour"),
        ({"until": FIRST_HOUR}, "until", "must be after the first hour, 2013-01-01T00:00:00"),
        ({"until": FIRST_HOUR - timedelta(hours=1)}, "until", "must be after the first hour"),
        ({"minutes_to_settle": -1}, "minutes_to_settle", "greater than or equal to 0"),
        ({"minutes_to_settle": 1441}, "minutes_to_settle", "less than or equal to 1440"),
        ({"format": {"type": "xml"}}, "format", "'xml'"),
    ],
)
def test_a_definition_that_cannot_be_is_refused(changes: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        a_definition(**changes)

    details = caught.value.errors()[0]
    assert details["loc"][-1] == field
    assert said in details["msg"]


def test_hours_may_be_of_any_zone_that_agrees_on_them() -> None:
    assert a_definition(first_hour="2013-01-01T05:00:00+02:00").first_hour.hour == 3


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({}, "$year-$month-$day-$hour-$minute.$extension"),
        (
            {"tables": ({"name": "flights"}, {"name": "weather"})},
            "$table-$year-$month-$day-$hour-$minute.$extension",
        ),
        ({"subdirectory": "daily"}, "daily/$year-$month-$day-$hour-$minute.$extension"),
        ({"subdirectory": "daily/", "filename": "$date-$hour"}, "daily/$date-$hour"),
        ({"filename": "$date/$hour.csv"}, "$date/$hour.csv"),
        ({"subdirectory": "a//", "filename": "b"}, "a//b"),  # a folder without a name, which is refused
        ({"filename": ""}, ""),
    ],
)
def test_the_path_is_subdirectory_and_filename(changes: dict[str, Any], path: str) -> None:
    assert a_definition(**changes).path == path


def test_an_export_marks_its_objects_with_organization_and_name() -> None:
    assert an_export(organization="acme", slug="flights").identity == "acme/flights"


def test_an_export_made_again_has_the_same_identity() -> None:
    assert an_export(id="other").identity == an_export().identity


def test_the_paths_variables_are_filled_from_the_export() -> None:
    export = an_export(
        definition=a_definition(format={"type": "parquet"}, context={"user": "u", "project": "p"})
    )

    assert export.key_context("weather", an_hour(5), revision=2) == KeyContext(
        organization=ORGANIZATION,
        export="flights",
        table="weather",
        extension="parquet",
        window=an_hour(5),
        revision=2,
        user="u",
        project="p",
    )


@pytest.mark.parametrize(
    ("tables", "path"),
    [
        (["flights"], "data.$extension"),
        (["flights", "weather"], "$table-data.$extension"),
    ],
)
def test_a_single_file_is_named_data_unless_told_otherwise(tables: list[str], path: str) -> None:
    chosen = tuple({"name": name} for name in tables)

    assert a_definition(tables=chosen, layout="single").path == path
    assert a_definition(tables=chosen, layout="single", filename="all.csv").path == "all.csv"


def test_a_row_limit_is_of_a_single_file() -> None:
    assert a_definition(layout="single", row_limit=1).row_limit == 1
    with pytest.raises(ValidationError, match="is for the layout single"):
        a_definition(row_limit=1)
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        a_definition(layout="single", row_limit=0)
