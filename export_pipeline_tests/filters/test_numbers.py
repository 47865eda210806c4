"""Numbers compared as what arrives of them; `extract/test_every_readers_filters.py` asks every engine."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.filters.numbers import as_bound, as_single, is_exact, whole_number, years_as_numbers
from export_pipeline.filters.sql import where_clause
from export_pipeline.filters.text import filter_from
from export_pipeline_tests.builders import a_column, a_table

COLUMN: sa.ColumnElement[Any] = sa.column("it")


@pytest.fixture
def connection(postgres_database: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(postgres_database, poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection


def of(connection: sa.Connection, expression: sa.ColumnElement[Any], it: str) -> object:
    one = sa.select(sa.literal_column(it).label("it")).subquery("one")
    return connection.execute(sa.select(expression).select_from(one)).scalar_one()


def test_a_literal_is_of_the_type_it_is_bound_with_and_not_of_the_columns(connection: sa.Connection) -> None:
    bound = as_bound(sa.bindparam(None, 0.1, type_=sa.Double()))
    assert of(connection, bound == COLUMN, "0.1::real") is False
    assert of(connection, bound == COLUMN, "0.1::float8") is True


@pytest.mark.parametrize(
    ("it", "single"),
    [
        ("0.1::float8", 0.10000000149011612),
        ("1e-45::float8", 1.401298464324817e-45),
        ("1e-300::float8", 1e-300),  # of which a cast would fail
        ("1e300::float8", 1e300),
        ("'Infinity'::float8", float("inf")),
        ("0::float8", 0.0),
    ],
)
def test_a_float_is_compared_as_the_one_of_32_bits_if_there_is_one(
    connection: sa.Connection, it: str, single: float
) -> None:
    assert of(connection, as_single(COLUMN), it) == single


@pytest.mark.parametrize(("it", "exact"), [("1.5", True), ("'NaN'::numeric", False)])
def test_a_decimal_that_is_no_number_is_told(connection: sa.Connection, it: str, exact: bool) -> None:
    assert of(connection, is_exact(COLUMN), it) is exact


@pytest.mark.parametrize("text", ["it > 5", "it >= 5", "it < 5", "it <= 5", "it == 5", "it IN [5]"])
def test_a_decimal_that_is_no_number_is_neither_above_nor_below_any(
    connection: sa.Connection, text: str
) -> None:
    table = a_table(
        columns=(a_column("id", "int64"), a_column("time_hour", "timestamp"), a_column("it", "decimal(12,2)"))
    )
    one = sa.select(sa.literal_column("'NaN'::numeric").label("it")).subquery("one")
    found: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(one)
    condition = where_clause(filter_from(text, table), table, one)
    assert connection.execute(found.where(condition)).all() == []


def test_a_year_of_mariadb_is_a_number(mariadb_database: str) -> None:
    engine = sa.create_engine(mariadb_database, poolclass=sa.NullPool)
    years = sa.table("years", sa.column("it"))
    with engine.begin() as connection:
        connection.exec_driver_sql("create table years (it year)")
        connection.exec_driver_sql("insert into years values (2013)")
        thirteen = sa.select(years.c.it).where(whole_number(years.c.it) == 13)
        assert connection.execute(thirteen).all() == [(2013,)]  # as a year takes it
        assert connection.execute(years_as_numbers(thirteen, {"it"})).all() == []
        in_list = sa.select(years.c.it).where(whole_number(years.c.it).in_([13, 2013]))
        assert connection.execute(years_as_numbers(in_list, {"it"})).all() == [(2013,)]


def test_an_integer_of_mariadb_keeps_its_index(mariadb_database: str) -> None:
    engine = sa.create_engine(mariadb_database, poolclass=sa.NullPool)
    visits = sa.table("visits", sa.column("site"))
    with engine.begin() as connection:
        connection.exec_driver_sql("create table visits (site int, key (site))")
        connection.exec_driver_sql("insert into visits select seq from seq_1_to_1000")
        five = sa.select(visits.c.site).where(whole_number(visits.c.site) == 5)
        sql = five.compile(connection, compile_kwargs={"literal_binds": True})
        (plan,) = connection.exec_driver_sql(f"explain {sql}").mappings()
    assert plan["type"] == "ref"
