"""Moments, times and exact numbers compared in SQLite, which has only text for them."""

import sqlite3
from datetime import time
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.dataset.types import ColumnType
from export_pipeline.extract.sql_types import in_one_form, sql_type
from export_pipeline.extract.sqlite import FUNCTIONS
from export_pipeline_tests.builders import moment

SEEN = sa.table("events", sa.column("seen", sql_type(ColumnType.parse("timestamp")))).c.seen


@pytest.mark.parametrize(
    "text",
    [
        "2013-01-01 05:00:00.500000",
        "2013-01-01 05:00:00.5",
        "2013-01-01T05:00:00.5Z",
        "2013-01-01T05:00:00.50+00:00",
        "2013-01-01 05:00:00.5+00",
    ],
)
def test_one_moment_has_one_form(text: str) -> None:
    assert _selected(text, in_one_form(SEEN)) == "2013-01-01 05:00:00.500000"


def test_a_filter_compares_that_form_too() -> None:
    assert _selected("2013-01-01T05:00:00Z", SEEN.bool_op("=")(moment("2013-01-01 05:00"))) == 1
    assert _selected("2013-01-01T04:59:59Z", SEEN.bool_op(">=")(moment("2013-01-01 05:00"))) == 0


@pytest.mark.parametrize("text", ["05:00:00", "05:00:00.0", "05:00:00.000000"])
def test_a_time_of_day_has_one_form(text: str) -> None:
    column = sa.table("events", sa.column("seen", sql_type(ColumnType.parse("time")))).c.seen
    assert _selected(text, in_one_form(column)) == "05:00:00.000000"
    assert _selected(text, column == time(5)) == 1
    assert _selected(text, column > time(4, 59, 59, 999_999)) == 1


@pytest.mark.parametrize("text", ["9", "9.00", "0.9e1"])
@pytest.mark.parametrize("type_", ["decimal(12,2)", "uint64"])
def test_a_number_is_compared_as_a_number(text: str, type_: str) -> None:
    column = sa.table("events", sa.column("seen", sql_type(ColumnType.parse(type_)))).c.seen
    assert _selected(text, column == 9) == 1
    assert _selected(text, column < 10) == 1
    assert _selected(text, column.in_([8, 9])) == 1
    assert _selected(text, column.is_distinct_from(9)) == 0


def test_other_engines_compare_the_column_as_it_is() -> None:
    numbers = sa.table("events", sa.column("seen", sql_type(ColumnType.parse("decimal(12,2)"))))
    assert "WHERE events.seen < " in str(sa.select(numbers).where(numbers.c.seen < 10))


def _selected(text: str, expression: sa.ColumnElement[Any]) -> object:
    database = sa.create_engine("sqlite://")
    with database.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        for name, parts, function in FUNCTIONS:
            driver.create_function(name, parts, function)
        connection.exec_driver_sql("create table events (seen text)")
        connection.exec_driver_sql("insert into events values (?)", (text,))
        value: object = connection.execute(
            sa.select(sa.type_coerce(expression, sa.types.NullType()))
        ).scalar_one()
    database.dispose()
    return value
