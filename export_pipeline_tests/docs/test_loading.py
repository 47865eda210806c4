"""docs/loading.md: its table of types is the code's, and its commands are run as they stand."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import psycopg
import pytest

from export_pipeline.dataset.types import Kind
from export_pipeline.exports.export import Export
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.file_format import MEMBERS, format_from
from export_pipeline.formats.json import JsonFormat
from export_pipeline.formats.side_files import athena, bigquery, redshift, snowflake
from export_pipeline.formats.side_files import duckdb as of_duckdb
from export_pipeline.formats.side_files import postgresql as of_postgresql
from export_pipeline.formats.side_files.json_schema import SCHEMAS
from export_pipeline.formats.side_files.preparing import preparation
from export_pipeline.formats.side_files.side_file import SIDE_FILES
from export_pipeline.store.database import reading
from export_pipeline.store.exports import find_export
from export_pipeline_tests.docs.pages import blocks, page, tables
from export_pipeline_tests.formats.rows import a_schema
from export_pipeline_tests.formats.side_files.tables import table_files
from export_pipeline_tests.installations import ROWS_PER_HOUR, Installation, an_installation, hours
from export_pipeline_tests.runs import deliver
from export_pipeline_tests.servers.postgres import client_environment

PAGE = page("loading.md")
FILES, TYPES = tables(PAGE)
CREATE, LOAD_BY_PSQL = blocks(PAGE, "sh")
(LOAD_BY_DUCKDB,) = blocks(PAGE, "python")

# By column of the page: the types, and those that differ in Parquet.
ENGINES: list[tuple[Mapping[Kind, str], Mapping[Kind, str]]] = [
    (bigquery.TYPES, bigquery.TYPES_IN_PARQUET),
    (snowflake.TYPES, snowflake.TYPES),
    (redshift.TYPES, redshift.TYPES_IN_PARQUET),
    (athena.TYPES, athena.TYPES_IN_PARQUET),
    (of_postgresql.TYPES, of_postgresql.TYPES),
    (of_duckdb.TYPES, of_duckdb.TYPES),
]


def in_json(kind: Kind) -> str:
    """What the page calls the kind's JSON."""
    if kind in (Kind.FLOAT32, Kind.FLOAT64):
        return "number or string"
    return str(SCHEMAS[kind].get("type", "any")) if kind is not Kind.DECIMAL else "string"


@pytest.mark.parametrize("kind", Kind)
def test_a_type_is_called_what_the_page_calls_it(kind: Kind) -> None:
    declared = "decimal(p,s)" if kind is Kind.DECIMAL else kind.value
    engines = [
        text[kind] if text[kind] == parquet[kind] else f"{text[kind]}; in Parquet {parquet[kind]}"
        for text, parquet in ENGINES
    ]

    assert [declared, in_json(kind), *engines] in TYPES


# The words of the page for how files are loaded.
AS_THEY_ARE, PREPARED, FILTERED, NOT = "as they are", "prepared", "filtered", "not"

SCRIPTS = {name: make for name, make in SIDE_FILES.items() if name.endswith(".sql")}


def how(script: str) -> str:
    """How a script loads files, in a word of the page."""
    if not re.search("^(COPY|LOCATION|INSERT|.copy) ", script, re.MULTILINE):
        return NOT
    head = "".join(line for line in script.splitlines(keepends=True) if line.startswith("--"))
    if "Replace each file, once:" in head:
        return PREPARED
    return FILTERED if " sed " in head or " tail " in head else AS_THEY_ARE


@pytest.mark.parametrize("row", FILES, ids=lambda row: row[0])
def test_files_are_loaded_as_the_page_says(row: list[str]) -> None:
    type_, *options = row[0].replace("`", "").split(" with ")
    described = {"type": type_, **dict(option.split("=") for option in options)}
    files = table_files(a_schema(**{"a.b": "date", "c": "bytes"}), format_from(described))

    by_bigquery = PREPARED if preparation(files.layout) else AS_THEY_ARE
    assert row[1:] == [by_bigquery, *(how(make(files)) for make in SCRIPTS.values())]


def test_the_page_has_every_form_of_files_and_the_filters() -> None:
    assert {row[0].split("`")[0] for row in FILES} >= set(MEMBERS)
    for file_format in (CsvFormat(dialect="excel"), JsonFormat()):
        needed = preparation(file_format.layout)
        assert needed is not None
        assert f"  {needed.filter.removeprefix('LC_ALL=C ')} " in PAGE


def test_the_page_has_every_type_once_and_every_side_file() -> None:
    assert len(TYPES) == len(Kind)
    assert all(f"    {name} " in PAGE for name in SIDE_FILES)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with an_installation(tmp_path_factory.mktemp("loading") / "home") as made:
        yield made


@pytest.fixture(scope="module")
def export(installation: Installation) -> Export:
    """The export of the page, made by its command; two hours of it are delivered."""
    program = Path(sys.executable).parent
    shell(
        CREATE,
        installation.folder,
        {**os.environ, **installation.variables, "PATH": f"{program}:{os.environ['PATH']}"},
    )
    with reading(installation.deployment.control) as connection:
        made = find_export(connection, "default", "events")
    assert deliver(installation, made, hours(5, 6)).failed == ()
    return made


def shell(script: str, folder: Path, environ: Mapping[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_duckdb_loads_all_hours(installation: Installation, export: Export) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOAD_BY_DUCKDB],
        cwd=installation.downloads,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    with duckdb.connect(str(installation.downloads / "events.duckdb")) as connection:
        found = connection.execute("select count(*), count(distinct id) from events").fetchone()
    assert found == (2 * ROWS_PER_HOUR, 2 * ROWS_PER_HOUR)
    assert export.definition.push_helpers


def test_psql_loads_an_hour(installation: Installation, export: Export, postgres_database: str) -> None:
    environment = client_environment(postgres_database)
    shell(
        LOAD_BY_PSQL,
        installation.downloads,
        {**environment, "PATH": f"{environment['PATH']}:{os.environ['PATH']}"},
    )

    url = postgres_database.replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        found = connection.execute("select count(*), count(distinct id) from events").fetchone()
    assert found == (ROWS_PER_HOUR, ROWS_PER_HOUR)
    assert export.definition.push_helpers
