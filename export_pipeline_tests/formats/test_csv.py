"""CSV, read back by readers that we did not write."""

import base64
import csv
import hashlib
import io
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import psycopg
import pyarrow as pa
import pytest

from export_pipeline.dataset.types import Kind
from export_pipeline.errors import PermanentFailure, TransientFailure
from export_pipeline.formats.csv import CsvFormat
from export_pipeline_tests.formats.rows import (
    DECLARED,
    VALUES,
    a_batch,
    a_schema,
    comparable,
    every_kind,
    one_column,
    written,
)

PLAIN = CsvFormat(compression="none")
GOLDEN = Path(__file__).parents[1] / "golden" / "formats"

# How a person who reads our documentation turns a field's text into a value.
FROM_TEXT: Mapping[Kind, Callable[[str], Any]] = {
    Kind.BOOLEAN: {"true": True, "false": False}.__getitem__,
    Kind.INT16: int,
    Kind.INT32: int,
    Kind.INT64: int,
    Kind.UINT64: int,
    Kind.FLOAT32: float,
    Kind.FLOAT64: float,
    Kind.DECIMAL: Decimal,
    Kind.STRING: str,
    Kind.BYTES: lambda text: base64.b64decode(text, validate=True),
    Kind.DATE: date.fromisoformat,
    Kind.TIME: time.fromisoformat,
    Kind.TIMESTAMP: datetime.fromisoformat,
    Kind.TIMESTAMP_LOCAL: datetime.fromisoformat,
    Kind.UUID: str,
    Kind.JSON: str,
    Kind.INTERVAL: str,
}

DUCKDB_TYPES: Mapping[Kind, str] = {
    Kind.INT16: "SMALLINT",
    Kind.INT32: "INTEGER",
    Kind.INT64: "BIGINT",
    Kind.UINT64: "UBIGINT",
    Kind.FLOAT32: "FLOAT",
    Kind.FLOAT64: "DOUBLE",
    Kind.DECIMAL: "DECIMAL(38,10)",
    Kind.BYTES: "VARCHAR",
    Kind.STRING: "VARCHAR",
    Kind.TIMESTAMP: "TIMESTAMPTZ",
    Kind.TIMESTAMP_LOCAL: "TIMESTAMP",
    Kind.UUID: "VARCHAR",
    Kind.JSON: "VARCHAR",
    Kind.INTERVAL: "VARCHAR",
}


def lines(data: bytes) -> list[str]:
    return data.decode().split("\r\n")[1:-1]


@pytest.mark.parametrize("kind", Kind)
def test_python_reads_back_every_value(kind: Kind) -> None:
    values = VALUES[kind]
    batch = one_column(kind, values)
    text = io.StringIO(written(PLAIN, batch.schema, batch).decode(), newline="")
    header, *records = list(csv.reader(text, strict=True))
    assert header == ["n", "value"]
    found = [FROM_TEXT[kind](field) for _, field in records]
    assert comparable(kind, found) == comparable(kind, values)


@pytest.mark.parametrize("kind", Kind)
def test_pandas_reads_back_every_value(kind: Kind) -> None:
    # pandas' own parser ends a text at its first NUL, in any file.
    values = [value for value in VALUES[kind] if not (isinstance(value, str) and "\0" in value)]
    batch = one_column(kind, values)
    frame = pd.read_csv(io.BytesIO(written(PLAIN, batch.schema, batch)), dtype=str, keep_default_na=False)
    found = [FROM_TEXT[kind](text) for text in frame["value"]]
    assert comparable(kind, found) == comparable(kind, values)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_duckdb_reads_back_every_value_and_null(kind: Kind, compression: Any, tmp_path: Path) -> None:
    values = [*VALUES[kind], None]
    batch = one_column(kind, values)
    file_format = CsvFormat(compression=compression)
    path = tmp_path / f"file.{file_format.extension}"
    path.write_bytes(written(file_format, batch.schema, batch))
    columns = f"{{'n': 'BIGINT', 'value': '{DUCKDB_TYPES.get(kind, kind.value.upper())}'}}"
    options = "auto_detect=false, header=true, delim=',', quote='\"', escape='\"', allow_quoted_nulls=false"
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        query = f"select value from read_csv('{path}', {options}, columns={columns})"
        found = connection.sql(query).to_arrow_table()["value"].to_pylist()
    if kind is Kind.BYTES:
        found = [None if text is None else base64.b64decode(text) for text in found]
    assert comparable(kind, found) == comparable(kind, values)


POSTGRES_TYPES: Mapping[Kind, str] = {
    Kind.UINT64: "numeric(20)",
    Kind.INT16: "smallint",
    Kind.INT32: "integer",
    Kind.INT64: "bigint",
    Kind.FLOAT32: "real",
    Kind.FLOAT64: "double precision",
    Kind.DECIMAL: "numeric(38,10)",
    Kind.STRING: "text",
    Kind.BYTES: "text",
    Kind.TIMESTAMP: "timestamptz",
    Kind.TIMESTAMP_LOCAL: "timestamp",
    Kind.UUID: "text",
    Kind.JSON: "text",
    Kind.INTERVAL: "text",
}


