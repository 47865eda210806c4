"""Names and texts in SQL stay what they are."""

import re

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.formats.side_files.statements import (
    LONGEST_PLAIN_NAME,
    create_table,
    escaped_text,
    identifier,
    lines,
    names,
    plain_names,
    spelled,
    text,
)
from export_pipeline.formats.side_files.table_files import FileColumn

ID = FileColumn(name="id", type=ColumnType(Kind.INT64), nullable=False)
FARE = FileColumn(name='the "fare"', type=ColumnType(Kind.DECIMAL, 12, 2))
TYPES = {Kind.INT64: "BIGINT", Kind.DECIMAL: "NUMERIC(p,s)"}


@pytest.mark.parametrize("name", ["id", "select", 'a"b', "a`b", "a.b"])
def test_a_name_is_one_name(name: str) -> None:
    with duckdb.connect() as connection:
        assert connection.sql(f"select 1 as {identifier(name)}").columns == [name]
    assert identifier("a`b", "`") == "`a``b`"


@given(value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_a_text_is_one_text(value: str) -> None:
    with duckdb.connect() as connection:
        assert connection.sql(f"select {text(value)}").fetchall() == [(value,)]


@given(value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_a_text_with_escapes_is_one_text(value: str) -> None:
    with duckdb.connect() as connection:  # as DuckDB reads E'...'
        assert connection.sql(f"select e{escaped_text(value)}").fetchall() == [(value,)]


@given(asked=st.lists(st.text(min_size=1), max_size=8))
def test_plain_names_are_plain_and_stay_apart(asked: list[str]) -> None:
    plain = plain_names(asked)

    assert all(re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,254}", name) for name in plain)
    assert len({name.lower() for name in plain}) == len(asked)


def test_a_name_that_is_plain_stays() -> None:
    assert plain_names(["id", "Fare", "a.b", "é", "id"]) == ["id", "Fare", "a_b", "_", "id_2"]
    assert len(plain_names(["x" * 1_000])[0]) == LONGEST_PLAIN_NAME


def test_a_decimal_has_its_digits() -> None:
    assert spelled(FARE.type, TYPES) == "NUMERIC(12,2)"


def test_a_table_is_made_of_its_columns() -> None:
    assert create_table("flights", [ID, FARE], TYPES) == (
        'CREATE TABLE IF NOT EXISTS "flights" (\n    "id" BIGINT NOT NULL,\n'
        '    "the ""fare""" NUMERIC(12,2)\n);'
    )
    assert create_table("flights", [ID], TYPES, temporary=True) == (
        'CREATE TEMPORARY TABLE "flights" (\n    "id" BIGINT\n);'
    )


def test_names_and_lines_have_commas_between() -> None:
    assert names([ID, FARE]) == '"id", "the ""fare"""'
    assert lines(["a", "b"]) == "    a,\n    b"
