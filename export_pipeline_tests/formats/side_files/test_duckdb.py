"""DuckDB runs what we say it can: the table is there, every value in it is the one that was exported."""

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from export_pipeline.dataset.types import Kind
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.file_format import FileFormat
from export_pipeline.formats.layout import CsvLayout
from export_pipeline.formats.side_files.duckdb import TYPES, duckdb_sql
from export_pipeline_tests.formats.rows import (
    VALUES,
    a_batch,
    a_schema,
    comparable,
    every_kind,
    one_column,
)
from export_pipeline_tests.formats.side_files.tables import FORMATS, named, table_files, write_file

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
    schema = a_schema(id="int64").set(
        0, pa.field("id", pa.int64(), nullable=False, metadata={"type": "int64"})
    )

    assert '"id" BIGINT NOT NULL\n' in duckdb_sql(table_files(schema, file_format))


def test_another_spelling_of_csv_is_loaded_by_other_options(tmp_path: Path) -> None:
    schema = a_schema(n="int32", value="string")
    layout = CsvLayout(
        compression="none", delimiter="\t", header_lines=2, escape="\\", null="NULL", line_end="\n"
    )
    path = write_file(tmp_path, "2013-01-01-05", CsvFormat(compression="none"), a_batch(schema))
    path.write_text('sep=\t\nn\tvalue\n1\tNULL\n2\t"a \\"b\\" c"\n3\t\n4\t"NULL"\n')
    files = table_files(schema, CsvFormat(compression="none"), layout=layout, root=str(tmp_path))

    assert loaded(files).column("value").to_pylist() == [None, 'a "b" c', "", "NULL"]
