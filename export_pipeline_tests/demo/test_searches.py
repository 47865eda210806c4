"""The sample of searches: the same rows every time, all of whose joins work."""

import hashlib
import json
from pathlib import Path

import duckdb
import pytest

from export_pipeline.dataset.declaration import load_dataset
from export_pipeline.demo import searches
from export_pipeline.demo.searches import END, FIRST, load, made_up

DECLARATION = Path(searches.__file__).with_name("searches.toml")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("searches") / "searches.duckdb"
    load(path)
    return path


def count(database: Path, sql: str) -> int:
    with duckdb.connect(str(database), read_only=True) as connection:
        ((found,),) = connection.execute(sql).fetchall()
    return int(found)


def test_it_is_the_same_on_every_machine_and_python() -> None:
    text = json.dumps(made_up(), default=str)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "c416e35271d536fd"


def test_there_are_a_few_thousand_rows_and_they_are_not_loaded_again(database: Path) -> None:
    before = database.stat().st_mtime_ns
    counts = load(database)
    assert counts == {table: len(rows) for table, rows in made_up().items()}
    assert set(counts) == {"searches", "clicks", "custom_events", "keywords", "groups"}
    assert all(500 < rows < 5000 for rows in counts.values())
    assert database.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("table", "column"), [("clicks", "searchId"), ("keywords", "searchId"), ("custom_events", "lastSearchId")]
)
def test_what_follows_a_search_names_one_of_its_visit(database: Path, table: str, column: str) -> None:
    lost = f"""SELECT count(*) FROM {table} AS other WHERE {column} IS NOT NULL AND NOT EXISTS (
        SELECT * FROM searches WHERE searchId = other.{column} AND visitId = other.visitId
        AND datetime <= other.datetime)"""
    assert count(database, lost) == 0
    assert count(database, f"SELECT count({column}) FROM {table}") > 500


def test_every_row_lies_in_the_nine_months_and_its_moment_is_a_whole_millisecond(database: Path) -> None:
    for table in made_up():
        outside = f"""SELECT count(*) FROM {table} WHERE datetime < TIMESTAMPTZ '{FIRST.isoformat()}'
            OR datetime >= TIMESTAMPTZ '{END.isoformat()}' OR epoch_us(datetime) % 1000 <> 0"""
        assert count(database, outside) == 0


def test_the_declaration_names_the_columns_that_there_are(database: Path) -> None:
    declared = load_dataset(DECLARATION).tables
    with duckdb.connect(str(database), read_only=True) as connection:
        for name, table in declared.items():
            rows = connection.execute("SELECT name FROM pragma_table_info(?)", [name]).fetchall()
            assert [column.name for column in table.columns] == [row[0] for row in rows]
    assert {*declared} == {*made_up()}


def test_an_interrupted_load_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "searches.loading").write_bytes(b"half a database")
    assert load(tmp_path / "searches.duckdb")["searches"] > 500
