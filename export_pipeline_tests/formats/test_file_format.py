"""The union of formats: from requests and from short spellings, and back."""

from typing import Any

import pytest

from export_pipeline.errors import InvalidRequest
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.file_format import every_format, format_from, short_formats
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
            "csv has no such option; its options are type, comp",
        ),
    ],
)
def test_a_wrong_format_is_refused_with_its_field_and_the_cure(data: Any, field: str, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message) as refused:
        format_from(data)
    assert refused.value.field == field
