"""The union of formats: from requests and from short spellings, and back."""

from typing import Any

import pytest

from export_pipeline.errors import InvalidRequest
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.file_format import every_format, format_from, options_of, short_formats
from export_pipeline.formats.json import JsonFormat
from export_pipeline.formats.jsonl import JsonlFormat
from export_pipeline.formats.parquet import ParquetFormat


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("csv", CsvFormat(compression="none")),
        ("csv.gz", CsvFormat(compression="gzip")),
        ("csv.zst", CsvFormat(compression="zstd")),
        ("jsonl", JsonlFormat(compression="none")),
        ("jsonl.gz", JsonlFormat()),
        ("JSONL.ZST", JsonlFormat(compression="zstd")),
        ("json.gz", JsonFormat()),
        ("parquet", ParquetFormat(compression="zstd")),
        ('{"type": "csv", "dialect": "excel"}', CsvFormat(dialect="excel")),
        (' {"type": "parquet"}', ParquetFormat()),
    ],
)
def test_a_short_spelling_is_a_format(text: str, expected: Any) -> None:
    assert format_from(text) == expected


def test_a_short_spelling_is_the_formats_extension() -> None:
    assert [format_.extension for format_ in short_formats().values()] == list(short_formats())


@pytest.mark.parametrize("file_format", every_format(), ids=lambda f: f"{f.type}-{f.compression}")
def test_a_format_survives_being_stored(file_format: Any) -> None:
    assert format_from(file_format.model_dump(mode="json")) == file_format


def test_options_left_out_have_their_defaults() -> None:
    assert format_from({"type": "csv"}) == CsvFormat(compression="gzip")


@pytest.mark.parametrize(
    ("data", "field", "message"),
    [
        ("xlsx", "format", "'xlsx' is not a format; the formats are csv.gz, csv,"),
        ("", "format", "'' is not a format"),
        ({}, "format.type", "the type is missing; the types are csv, jsonl, json, parquet"),
        ({"type": "orc"}, "format.type", "'orc' is not a format; the types are csv, jsonl, json, parquet"),
        ({"type": None}, "format.type", "None is not a format"),
        ({"type": ["csv"]}, "format.type", r"\['csv'\] is not a format"),
        (
            {"type": "csv", "compression": "bz2"},
            "format.compression",
            "'bz2' is not possible; choose 'none', 'gzip' or",
        ),
        (
            {"type": "parquet", "compression": "lzma"},
            "format.compression",
            "choose 'zstd', 'snappy', 'gzip' or 'none'",
        ),
        (
            {"type": "csv", "delimeter": ";"},
            "format.delimeter",
            "csv has no such option; did you mean 'delimiter'?",
        ),
        (
            {"type": "jsonl", "delimiter": ";"},
            "format.delimiter",
            "jsonl has no such option; there are compression, names, nested, prepend_columns, append_columns",
        ),
        ({"type": "csv", "delimiter": "a"}, "format.delimiter", "^format.delimiter: 'a' stands in numbers"),
        (
            {"type": "csv", "append_columns": [{"value": "x", "slug": "x"}, {"value": "y"}]},
            "format.append_columns.1.slug",
            "is missing",
        ),
        (
            {"type": "csv", "append_columns": [{"value": "x", "slug": "x", "nam": "x"}]},
            "format.append_columns.0.nam",
            "append_columns has no such option; did you mean 'name'?",
        ),
        (
            {"type": "parquet", "row_group_rows": 1},
            "format.row_group_rows",
            "1 is too small; choose at least 1000",
        ),
        ('{"type": csv}', "format", "is not JSON"),
    ],
)
def test_a_wrong_format_is_refused_with_its_field_and_the_cure(data: Any, field: str, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message) as refused:
        format_from(data)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("short", "options", "expected"),
    [
        ("csv.gz", {"dialect": "excel", "header": "none"}, CsvFormat(dialect="excel", header="none")),
        ("csv", {"sep_line": "true"}, CsvFormat(compression="none", sep_line=True)),
        ("csv.gz", {"compression": "gzip"}, CsvFormat()),
        ("parquet", {"compression": "snappy"}, ParquetFormat(compression="snappy")),
        ("parquet", {"row_group_rows": "5000"}, ParquetFormat(row_group_rows=5000)),
        ('{"type": "jsonl"}', {"nested": "yes"}, JsonlFormat(nested=True)),
    ],
)
def test_options_go_with_a_short_spelling(short: str, options: dict[str, Any], expected: Any) -> None:
    assert format_from(short, options) == expected


@pytest.mark.parametrize(
    ("data", "options", "field", "message"),
    [
        (
            "csv.gz",
            {"compression": "zstd"},
            "format.compression",
            "csv.gz is compressed otherwise; write csv.zst",
        ),
        ("csv", {"type": "json"}, "format.type", "is said twice; say it once"),
        ('{"type": "csv", "null": "-"}', {"null": "NULL"}, "format.null", "is said twice; say it once"),
        ("json", {"dialect": "excel"}, "format.dialect", "json has no such option"),
    ],
)
def test_options_that_contradict_the_spelling_are_refused(
    data: str, options: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message) as refused:
        format_from(data, options)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("file_format", "options"),
    [
        (CsvFormat(), {}),
        (CsvFormat(compression="none", null="-"), {"null": "-"}),
        (CsvFormat(dialect="postgres"), {"dialect": "postgres"}),
        (CsvFormat(dialect="postgres", line_end="crlf"), {"dialect": "postgres", "line_end": "crlf"}),
        (JsonlFormat(nested=True), {"nested": True}),
        (ParquetFormat(compression="snappy"), {}),
    ],
)
def test_the_options_of_a_format_are_what_was_chosen(file_format: Any, options: dict[str, Any]) -> None:
    assert options_of(file_format) == options
    plain = {"type": file_format.type, "compression": file_format.compression}
    assert format_from(plain, options) == file_format
