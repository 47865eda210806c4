"""Slices are all rows of the hour, each once, in the hour's order."""

import duckdb
import sqlalchemy as sa

from export_pipeline.extract.duckdb_dialect import compiled
from export_pipeline.extract.query import rows_of_hour
from export_pipeline.extract.slices import BYTES_PER_SLICE, Slices
from export_pipeline.filters.tree import EVERY_ROW
from export_pipeline_tests.builders import a_column, an_hour
from export_pipeline_tests.extract.test_every_reader import a_table

ROWS = """
    create table events as
    select i as id, timestamptz '2013-01-01 00:30:00+00' as seen,
           case when i % 3 = 0 then null when i % 3 = 1 then 'nan'::double else (i % 5)::double end as number,
           case when i % 4 = 0 then null else chr((97 + i % 7)::integer) end as word
    from range(40) t(i)
"""


def test_slices_are_the_hour_in_its_order_whatever_its_keys_are() -> None:
    table = a_table(a_column("number", "float64"), a_column("word"), order_by=("number", "word", "id"))
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
    slices = Slices(rows, [sa.literal_column(str(BYTES_PER_SLICE // 3))], "slices")
    with duckdb.connect() as connection:
        connection.execute(ROWS)
        pieces = read(connection, slices)
        whole = connection.execute(*compiled(rows)).fetchall()
    assert len(pieces) > 10
    assert [str(row) for piece in pieces for row in piece] == [str(row) for row in whole]


def test_a_single_key_is_enough() -> None:
    table = a_table(a_column("word"), order_by=("id",))
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
    with duckdb.connect() as connection:
        connection.execute(ROWS)
        pieces = read(connection, Slices(rows, [sa.literal_column(str(BYTES_PER_SLICE // 3))], "slices"))
    assert len(pieces) > 10
    assert [row[0] for piece in pieces for row in piece] == [*range(40)]


def test_rows_with_equal_keys_are_in_one_slice() -> None:
    table = a_table(a_column("word"), order_by=("word",))
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
    with duckdb.connect() as connection:
        connection.execute(ROWS)
        pieces = read(connection, Slices(rows, [sa.literal_column(str(BYTES_PER_SLICE))], "slices"))
    words = [{row[2] for row in piece} for piece in pieces]
    assert sum(map(len, pieces)) == 40
    assert sum(map(len, words)) == 8


def test_only_wide_rows_weigh() -> None:
    table = a_table(a_column("word"))
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
    with duckdb.connect() as connection:
        connection.execute(ROWS)
        for bytes_, weight in [(1_000, 0), (1_001, 40_040)]:
            asked = Slices(rows, [sa.literal_column(str(bytes_))], "slices").heaviness()
            assert connection.execute(*compiled(asked)).fetchall() == [(weight,)]


def read(connection: duckdb.DuckDBPyConnection, slices: Slices) -> list[list[tuple[object, ...]]]:
    keys, parameters = compiled(slices.keys())
    connection.execute(f"create temporary table {slices.name} as {keys}", parameters)
    numbers = connection.execute(*compiled(slices.numbers())).fetchall()
    return [connection.execute(*compiled(slices.slice(number))).fetchall() for (number,) in numbers]
