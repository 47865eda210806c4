"""PostgreSQL's own client runs what we say it can, on the exported file; every value is the one exported."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from sqlalchemy import make_url

from export_pipeline.dataset.types import Kind
from export_pipeline.formats.compression import Compression, decompressed
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.dialects import DIALECTS, DialectName
from export_pipeline.formats.file_format import FileFormat
from export_pipeline.formats.json import JsonFormat
from export_pipeline.formats.jsonl import JsonlFormat
from export_pipeline.formats.parquet import ParquetFormat
from export_pipeline.formats.side_files.postgresql import TYPES, postgresql_sql
from export_pipeline.formats.side_files.statements import identifier
from export_pipeline.formats.side_files.table_files import TableFiles
from export_pipeline.formats.text import declared_kind
from export_pipeline_tests.formats.rows import (
    DECLARED,
    LONELY,
    VALUES,
    a_batch,
    a_schema,
    comparable,
    every_kind,
    one_column,
    without_nul,
)
from export_pipeline_tests.formats.side_files.tables import (
    AROUND,
    CONSTANT,
    EVERY_SPELLING,
    TEXT_FORMATS,
    as_loaded,
    named,
    rows_of_every_kind,
    table_files,
    write_file,
)
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


@pytest.mark.parametrize(("dialect", "options"), EVERY_SPELLING)
def test_every_spelling_of_csv_is_loaded(
    database: str, dialect: DialectName, options: Mapping[str, Any], tmp_path: Path
) -> None:
    file_format = CsvFormat.model_validate({"dialect": dialect, "compression": "none", **options})
    schema, _ = every_kind()
    columns = rows_of_every_kind(nul=False)
    path = write_file(tmp_path, "2013-01-01-05", file_format, pa.RecordBatch.from_pydict(columns, schema))

    load(database, table_files(schema, file_format), path, folder=tmp_path)

    file_schema = file_format.file_schema(schema)
    kinds = [declared_kind(field) for field in file_schema]
    selected = ", ".join(
        f"{identifier(name)}{'::text' if kind is Kind.JSON else ''}"
        for name, kind in zip(file_schema.names, kinds, strict=True)
    )
    found = zip(*rows(database, f'select {selected} from "flights" order by ctid'), strict=True)
    for kind, column, meant in zip(kinds, found, as_loaded(dialect, options, columns), strict=True):
        assert values(kind, list(column)) == values(kind, meant), kind


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("null", ["as preset", "NULL"])
@pytest.mark.parametrize("header", ["api", "none"])
def test_every_row_of_a_column_that_is_alone_is_loaded(
    database: str, dialect: DialectName, null: str, header: str, tmp_path: Path
) -> None:
    options = {"null": null} if null != "as preset" else {}
    file_format = CsvFormat.model_validate(
        {"dialect": dialect, "compression": "none", "header": header, **options}
    )
    batch = pa.RecordBatch.from_pydict({"value": LONELY}, a_schema(value="string"))
    path = write_file(tmp_path, "2013-01-01-05", file_format, batch)
    files = table_files(batch.schema, file_format)

    load(database, files, path, folder=tmp_path)

    said = "The empty text becomes NULL" in postgresql_sql(files)
    assert said == (null != "NULL" and dialect in ("rfc4180", "excel", "no_newline", "snowflake"))
    assert "-- Before version 18, " in postgresql_sql(files)
    found = [value for (value,) in rows(database, 'select value from "flights" order by ctid')]
    assert found == [text or None if said else text for text in LONELY]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_empty_text_of_a_column_that_is_never_null_stays(
    database: str, dialect: DialectName, tmp_path: Path
) -> None:
    schema = a_schema(value="string")
    schema = schema.set(0, schema.field(0).with_nullable(False))
    file_format = CsvFormat(dialect=dialect, compression="none")
    path = write_file(tmp_path, "2013-01-01-05", file_format, a_batch(schema, {"value": ""}, {"value": "a"}))

    load(database, table_files(schema, file_format), path, folder=tmp_path)

    assert rows(database, 'select value from "flights" order by value') == [("",), ("a",)]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("member", [JsonlFormat, JsonFormat], ids=["jsonl", "json"])
def test_values_in_objects_in_objects_arrive(
    database: str, member: type[JsonlFormat] | type[JsonFormat], kind: Kind, tmp_path: Path
) -> None:
    file_format = member.model_validate({"compression": "none", "nested": True, **AROUND})
    schema = a_schema(**{"a.n": "int64", "b": "string", "a.it's.in": DECLARED[kind]})
    exported = [*without_nul(VALUES[kind]), None]
    columns = {"a.n": [*range(len(exported))], "b": [None] * len(exported), "a.it's.in": exported}
    path = write_file(tmp_path, "2013-01-01-05", file_format, pa.RecordBatch.from_pydict(columns, schema))

    load(database, table_files(schema, file_format), path, folder=tmp_path)

    value = f'"a.it\'s.in"{"::text" if kind is Kind.JSON else ""}'
    query = f'select before, b, after, {value} from "flights" order by "a.n"'
    *others, found = zip(*rows(database, query), strict=True)
    assert [set(other) for other in others] == [{CONSTANT}, {None}, {""}]
    assert values(kind, list(found)) == values(kind, exported)


def test_columns_are_called_as_in_the_file(database: str, tmp_path: Path) -> None:
    file_format = JsonFormat.model_validate({"compression": "none", "names": "display", **AROUND})
    batch = a_batch(a_schema(a="int32", b="bytes"), {"a": 1, "b": b"x"})
    path = write_file(tmp_path, "2013-01-01-05", file_format, batch)

    load(database, table_files(batch.schema, file_format), path, folder=tmp_path)

    query = 'select "It\'s ""be,fore""", "A", "B", "After: $this" from "flights"'
    assert rows(database, query) == [(CONSTANT, 1, b"x", "")]


def test_parquet_is_not_loaded_and_the_script_says_so(database: str, tmp_path: Path) -> None:
    schema, _ = every_kind()
    script = tmp_path / "postgresql.sql"
    script.write_text(postgresql_sql(table_files(schema, ParquetFormat())))

    run_psql(database, script, b"")

    assert "PostgreSQL reads no Parquet" in script.read_text()
    assert rows(database, 'select count(*) from "flights"') == [(0,)]
