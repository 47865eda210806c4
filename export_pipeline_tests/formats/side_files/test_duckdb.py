"""DuckDB runs what we say it can: the table is there, every value in it is the one that was exported."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from export_pipeline.dataset.types import Kind
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.dialects import DIALECTS, DialectName
from export_pipeline.formats.file_format import FileFormat
from export_pipeline.formats.json import JsonFormat
from export_pipeline.formats.jsonl import JsonlFormat
from export_pipeline.formats.parquet import ParquetFormat
from export_pipeline.formats.side_files.duckdb import TYPES, duckdb_sql
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
)
from export_pipeline_tests.formats.side_files.tables import (
    AROUND,
    CONSTANT,
    EVERY_SPELLING,
    FORMATS,
    as_loaded,
    named,
    prepare,
    rows_of_every_kind,
    table_files,
    write_file,
)

every_format = pytest.mark.parametrize("file_format", FORMATS, ids=named)


def loaded(files: Any, query: str = 'select * from "flights"') -> pa.Table:
    """What is in the table after the statements were run."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(duckdb_sql(files))
        found: pa.Table = connection.sql(query).to_arrow_table()
        return found


def values(kind: Kind, column: Any) -> list[Any]:
    """The values as Python has them; a UUID as its text, JSON as what it says."""
    found = column.to_pylist()
    if kind in (Kind.UUID, Kind.JSON):
        found = [None if value is None else str(value) for value in found]
    return comparable(kind, found)


@every_format
@pytest.mark.parametrize("kind", Kind)
def test_values_of_every_kind_arrive(file_format: FileFormat, kind: Kind, tmp_path: Path) -> None:
    batch = one_column(kind, [*VALUES[kind], None])
    write_file(tmp_path, "2013-01-01-05", file_format, batch)

    table = loaded(table_files(batch.schema, file_format, root=str(tmp_path)))

    assert table.column("n").to_pylist() == batch.column("n").to_pylist()
    found, meant = values(kind, table.column("value")), values(kind, batch.column("value"))
    if kind is Kind.JSON and file_format.type in ("json", "jsonl"):
        found, meant = same_json(found), same_json(meant)  # embedded: the same value in other words
    assert found == meant


def same_json(texts: list[str | None]) -> list[Any]:
    with duckdb.connect() as connection:
        return [connection.execute("select json(?)::varchar", [text]).fetchone() for text in texts]


@every_format
def test_columns_have_the_types_of_the_table(file_format: FileFormat, tmp_path: Path) -> None:
    schema, batch = every_kind()
    write_file(tmp_path, "2013-01-01-05", file_format, batch)
    files = table_files(schema, file_format, root=str(tmp_path))

    described = loaded(files, 'describe "flights"').to_pydict()

    aliases = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE", "DECIMAL(p,s)": "DECIMAL(38,10)"}
    assert dict(zip(described["column_name"], described["column_type"], strict=True)) == {
        kind.value: aliases.get(type_, type_) for kind, type_ in TYPES.items()
    }


@every_format
def test_every_hours_file_is_loaded_and_nothing_else(file_format: FileFormat, tmp_path: Path) -> None:
    batch = one_column(Kind.STRING, ["a", None])
    for hour in ("2013-01-01-05", "2013-01-01-06"):
        write_file(tmp_path, hour, file_format, batch)
    write_file(tmp_path, "of-others", file_format, batch)

    table = loaded(table_files(batch.schema, file_format, root=str(tmp_path)))

    assert table.num_rows == 4


@pytest.mark.parametrize(
    "file_format",
    [CsvFormat(), JsonlFormat(), JsonFormat(), ParquetFormat()],
    ids=named,
)
def test_a_text_of_many_megabytes_is_loaded(file_format: FileFormat, tmp_path: Path) -> None:
    batch = one_column(Kind.STRING, ["a", "x" * 20_000_000, "b"])
    write_file(tmp_path, "2013-01-01-05", file_format, batch)

    table = loaded(table_files(batch.schema, file_format, root=str(tmp_path)))

    assert table.column("value").to_pylist() == ["a", "x" * 20_000_000, "b"]


@every_format
def test_a_column_that_is_alone_keeps_its_nulls(file_format: FileFormat, tmp_path: Path) -> None:
    batch = a_batch(a_schema(value="int32"), {"value": 1}, {"value": None})
    write_file(tmp_path, "2013-01-01-05", file_format, batch)

    table = loaded(table_files(batch.schema, file_format, root=str(tmp_path)))

    assert table.column("value").to_pylist() == [1, None]


