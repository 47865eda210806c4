"""What is known of a table's files: where they lie, and what their names have in common."""

import re

import pytest

from export_pipeline.dataset.types import Kind
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.parquet import ParquetFormat
from export_pipeline_tests.formats.rows import a_schema, every_kind
from export_pipeline_tests.formats.side_files.tables import table_files

SCHEMA, _ = every_kind()
FILES = table_files(SCHEMA, CsvFormat())


def test_columns_are_found_by_their_kind() -> None:
    assert [column.name for column in FILES.columns_of(Kind.JSON, Kind.BYTES)] == ["bytes", "json"]


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
