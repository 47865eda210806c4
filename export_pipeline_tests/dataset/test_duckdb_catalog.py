from pathlib import Path

import duckdb
import pytest

from export_pipeline.dataset.catalog import Unreachable
from export_pipeline.dataset.duckdb_catalog import open_duckdb
from export_pipeline.dataset.types import Kind


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "flights.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "CREATE TABLE flights (\"Flight No\" INTEGER NOT NULL, state ENUM('late', 'on'), legs INTEGER[])"
        )
        connection.execute('CREATE UNIQUE INDEX once ON flights ("Flight No", state)')
    return file


def test_a_unique_index_over_quoted_names_is_a_key(file: Path) -> None:
    with open_duckdb(file) as catalog:
        assert catalog.table(None, "flights").keys == (frozenset({"Flight No", "state"}),)


def test_an_enumeration_is_text_and_a_list_is_a_document(file: Path) -> None:
    with open_duckdb(file) as catalog:
        _, state, legs = catalog.table(None, "flights").columns
    assert Kind.STRING in (state.becomes or ())
    assert legs.becomes == frozenset({Kind.JSON})


def test_a_file_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="there is no DuckDB file"), open_duckdb(tmp_path / "none"):
        pass


def test_one_that_is_open_otherwise_in_this_process_is_told_as_what_it_is(file: Path) -> None:
    with (
        duckdb.connect(str(file)),
        pytest.raises(Unreachable, match=r"different configuration.*close it elsewhere in this process"),
        open_duckdb(file),
    ):
        pass
