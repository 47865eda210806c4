"""BigQuery's schema keeps to its documented grammar: names, types, modes, and digits of decimals."""

import json
import re
from typing import Any

import pytest

from export_pipeline.dataset.types import Kind
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.file_format import FileFormat
from export_pipeline.formats.json import JsonFormat
from export_pipeline.formats.jsonl import JsonlFormat
from export_pipeline.formats.parquet import ParquetFormat
from export_pipeline.formats.side_files.bigquery import TYPES, TYPES_IN_PARQUET, bigquery_schema
from export_pipeline.formats.text import BytesAs
from export_pipeline_tests.formats.rows import a_schema, every_kind
from export_pipeline_tests.formats.side_files.tables import FORMATS, named, table_files

# The legacy names, which both `bq` and the API take.
KNOWN_TYPES = {
    "STRING", "BYTES", "INTEGER", "FLOAT", "BOOLEAN", "TIMESTAMP", "DATE", "TIME", "DATETIME", "JSON",
    "NUMERIC", "BIGNUMERIC",
}  # fmt: skip
MOST_DIGITS = {"NUMERIC": (29, 9), "BIGNUMERIC": (38, 38)}  # before and after the point


def fields(file_format: FileFormat, **declared: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(bigquery_schema(table_files(a_schema(**declared), file_format)))
    return found


def check(field: dict[str, Any]) -> None:
    """What the documentation of a TableFieldSchema says."""
    assert re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,299}", field["name"])
    assert field["type"] in KNOWN_TYPES
    assert field["mode"] in ("NULLABLE", "REQUIRED")
    digits = {"precision", "scale"} & field.keys()
    assert field.keys() == {"name", "type", "mode", *digits}
    if digits:
        before, after = MOST_DIGITS[field["type"]]
        precision, scale = int(field["precision"]), int(field["scale"])
        assert 0 <= scale <= after
        assert max(1, scale) <= precision <= before + scale


@pytest.mark.parametrize("file_format", FORMATS, ids=named)
def test_every_field_keeps_to_the_grammar(file_format: FileFormat) -> None:
    schema, _ = every_kind()
    found = json.loads(bigquery_schema(table_files(schema, file_format)))

    assert [field["name"] for field in found] == [kind.value for kind in Kind]
    for field in found:
        check(field)


@pytest.mark.parametrize(
    ("declared", "type_"),
    [
        ("decimal(1,0)", "NUMERIC"),
        ("decimal(9,9)", "NUMERIC"),
        ("decimal(29,0)", "NUMERIC"),
        ("decimal(38,9)", "NUMERIC"),
        ("decimal(30,0)", "BIGNUMERIC"),
        ("decimal(10,10)", "BIGNUMERIC"),
        ("decimal(38,0)", "BIGNUMERIC"),
        ("decimal(38,38)", "BIGNUMERIC"),
    ],
)
def test_a_decimal_with_more_digits_than_a_numeric_has_is_a_bignumeric(declared: str, type_: str) -> None:
    (field,) = fields(CsvFormat(), value=declared)

    check(field)
    assert field["type"] == type_
    assert f"decimal({field['precision']},{field['scale']})" == declared


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.DECIMAL])
def test_a_field_has_the_type_of_the_table(kind: Kind) -> None:
    (in_text,) = fields(JsonlFormat(), value=kind.value)
    (in_parquet,) = fields(ParquetFormat(), value=kind.value)

    assert in_text["type"] == TYPES[kind].partition("(")[0]
    assert in_parquet["type"] == TYPES_IN_PARQUET[kind]


def test_unsigned_integers_have_twenty_digits() -> None:
    assert fields(CsvFormat(), value="uint64") == [
        {"name": "value", "type": "NUMERIC", "precision": "20", "scale": "0", "mode": "NULLABLE"}
    ]


def test_a_dot_is_no_part_of_a_name() -> None:
    assert [field["name"] for field in fields(CsvFormat(), **{"a.b": "date"})] == ["a_b"]


def test_names_with_other_characters_stay_apart() -> None:
    found = fields(CsvFormat(), **{"a b": "date", "a_b": "date", "A.B": "date", "1st": "date"})

    assert [field["name"] for field in found] == ["a_b", "a_b_2", "A_B_3", "_1st"]


@pytest.mark.parametrize(("bytes_as", "type_"), [("base64", "BYTES"), ("hex", "STRING"), ("bytea", "STRING")])
def test_bytes_that_are_not_base64_are_texts(bytes_as: BytesAs, type_: str) -> None:
    (field,) = fields(CsvFormat(bytes_as=bytes_as), value="bytes")

    assert field["type"] == type_


def test_an_object_in_an_object_is_a_record() -> None:
    found = fields(JsonFormat(nested=True), **{"a.b": "date", "id": "int64", "a.c": "bytes"})

    date, bytes_ = ({"name": n, "type": t, "mode": "NULLABLE"} for n, t in [("b", "DATE"), ("c", "BYTES")])
    assert found == [
        {"name": "a", "type": "RECORD", "mode": "REQUIRED", "fields": [date, bytes_]},
        {"name": "id", "type": "INTEGER", "mode": "NULLABLE"},
    ]
