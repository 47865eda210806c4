"""JSON Lines, read back by readers that we did not write."""

import base64
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from export_pipeline.dataset.types import Kind
from export_pipeline.errors import TransientFailure
from export_pipeline.formats.jsonl import JsonlFormat
from export_pipeline_tests.formats.rows import (
    VALUES,
    a_batch,
    a_schema,
    comparable,
    every_kind,
    one_column,
    written,
)

PLAIN = JsonlFormat(compression="none")
GOLDEN = Path(__file__).parents[1] / "golden" / "formats"

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


def objects(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.decode().split("\n")[:-1]]


def json_values(*texts: str | None) -> list[str]:
    """What stands in the file for these texts of a json column."""
    batch = one_column(Kind.JSON, texts)
    lines = written(PLAIN, batch.schema, batch).decode().split("\n")[:-1]
    return [line.removeprefix(f'{{"n":{n},"value":').removesuffix("}") for n, line in enumerate(lines)]


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.JSON])
def test_python_reads_back_every_value_and_null(kind: Kind) -> None:
    values = [*VALUES[kind], None]
    batch = one_column(kind, values)
    given = [row["value"] for row in objects(written(PLAIN, batch.schema, batch))]
    value_of = FROM_JSON.get(kind, lambda value: value)
    found = [None if value is None else value_of(value) for value in given]
    assert comparable(kind, found) == comparable(kind, values)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.JSON])
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_duckdb_reads_back_every_value_and_null(kind: Kind, compression: Any, tmp_path: Path) -> None:
    values = [*VALUES[kind], None]
    batch = one_column(kind, values)
    file_format = JsonlFormat(compression=compression)
    path = tmp_path / f"file.{file_format.extension}"
    path.write_bytes(written(file_format, batch.schema, batch))
    columns = f"{{'n': 'BIGINT', 'value': '{DUCKDB_TYPES.get(kind, 'VARCHAR')}'}}"
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        query = f"select value from read_json('{path}', format='newline_delimited', columns={columns})"
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
    values = [row["value"] for row in objects(written(PLAIN, batch.schema, batch))]
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
    assert objects(written(PLAIN, schema, a_batch(schema, {'say "x"\n': 1}))) == [{'say "x"\n': 1}]


def test_a_file_cut_off_in_a_line_is_refused() -> None:
    with pytest.raises(TransientFailure, match="cut off"):
        PLAIN.count_rows(io.BytesIO(b'{"a":1}\n{"a":'))


def test_the_bytes_are_the_golden_ones() -> None:
    assert written(PLAIN, *every_kind()) == (GOLDEN / "every_kind.jsonl").read_bytes()


def test_the_compressed_bytes_are_the_golden_ones() -> None:
    # Pins igzip's output, see test_csv.
    digest = hashlib.sha256(written(JsonlFormat(), *every_kind())).hexdigest()
    assert digest == (GOLDEN / "every_kind.jsonl.gz.sha256").read_text().strip()
