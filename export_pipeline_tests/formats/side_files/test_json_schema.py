"""The JSON Schema takes every line that we write, and refuses what is none."""

import json
from typing import Any

import pyarrow as pa
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from export_pipeline.dataset.types import Kind
from export_pipeline.formats.file_format import FileFormat
from export_pipeline.formats.jsonl import JsonlFormat
from export_pipeline.formats.side_files.json_schema import json_schema
from export_pipeline_tests.formats.rows import (
    DECLARED,
    VALUES,
    a_batch,
    a_schema,
    every_kind,
    one_column,
    written,
)
from export_pipeline_tests.formats.side_files.tables import AROUND, FORMATS, named, table_files

PLAIN = JsonlFormat(compression="none")


def validator(schema: Any) -> Draft202012Validator:
    found = json.loads(json_schema(table_files(schema, PLAIN)))
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found, format_checker=Draft202012Validator.FORMAT_CHECKER)


def of(kind: Kind, *, nullable: bool = True) -> Draft202012Validator:
    """The schema of a table whose only column is of that kind."""
    schema = a_schema(value=DECLARED[kind])
    return validator(schema.set(0, schema.field(0).with_nullable(nullable)))


@pytest.mark.parametrize("kind", Kind)
def test_every_line_is_valid(kind: Kind) -> None:
    batch = one_column(kind, [*VALUES[kind], None])
    check = validator(batch.schema)

    lines = written(PLAIN, batch.schema, batch).decode().split("\n")[:-1]

    assert len(lines) == batch.num_rows
    for line in lines:
        check.validate(json.loads(line))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.BOOLEAN, 1),
        (Kind.INT16, 2**15),
        (Kind.INT32, -(2**31) - 1),
        (Kind.INT64, 2**63),
        (Kind.INT64, "7"),
        (Kind.UINT64, -1),
        (Kind.UINT64, 2**64),
        (Kind.FLOAT64, "inf"),
        (Kind.DECIMAL, 12.5),
        (Kind.DECIMAL, "12.5"),
        (Kind.DECIMAL, "1E+5"),
        (Kind.DECIMAL, f"{'9' * 29}.0000000000"),
        (Kind.STRING, 5),
        (Kind.BYTES, "no base64!"),
        (Kind.DATE, "2013-1-1"),
        (Kind.DATE, "2013-02-30"),
        (Kind.TIME, "05:00"),
        (Kind.TIMESTAMP, "2013-01-01T05:00:00.000000"),
        (Kind.TIMESTAMP, "2013-01-01 05:00:00.000000Z"),
        (Kind.TIMESTAMP_LOCAL, "2013-01-01T05:00:00.000000Z"),
        (Kind.UUID, "6f1d2c3e"),
    ],
)
def test_what_no_line_holds_is_invalid(kind: Kind, value: Any) -> None:
    assert not of(kind).is_valid({"value": value})


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.JSON])
def test_null_is_valid_where_it_may_be(kind: Kind) -> None:
    assert of(kind).is_valid({"value": None})
    assert not of(kind, nullable=False).is_valid({"value": None})


def test_every_column_is_there_and_no_other() -> None:
    check = validator(a_schema(id="int64", name="string"))

    assert check.is_valid({"id": 1, "name": None})
    assert not check.is_valid({"id": 1})
    assert not check.is_valid({"id": 1, "name": "a", "more": 2})


@pytest.mark.parametrize(("declared", "taken"), [("decimal(3,3)", "0.125"), ("decimal(3,0)", "-125")])
def test_a_decimal_has_its_digits(declared: str, taken: str) -> None:
    check = validator(a_schema(value=declared))

    assert check.is_valid({"value": taken})
    assert not check.is_valid({"value": f"{taken}0"})
    assert written(PLAIN, a_schema(value=declared), a_batch(a_schema(value=declared))) == b""


@pytest.mark.parametrize(
    "options", [{"nested": True}, {"names": "display", **AROUND}], ids=["nested", "display names"]
)
def test_every_line_is_valid_by_the_names_in_the_file(options: dict[str, Any]) -> None:
    file_format = JsonlFormat.model_validate({"compression": "none", **options})
    schema = a_schema(**{f"{kind.value[0]}.{kind.value}": DECLARED[kind] for kind in Kind})
    batch = pa.RecordBatch.from_arrays(every_kind()[1].columns, schema=schema)
    check = Draft202012Validator(json.loads(json_schema(table_files(schema, file_format))))

    for line in written(file_format, schema, batch).decode().split("\n")[:-1]:
        check.validate(json.loads(line))
        assert not check.is_valid({**json.loads(line), "more": 1})


@pytest.mark.parametrize("file_format", FORMATS, ids=named)
def test_it_is_the_same_whatever_the_format(file_format: FileFormat) -> None:
    schema, _ = every_kind()

    assert json_schema(table_files(schema, file_format)) == json_schema(table_files(schema, PLAIN))
