"""DuckDB's errors as ours, without a customer's value; `test_duckdb.py` has those of files."""

import traceback
from pathlib import Path

import duckdb
import pytest

from export_pipeline.errors import PermanentFailure, TransientFailure
from export_pipeline.extract.duckdb_errors import explained
from export_pipeline.extract.duckdb_memory import OutOfMemory

FILE = Path("events.duckdb")


def test_what_speaks_of_names_is_kept() -> None:
    with duckdb.connect() as connection, pytest.raises(PermanentFailure, match="nothing"), explained(FILE):
        connection.execute("select * from nothing")


def test_what_quotes_a_value_is_not() -> None:
    statement = "select cast('a value of ' || 'somebody' as integer)"
    with (
        duckdb.connect() as connection,
        pytest.raises(PermanentFailure, match="ConversionException") as told,
        explained(FILE),
    ):
        connection.execute(statement).fetchall()
    assert "value of somebody" not in "".join(traceback.format_exception(told.value))


def test_a_connection_that_is_closed_is_lost() -> None:
    connection = duckdb.connect()
    connection.close()
    with pytest.raises(TransientFailure, match=r"the connection to events\.duckdb was lost"), explained(FILE):
        connection.execute("select 1")


def test_too_little_memory_is_a_failure_of_its_own() -> None:
    with duckdb.connect() as connection:
        connection.execute("set memory_limit = '1MB'; set temp_directory = ''")
        with pytest.raises(OutOfMemory), explained(FILE):
            connection.execute("select repeat('x', 100000000), range from range(10) order by 1").fetchall()


def test_customers_are_not_told_where_the_operators_files_lie(tmp_path: Path) -> None:
    missing = tmp_path / "of the operator" / "rows.parquet"
    statement = f"select * from read_parquet('{missing}')"

    with duckdb.connect() as connection, pytest.raises(TransientFailure) as told, explained(missing):
        connection.execute(statement)

    assert "rows.parquet could not be read" in str(told.value)
    assert str(tmp_path) not in str(told.value)
    assert "of the operator" not in str(told.value)
