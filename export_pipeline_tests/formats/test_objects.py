"""Rows as JSON objects, read back by readers that we did not write."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import ValidationError

from export_pipeline.dataset.types import Kind
from export_pipeline.errors import InvalidRequest, PermanentFailure
from export_pipeline.formats.json import JsonFormat
from export_pipeline.formats.jsonl import JsonlFormat
from export_pipeline.formats.objects import ObjectsFormat, shape_of
from export_pipeline_tests.builders import a_column
from export_pipeline_tests.formats.rows import (
    VALUES,
    a_batch,
    a_schema,
    comparable,
    one_column,
    written,
)

PLAIN = JsonlFormat(compression="none")
LIST = JsonFormat(compression="none")

# How a person who reads our documentation turns what a JSON reader gives into a value.
FROM_JSON: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.FLOAT32: float,
    Kind.FLOAT64: float,
    Kind.DECIMAL: Decimal,
    Kind.BYTES: lambda text: base64.b64decode(text, validate=True),
    Kind.DATE: date.fromisoformat,
    Kind.TIME: time.fromisoformat,
    Kind.TIMESTAMP: datetime.fromisoformat,
    Kind.TIMESTAMP_LOCAL: datetime.fromisoformat,
}

DUCKDB_TYPES: Mapping[Kind, str] = {
    Kind.BOOLEAN: "BOOLEAN",
    Kind.INT16: "SMALLINT",
    Kind.INT32: "INTEGER",
    Kind.INT64: "BIGINT",
    Kind.UINT64: "UBIGINT",
    Kind.FLOAT32: "FLOAT",
    Kind.FLOAT64: "DOUBLE",
    Kind.DECIMAL: "DECIMAL(38,10)",
    Kind.DATE: "DATE",
    Kind.TIME: "TIME",
    Kind.TIMESTAMP: "TIMESTAMPTZ",
    Kind.TIMESTAMP_LOCAL: "TIMESTAMP",
}


def objects(file_format: ObjectsFormat, data: bytes) -> list[dict[str, Any]]:
    if isinstance(file_format, JsonFormat):
        found: list[dict[str, Any]] = json.loads(data)
        return found
    return [json.loads(line) for line in data.decode().split("\n")[:-1]]


def json_values(*texts: str | None) -> list[str]:
    """What stands in the file for these texts of a json column."""
    batch = one_column(Kind.JSON, texts)
    lines = written(PLAIN, batch.schema, batch).decode().split("\n")[:-1]
    return [line.removeprefix(f'{{"n":{n},"value":').removesuffix("}") for n, line in enumerate(lines)]


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.JSON])
@pytest.mark.parametrize("file_format", [PLAIN, LIST], ids=["jsonl", "json"])
def test_python_reads_back_every_value_and_null(file_format: Any, kind: Kind) -> None:
    values = [*VALUES[kind], None]
    batch = one_column(kind, values)
    given = [row["value"] for row in objects(file_format, written(file_format, batch.schema, batch))]
    value_of = FROM_JSON.get(kind, lambda value: value)
    found = [None if value is None else value_of(value) for value in given]
    assert comparable(kind, found) == comparable(kind, values)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.JSON])
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize(("type_", "told"), [(JsonlFormat, "newline_delimited"), (JsonFormat, "array")])
def test_duckdb_reads_back_every_value_and_null(
    kind: Kind, type_: Any, told: str, compression: str, tmp_path: Path
) -> None:
    values = [*VALUES[kind], None]
    batch = one_column(kind, values)
    file_format = type_(compression=compression)
    path = tmp_path / f"file.{file_format.extension}"
    path.write_bytes(written(file_format, batch.schema, batch))
    columns = f"{{'n': 'BIGINT', 'value': '{DUCKDB_TYPES.get(kind, 'VARCHAR')}'}}"
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        query = f"select value from read_json('{path}', format='{told}', columns={columns})"
        found = connection.sql(query).to_arrow_table()["value"].to_pylist()
    if kind is Kind.BYTES:
        found = [None if text is None else base64.b64decode(text) for text in found]
    assert comparable(kind, found) == comparable(kind, values)


def test_json_is_embedded_as_it_is() -> None:
    assert json_values(*VALUES[Kind.JSON]) == list(VALUES[Kind.JSON])


def test_json_of_many_lines_becomes_one_line() -> None:
    assert json_values('{"a":\r\n  "x\\ny"}') == ['{"a":    "x\\ny"}']


@pytest.mark.parametrize(
    "text",
    ["", "{", "NaN", "[Infinity]", "{'a': 1}", "1 2", "\ufeff1", '"\0"', '"\n"', "[" * 10_000 + "]" * 10_000],
)
def test_what_is_not_json_becomes_a_string(text: str) -> None:
    (value,) = json_values(text)
    assert json.loads(value) == text


def test_null_and_null_in_json_are_both_null() -> None:
    assert json_values(None, "null") == ["null", "null"]


def test_infinities_are_named() -> None:
    batch = one_column(Kind.FLOAT64, [float("inf"), float("-inf"), float("nan"), 1.5, None])
    values = [row["value"] for row in objects(PLAIN, written(PLAIN, batch.schema, batch))]
    assert values == ["Infinity", "-Infinity", "NaN", 1.5, None]


def test_a_decimal_keeps_all_its_digits_in_a_string() -> None:
    batch = one_column(Kind.DECIMAL, [Decimal("1234567890123456789012345678.0000000001")])
    assert b'"value":"1234567890123456789012345678.0000000001"}' in written(PLAIN, batch.schema, batch)


def test_every_line_has_every_key_in_the_order_of_the_columns() -> None:
    schema = a_schema(z="int32", a="string", m="json")
    data = written(PLAIN, schema, a_batch(schema, {"z": 1, "a": "x", "m": "{}"}, {}))
    assert data == b'{"z":1,"a":"x","m":{}}\n{"z":null,"a":null,"m":null}\n'


def test_a_name_is_escaped_like_a_value() -> None:
    schema = a_schema(**{'say "x"\n': "int32"})
    assert objects(PLAIN, written(PLAIN, schema, a_batch(schema, {'say "x"\n': 1}))) == [{'say "x"\n': 1}]


def test_keys_can_be_display_names() -> None:
    schema = a_schema(a_b="int32")
    named = JsonlFormat(compression="none", names="display")
    assert written(named, schema, a_batch(schema, {"a_b": 1})) == b'{"A_B":1}\n'


def test_constants_are_keys_like_others() -> None:
    schema = a_schema(n="int32")
    constants = {
        "prepend_columns": [{"value": 'a "b"', "slug": "x"}],
        "append_columns": [{"value": "", "slug": "y"}],
    }
    file_format = JsonlFormat.model_validate({"compression": "none", **constants})
    assert written(file_format, schema, a_batch(schema, {"n": 1})) == b'{"x":"a \\"b\\"","n":1,"y":""}\n'


NESTED = JsonlFormat(compression="none", nested=True)


def test_dots_nest_when_asked_to() -> None:
    schema = a_schema(**{"a.x": "string", "b": "int32", "a.y.z": "int32", "a.y.w": "json", "c": "string"})
    row = {"a.x": "1", "b": 2, "a.y.z": 3, "a.y.w": "[4]", "c": "5"}
    data = written(NESTED, schema, a_batch(schema, row, {}))
    first, second = data.splitlines()
    # The object stands where the first of its columns does.
    assert first == b'{"a":{"x":"1","y":{"z":3,"w":[4]}},"b":2,"c":"5"}'
    assert second == b'{"a":{"x":null,"y":{"z":null,"w":null}},"b":null,"c":null}'
    assert b'"a.x":' in written(PLAIN, schema, a_batch(schema, row))


def test_constants_nest_too() -> None:
    schema = a_schema(**{"a.b": "int32"})
    constants = [{"value": "v", "slug": "a.c"}]
    file_format = JsonlFormat.model_validate(NESTED.model_dump() | {"append_columns": constants})
    assert written(file_format, schema, a_batch(schema, {"a.b": 1})) == b'{"a":{"b":1,"c":"v"}}\n'


@pytest.mark.parametrize(
    ("names", "value", "below"),
    [
        (["a", "a.b"], "'a'", "'a.b'"),
        (["a.b", "a"], "'a'", "'a.b'"),
        (["x", "a.b", "a.b.c.d"], "'a.b'", "'a.b.c.d'"),
        (["a.b.c.d", "x", "a.b"], "'a.b'", "'a.b.c.d'"),
    ],
)
def test_a_name_that_would_be_a_value_and_an_object_is_refused(
    names: list[str], value: str, below: str
) -> None:
    columns = [a_column(name, "int32") for name in names]
    with pytest.raises(
        InvalidRequest, match=f"the column {value}, and an object because of {below}"
    ) as refused:
        NESTED.check(columns)
    assert refused.value.field == "format.nested"
    with pytest.raises(PermanentFailure, match="the declaration was changed"):
        written(NESTED, a_schema(**dict.fromkeys(names, "int32")))
    PLAIN.check(columns)


@pytest.mark.parametrize("names", [["a", "ab"], ["a.b", "a.bc", "ab"], ["a..b", ".a", "b."], ["_"]])
def test_names_that_only_look_alike_nest(names: list[str]) -> None:
    assert sorted(shape_of(names, nested=True).order) == list(range(len(names)))


def test_display_names_do_not_nest() -> None:
    with pytest.raises(ValidationError, match="dots in API names; leave it out, or choose names=api"):
        JsonlFormat(names="display", nested=True)