@every_format
def test_files_that_were_fetched_are_loaded_from_where_one_is(
    file_format: FileFormat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = one_column(Kind.STRING, ["a"])
    write_file(tmp_path, "2013-01-01-05", file_format, batch)
    monkeypatch.chdir(tmp_path)

    assert loaded(table_files(batch.schema, file_format, root=None)).num_rows == 1


@every_format
def test_names_are_taken_as_they_are(file_format: FileFormat, tmp_path: Path) -> None:
    batch = a_batch(a_schema(**{"select": "int32", "Group.by": "bytes"}), {"select": 1, "Group.by": b"x"})
    write_file(tmp_path, "2013-01-01-05", file_format, batch)

    table = loaded(
        table_files(batch.schema, file_format, table="order", root=str(tmp_path)), 'select * from "order"'
    )

    assert table.to_pylist() == [{"select": 1, "Group.by": b"x"}]


@every_format
def test_a_column_that_is_never_null_says_so(file_format: FileFormat) -> None:
    schema = a_schema(id="int64")
    schema = schema.set(0, schema.field(0).with_nullable(False))

    assert '"id" BIGINT NOT NULL\n' in duckdb_sql(table_files(schema, file_format))


def loaded_from_csv(file_format: CsvFormat, schema: pa.Schema, columns: Any, folder: Path) -> pa.Table:
    """What is in the table after a file was written, prepared as the script says, and loaded."""
    path = write_file(folder, "2013-01-01-05", file_format, pa.RecordBatch.from_pydict(columns, schema))
    files = table_files(schema, file_format, root=str(folder))
    prepare(duckdb_sql(files), path)
    return loaded(files)


@pytest.mark.parametrize(("dialect", "options"), EVERY_SPELLING)
def test_every_spelling_of_csv_is_loaded(
    dialect: DialectName, options: Mapping[str, Any], tmp_path: Path
) -> None:
    file_format = CsvFormat.model_validate({"dialect": dialect, "compression": "none", **options})
    schema, _ = every_kind()
    columns = rows_of_every_kind()

    table = loaded_from_csv(file_format, schema, columns, tmp_path)

    assert table.column_names == file_format.file_schema(schema).names
    kinds = [declared_kind(field) for field in file_format.file_schema(schema)]
    meant = as_loaded(dialect, options, columns)
    for kind, found, expected in zip(kinds, table.columns, meant, strict=True):
        assert values(kind, found) == comparable(kind, expected), kind


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("null", ["as preset", "NULL"])
@pytest.mark.parametrize("header", ["api", "none"])
def test_every_row_of_a_column_that_is_alone_is_loaded(
    dialect: DialectName, null: str, header: str, tmp_path: Path
) -> None:
    options = {"null": null} if null != "as preset" else {}
    file_format = CsvFormat.model_validate(
        {"dialect": dialect, "compression": "none", "header": header, **options}
    )

    table = loaded_from_csv(file_format, a_schema(value="string"), {"value": LONELY}, tmp_path)

    said = "The empty text becomes NULL" in duckdb_sql(table_files(a_schema(value="string"), file_format))
    assert said == (null != "NULL" and dialect in ("rfc4180", "excel", "no_newline", "snowflake"))
    assert table.column("value").to_pylist() == [text or None if said else text for text in LONELY]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_empty_text_of_a_column_that_is_never_null_stays(dialect: DialectName, tmp_path: Path) -> None:
    schema = a_schema(value="string")
    schema = schema.set(0, schema.field(0).with_nullable(False))
    file_format = CsvFormat(dialect=dialect, compression="none")

    table = loaded_from_csv(file_format, schema, {"value": ["", "a"]}, tmp_path)

    assert table.column("value").to_pylist() == ["", "a"]


def test_excel_that_was_not_prepared_is_refused(tmp_path: Path) -> None:
    file_format = CsvFormat(dialect="excel", compression="none")
    batch = one_column(Kind.STRING, VALUES[Kind.STRING])
    write_file(tmp_path, "2013-01-01-05", file_format, batch)
    files = table_files(batch.schema, file_format, root=str(tmp_path))

    with pytest.raises(duckdb.Error):
        loaded(files)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("member", [JsonlFormat, JsonFormat], ids=["jsonl", "json"])
def test_values_in_objects_in_objects_arrive(
    member: type[JsonlFormat] | type[JsonFormat], kind: Kind, tmp_path: Path
) -> None:
    file_format = member.model_validate({"compression": "none", "nested": True, **AROUND})
    schema = a_schema(**{"a.n": "int64", "b": "string", "a.it's.in": DECLARED[kind]})
    columns = {"a.n": [*range(len(VALUES[kind]) + 1)], "a.it's.in": [*VALUES[kind], None]}
    columns["b"] = [None] * len(columns["a.n"])
    write_file(tmp_path, "2013-01-01-05", file_format, pa.RecordBatch.from_pydict(columns, schema))

    table = loaded(table_files(schema, file_format, root=str(tmp_path)))

    assert table.column_names == ["before", "a.n", "b", "a.it's.in", "after"]
    assert set(table.column("before").to_pylist()) == {CONSTANT}
    assert table.column("a.n").to_pylist() == columns["a.n"]
    found, meant = values(kind, table.column("a.it's.in")), comparable(kind, columns["a.it's.in"])
    assert (same_json(found), None) == (same_json(meant), None) if kind is Kind.JSON else found == meant


@pytest.mark.parametrize(
    "file_format",
    [
        JsonlFormat.model_validate({"names": "display", **AROUND}),
        JsonFormat.model_validate({"names": "display", **AROUND}),
        ParquetFormat.model_validate({"names": "display", **AROUND}),
    ],
    ids=lambda file_format: file_format.type,
)
def test_columns_are_called_as_in_the_file(file_format: FileFormat, tmp_path: Path) -> None:
    batch = a_batch(a_schema(a="int32", b="bytes"), {"a": 1, "b": b"x"}, {"a": None, "b": None})
    write_file(tmp_path, "2013-01-01-05", file_format, batch)

    table = loaded(table_files(batch.schema, file_format, root=str(tmp_path)))

    assert table.to_pylist() == [
        {'It\'s "be,fore"': CONSTANT, "A": a, "B": b, "After: $this": ""}
        for a, b in [(1, b"x"), (None, None)]
    ]


@pytest.mark.parametrize("file_format", [JsonFormat(), JsonFormat(compression="none")], ids=named)
def test_a_list_without_rows_is_loaded(file_format: FileFormat, tmp_path: Path) -> None:
    batch = one_column(Kind.STRING, ["a"])
    write_file(tmp_path, "2013-01-01-05", file_format, batch)
    write_file(tmp_path, "2013-01-01-06", file_format, batch.slice(0, 0))

    assert loaded(table_files(batch.schema, file_format, root=str(tmp_path))).num_rows == 1
