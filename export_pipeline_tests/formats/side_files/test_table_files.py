"""What is known of a table's files: where they lie, and what their names have in common."""

import re

import pyarrow as pa
import pytest

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.file_format import FileFormat
from export_pipeline.formats.json import JsonFormat
from export_pipeline.formats.jsonl import JsonlFormat
from export_pipeline.formats.parquet import ParquetFormat
from export_pipeline.formats.side_files.table_files import FileColumn, columns_in
from export_pipeline_tests.formats.rows import a_schema, every_kind
from export_pipeline_tests.formats.side_files.tables import table_files

SCHEMA, _ = every_kind()
FILES = table_files(SCHEMA, CsvFormat())


def test_columns_are_found_by_their_kind() -> None:
    assert [column.name for column in FILES.columns_of(Kind.JSON, Kind.BYTES)] == ["bytes", "json"]


def test_columns_are_those_of_the_files_schema() -> None:
    declared = a_schema(id="int64").field(0).with_nullable(False)

    assert columns_in(pa.schema([declared])) == (
        FileColumn(name="id", type=ColumnType(Kind.INT64), nullable=False),
    )


def test_dots_are_objects_in_nested_json_only() -> None:
    schema = a_schema(**{"a.b": "date", "a.c": "date"})
    flat, nested = (table_files(schema, JsonFormat(nested=nested)) for nested in (False, True))

    assert (flat.tree, nested.tree) == ({"a.b": 0, "a.c": 1}, {"a": {"b": 0, "c": 1}})
    assert (flat.path(flat.columns[1]), nested.path(nested.columns[1])) == (["a.c"], ["a", "c"])
    assert not table_files(schema, ParquetFormat()).nested


@pytest.mark.parametrize(
    ("file_format", "quoted", "blank"),
    [
        (CsvFormat(), True, False),
        (CsvFormat(null="NULL"), False, False),
        (CsvFormat(dialect="postgres"), False, True),
        (CsvFormat(dialect="postgres", null="NULL"), False, False),
        (JsonlFormat(), False, False),
        (ParquetFormat(), False, False),
    ],
)
def test_the_null_of_a_column_that_is_alone_is_known(
    file_format: FileFormat, quoted: bool, blank: bool
) -> None:
    alone, among = (
        table_files(schema, file_format) for schema in (a_schema(a="date"), a_schema(a="date", b="date"))
    )

    assert (alone.null_is_quoted, alone.null_is_blank) == (quoted, blank)
    assert (among.null_is_quoted, among.null_is_blank) == (False, False)


@pytest.mark.parametrize(
    ("pieces", "folder"),
    [
        (("", ".csv"), ""),
        (("flights-", ".csv"), ""),
        (("a/b/flights-", ".csv"), "a/b/"),
        (("a/", "/", "/x.csv"), "a/"),
    ],
)
def test_the_folder_is_what_all_keys_have_in_common(pieces: tuple[str, ...], folder: str) -> None:
    assert table_files(SCHEMA, CsvFormat(), key_pieces=pieces).folder == folder


def test_what_differs_begins_with_a_digit() -> None:
    assert table_files(SCHEMA, CsvFormat(), key_pieces=("a*[b]?/", "/", ".csv")).glob() == (
        "a[*][[]b][?]/[0-9]*/[0-9]*.csv"
    )


def test_a_regular_expression_matches_the_keys_and_no_receipt() -> None:
    pieces = (r"it's (a) [b]+{c}^$.*\d|", "/", ".csv.gz")
    regex = table_files(SCHEMA, CsvFormat(), key_pieces=pieces).regex()

    assert re.fullmatch(regex, "2013-01-01/05".join([pieces[0], pieces[2]]))
    assert re.fullmatch(regex, f"{pieces[0]}2013/01{pieces[2]}")
    assert not re.fullmatch(regex, f"{pieces[0]}_receipts/01{pieces[2]}")


@pytest.mark.parametrize(
    ("root", "s3_root"),
    [
        ("s3://acme", "s3://acme/"),
        ("s3://acme/data", "s3://acme/data/"),
        ("gs://acme", "s3://YOUR-BUCKET/"),
        ("/srv/exports", "s3://YOUR-BUCKET/"),
        (None, "s3://YOUR-BUCKET/"),
    ],
)
def test_who_reads_from_s3_only_is_told_where(root: str | None, s3_root: str) -> None:
    assert table_files(SCHEMA, CsvFormat(), root=root).s3_root() == s3_root


def test_parquet_is_told_from_text() -> None:
    assert table_files(a_schema(id="int64"), ParquetFormat()).in_parquet
    assert not FILES.in_parquet