@pytest.mark.parametrize("kind", Kind)
def test_postgresql_copies_every_value_and_null(kind: Kind, postgres_database: str) -> None:
    # PostgreSQL has no text with a NUL inside.
    values = [*(value for value in VALUES[kind] if not (isinstance(value, str) and "\0" in value)), None]
    batch = one_column(kind, values)
    type_ = POSTGRES_TYPES.get(kind, kind.value)
    # Python has no local time at year 9999 in any zone but UTC.
    url = postgres_database.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(url, options="-c timezone=UTC") as connection, connection.cursor() as cursor:
        cursor.execute(f"create table loaded (n bigint, value {type_})".encode())
        with cursor.copy("copy loaded from stdin (format csv, header)") as copy:
            copy.write(written(PLAIN, batch.schema, batch))
        found = [value for (value,) in cursor.execute("select value from loaded order by n")]
    if kind is Kind.BYTES:
        found = [None if text is None else base64.b64decode(text) for text in found]
    assert comparable(kind, found) == comparable(kind, values)


def test_null_and_the_empty_text_differ() -> None:
    batch = one_column(Kind.STRING, [None, ""])
    assert lines(written(PLAIN, batch.schema, batch)) == ["0,", '1,""']


def test_null_and_empty_bytes_differ() -> None:
    batch = one_column(Kind.BYTES, [None, b""])
    assert lines(written(PLAIN, batch.schema, batch)) == ["0,", '1,""']


def test_a_null_in_the_only_column_is_no_blank_line() -> None:
    schema = a_schema(value="int32")
    batch = a_batch(schema, {"value": 1}, {"value": None})
    assert lines(written(PLAIN, schema, batch)) == ["1", '""']


def test_only_what_must_be_quoted_is() -> None:
    batch = one_column(Kind.STRING, ["plain", " blank ", "a,b", 'a"b', "a\rb", "a'b;c\td"])
    assert lines(written(PLAIN, batch.schema, batch)) == [
        "0,plain", "1, blank ", '2,"a,b"', '3,"a""b"', '4,"a\rb"', "5,a'b;c\td",
    ]  # fmt: skip


def test_the_header_is_quoted_like_a_value() -> None:
    schema = a_schema(**{"a,b": "int32", 'say "x"': "int32"})
    assert written(PLAIN, schema) == b'"a,b","say ""x"""\r\n'


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        (Kind.DATE, 2_932_897),
        (Kind.DATE, -719_163),
        (Kind.TIMESTAMP, 253_402_300_800_000_000),
        (Kind.TIMESTAMP_LOCAL, -62_135_596_800_000_001),
        (Kind.TIME, 86_400_000_000),
    ],
)
def test_a_moment_that_text_cannot_say_is_refused_by_its_column(kind: Kind, count: int) -> None:
    schema = a_schema(moment=DECLARED[kind])
    type_ = schema.field("moment").type
    column = pa.array([count], pa.int32() if kind is Kind.DATE else pa.int64()).view(type_)
    with pytest.raises(PermanentFailure, match=r"column 'moment' holds a .* leave those rows out"):
        written(PLAIN, schema, pa.RecordBatch.from_arrays([column], schema=schema))


def test_a_file_without_a_header_is_refused() -> None:
    with pytest.raises(TransientFailure, match="cut off"):
        PLAIN.count_rows(io.BytesIO(b""))


def test_a_file_that_ends_inside_quotes_is_refused() -> None:
    with pytest.raises(TransientFailure, match="cut off"):
        PLAIN.count_rows(io.BytesIO(b'a,b\r\n1,"x\r\n'))


def test_records_are_counted_wherever_the_reading_cuts_them() -> None:
    # Quotes and line ends fall on every side of the borders between the pieces that are read.
    record = b'"a""\r\n""b\r\n","",x\r\n'
    for padding in range(len(record)):
        data = b"h" * padding + b"\r\n" + record * 120_000
        assert PLAIN.count_rows(io.BytesIO(data)) == 120_000


def test_the_bytes_are_the_golden_ones() -> None:
    assert written(PLAIN, *every_kind()) == (GOLDEN / "every_kind.csv").read_bytes()


def test_the_compressed_bytes_are_the_golden_ones() -> None:
    # Pins igzip's output too: after an update of isal this may change, and then so do the digests of new
    # exports of old hours. The lock file keeps it from changing unnoticed.
    digest = hashlib.sha256(written(CsvFormat(), *every_kind())).hexdigest()
    assert digest == (GOLDEN / "every_kind.csv.gz.sha256").read_text().strip()
