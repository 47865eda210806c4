"""Moments compared in SQLite, which has only text for them."""

from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.dataset.types import ColumnType
from export_pipeline.extract.sql_types import in_one_form, sql_type
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


def _selected(text: str, expression: sa.ColumnElement[Any]) -> object:
    database = sa.create_engine("sqlite://")
    with database.connect() as connection:
        connection.exec_driver_sql("create table events (seen text)")
        connection.exec_driver_sql("insert into events values (?)", (text,))
        value: object = connection.execute(
            sa.select(sa.type_coerce(expression, sa.types.NullType()))
        ).scalar_one()
    database.dispose()
    return value
