"""PostgreSQL's own client runs what we say it can, on the exported file; every value is the one exported."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from export_pipeline.dataset.types import Kind
from export_pipeline.formats.compression import Compression, decompressed
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.file_format import FileFormat
from export_pipeline.formats.json import JsonFormat
from export_pipeline.formats.jsonl import JsonlFormat
from export_pipeline.formats.layout import CsvLayout
from export_pipeline.formats.parquet import ParquetFormat
from export_pipeline.formats.side_files.postgresql import TYPES, postgresql_sql
from export_pipeline.formats.side_files.table_files import TableFiles
from export_pipeline_tests.formats.rows import VALUES, a_batch, a_schema, comparable, every_kind, one_column
from export_pipeline_tests.formats.side_files.tables import TEXT_FORMATS, named, table_files, write_file
from export_pipeline_tests.servers.postgres import fresh_database, run_psql

COMPRESSIONS: Mapping[str, Compression] = {".gz": "gzip", ".zst": "zstd"}

PLAIN = [CsvFormat(compression="none"), JsonlFormat(compression="none"), JsonFormat(compression="none")]


@pytest.fixture(scope="module")
def database(postgres_url: str) -> Iterator[str]:
    with fresh_database(postgres_url) as url:
        yield url


def plain(path: Path, script: str) -> bytes:
    """The file as it goes into psql: decompressed, and through the filters in the head of the script."""
    with path.open("rb") as file:
        data = b"".join(decompressed(file, COMPRESSIONS.get(path.suffix, "none")))
    command = script.split("\n")[1].removeprefix("--   ")
    _decompress, *filters, _psql = command.split(" | ")
    for filter_ in filters:
        data = subprocess.run(["bash", "-c", filter_], input=data, capture_output=True, check=True).stdout
    return data


def load(database: str, files: TableFiles, *paths: Path, folder: Path) -> None:
    script = folder / "postgresql.sql"
    script.write_text(postgresql_sql(files))
    for path in paths:
        run_psql(database, script, plain(path, script.read_text()))


def rows(database: str, query: str) -> list[tuple[Any, ...]]:
    url = make_url(database).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set time zone 'UTC'")
        found = connection.execute(query).fetchall()
        connection.execute('drop table if exists "flights"')
        return found


def values(kind: Kind, found: list[Any]) -> list[Any]:
    """The values as Python has them; a UUID as its text, JSON as what it says."""
    if kind is Kind.UUID:
        found = [None if value is None else str(value) for value in found]
    if kind is Kind.JSON:
        found = [json.loads(value) if isinstance(value, str) else value for value in found]
    if kind is Kind.UINT64:
        found = [None if value is None else int(value) for value in found]
    return comparable(kind, found)


@pytest.mark.parametrize("file_format", PLAIN, ids=named)
@pytest.mark.parametrize("kind", Kind)
def test_values_of_every_kind_arrive(
    database: str, file_format: FileFormat, kind: Kind, tmp_path: Path
) -> None:
    # PostgreSQL has no text with the character NUL in it.
    exported = [value for value in VALUES[kind] if kind is not Kind.STRING or "\0" not in value]
    batch = one_column(kind, [*exported, None])
    path = write_file(tmp_path, "2013-01-01-05", file_format, batch)

    load(database, table_files(batch.schema, file_format), path, folder=tmp_path)

    value = "value::text" if kind is Kind.JSON else "value"
    found = [row[0] for row in rows(database, f'select {value} from "flights" order by n')]
    assert values(kind, found) == values(kind, batch.column("value").to_pylist())


@pytest.mark.parametrize("file_format", TEXT_FORMATS, ids=named)
def test_each_file_is_loaded_by_the_same_script(
    database: str, file_format: FileFormat, tmp_path: Path
) -> None:
    batch = one_column(Kind.BYTES, [b"a", None])
    paths = [write_file(tmp_path, hour, file_format, batch) for hour in ("2013-01-01-05", "2013-01-01-06")]

    load(database, table_files(batch.schema, file_format), *paths, folder=tmp_path)

    assert rows(database, 'select count(*), count(value) from "flights"') == [(4, 2)]


@pytest.mark.parametrize("file_format", PLAIN, ids=named)
def test_columns_have_the_types_of_the_table(database: str, file_format: FileFormat, tmp_path: Path) -> None:
    schema, batch = every_kind()
    path = write_file(tmp_path, "2013-01-01-05", file_format, batch.slice(0, 0))

    load(database, table_files(schema, file_format), path, folder=tmp_path)

    found = rows(
        database,
        "select attname, format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = '\"flights\"'::regclass and attnum > 0",
    )
    aliases = {
        "numeric(p,s)": "numeric(38,10)",
        "time": "time without time zone",
        "timestamp": "timestamp without time zone",
        "timestamptz": "timestamp with time zone",
    }
    assert dict(found) == {kind.value: aliases.get(type_, type_) for kind, type_ in TYPES.items()}


@pytest.mark.parametrize("file_format", PLAIN, ids=named)
def test_a_column_that_is_alone_keeps_its_nulls(
    database: str, file_format: FileFormat, tmp_path: Path
) -> None:
    batch = a_batch(a_schema(value="int32"), {"value": 1}, {"value": None})
    path = write_file(tmp_path, "2013-01-01-05", file_format, batch)

    load(database, table_files(batch.schema, file_format), path, folder=tmp_path)

    assert rows(database, 'select * from "flights" order by 1') == [(1,), (None,)]


@pytest.mark.parametrize("file_format", PLAIN, ids=named)
def test_names_are_taken_as_they_are(database: str, file_format: FileFormat, tmp_path: Path) -> None:
    schema = a_schema(**{"select": "int32", "Group.by": "bytes", "line": "json"})
    batch = a_batch(schema, {"select": 1, "Group.by": b"x", "line": "{}"})
    path = write_file(tmp_path, "2013-01-01-05", file_format, batch)

    load(database, table_files(schema, file_format), path, folder=tmp_path)

    assert rows(database, 'select "select", "Group.by", line::text from "flights"') == [(1, b"x", "{}")]


@pytest.mark.parametrize("file_format", PLAIN, ids=named)
def test_a_file_that_does_not_fit_leaves_nothing(
    database: str, file_format: FileFormat, tmp_path: Path
) -> None:
    batch = a_batch(a_schema(value="string", n="int32"), {"value": "one", "n": 1})
    path = write_file(tmp_path, "2013-01-01-05", file_format, batch)
    files = table_files(a_schema(value="int32", n="int32"), file_format)

    with pytest.raises(RuntimeError, match="invalid input syntax for type integer"):
        load(database, files, path, folder=tmp_path)

    assert rows(database, "select to_regclass('flights')") == [(None,)]


def test_another_spelling_of_csv_is_loaded_by_another_script(database: str, tmp_path: Path) -> None:
    schema = a_schema(n="int32", value="string")
    layout = CsvLayout(
        compression="none", delimiter="\t", header_lines=2, escape="\\", null="NULL", line_end="\n"
    )
    text = 'sep=\t\nn\tvalue\n1\tNULL\n2\t"a \\"b\\" c"\n3\t\n'
    files = table_files(schema, CsvFormat(), layout=layout)
    script = tmp_path / "postgresql.sql"
    script.write_text(postgresql_sql(files))

    assert "cat FILE | tail -n +2 | psql " in script.read_text()
    run_psql(database, script, text.partition("\n")[2].encode())

    assert rows(database, 'select * from "flights" order by n') == [(1, None), (2, 'a "b" c'), (3, "")]


def test_parquet_is_not_loaded_and_the_script_says_so(database: str, tmp_path: Path) -> None:
    schema, _ = every_kind()
    script = tmp_path / "postgresql.sql"
    script.write_text(postgresql_sql(table_files(schema, ParquetFormat())))

    run_psql(database, script, b"")

    assert "PostgreSQL reads no Parquet" in script.read_text()
    assert rows(database, 'select count(*) from "flights"') == [(0,)]
