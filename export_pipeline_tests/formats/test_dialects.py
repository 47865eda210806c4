"""Each dialect of CSV, read back by readers that we did not write."""

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipeline.dataset.types import Kind
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.dialects import DIALECTS, DialectName
from export_pipeline.formats.text import BytesAs
from export_pipeline_tests.formats.readers import (
    read_by_duckdb,
    read_by_pandas,
    read_by_postgresql,
    read_by_python,
)
from export_pipeline_tests.formats.rows import (
    DECLARED,
    LONELY,
    VALUES,
    a_batch,
    a_schema,
    arriving,
    comparable,
    one_column,
    without_nul,
    written,
)

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
    Kind.DATE: date.fromisoformat,
    Kind.TIME: time.fromisoformat,
    Kind.TIMESTAMP: datetime.fromisoformat,
    Kind.TIMESTAMP_LOCAL: datetime.fromisoformat,
    Kind.INTERVAL: str,
    Kind.UUID: str,
    Kind.JSON: str,
}

TO_BYTES: Mapping[BytesAs, Callable[[str], bytes]] = {
    "base64": lambda text: base64.b64decode(text, validate=True),
    "hex": bytes.fromhex,
    "bytea": lambda text: bytes.fromhex(text.removeprefix("\\x")),
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
    Kind.INTERVAL: "VARCHAR",
    Kind.UUID: "VARCHAR",
    Kind.JSON: "VARCHAR",
}

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
    Kind.INTERVAL: "text",
    Kind.UUID: "text",
    Kind.JSON: "text",
}


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> DialectName:
    found: DialectName = request.param
    return found


def a_format(dialect: DialectName, **options: Any) -> CsvFormat:
    return CsvFormat(dialect=dialect, **{"compression": "none"} | options)


def value_of(kind: Kind, file_format: CsvFormat) -> Callable[[str], Any]:
    return TO_BYTES[file_format.bytes_as] if kind is Kind.BYTES else FROM_TEXT[kind]


@pytest.mark.parametrize("kind", Kind)
def test_python_reads_back_every_value(dialect: DialectName, kind: Kind) -> None:
    file_format, values = a_format(dialect), VALUES[kind]
    batch = one_column(kind, [*values, None])
    records = read_by_python(dialect, written(file_format, batch.schema, batch))
    *found, null = [text for _, text in records]
    read = [value_of(kind, file_format)(text) for text in found]
    assert comparable(kind, read) == comparable(kind, arriving(dialect, values))
    assert null == file_format.null


@given(values=st.lists(st.text('",\\\r\nN.x ', max_size=8), min_size=1, max_size=8))
@pytest.mark.parametrize("name", DIALECTS)
def test_python_reads_back_any_text(name: DialectName, values: list[str]) -> None:
    batch = one_column(Kind.STRING, values)
    records = read_by_python(name, written(a_format(name), batch.schema, batch))
    assert [text for _, text in records] == arriving(name, values)


@pytest.mark.parametrize("kind", Kind)
def test_pandas_reads_back_every_value(dialect: DialectName, kind: Kind) -> None:
    # pandas does not see quotes: a text that is the NULL of the dialect is NULL to it.
    file_format = a_format(dialect)
    values = [value for value in without_nul(VALUES[kind]) if value != file_format.null or value == ""]
    batch = one_column(kind, [*values, None])
    frame = read_by_pandas(dialect, written(file_format, batch.schema, batch))
    *found, null = frame["value"]
    read = [value_of(kind, file_format)(text) for text in found]
    assert comparable(kind, read) == comparable(kind, arriving(dialect, values))
    assert (null != null) if file_format.null else (null == "")  # NaN is not itself


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("quoting", ["minimal", "nonnumeric", "all"])
def test_duckdb_reads_back_every_value_and_null(
    dialect: DialectName, quoting: str, kind: Kind, tmp_path: Path
) -> None:
    file_format, values = a_format(dialect, quoting=quoting), [*VALUES[kind], None]
    batch = one_column(kind, values)
    data = written(file_format, batch.schema, batch)
    columns = {"n": "BIGINT", "value": DUCKDB_TYPES.get(kind, kind.value.upper())}
    found = [value for _, value in read_by_duckdb(file_format, data, columns, tmp_path)]
    if kind is Kind.BYTES:
        found = [None if text is None else TO_BYTES[file_format.bytes_as](text) for text in found]
    assert comparable(kind, found) == comparable(kind, arriving(dialect, values))


# Those that begin like a formula, and are none.
NEGATIVE: Mapping[Kind, Sequence[Any]] = {
    Kind.BYTES: [bytes.fromhex("f8"), bytes.fromhex("fbefbe")],  # in base64 +A== and ++++
    Kind.JSON: ["-1.5", "\t-2", '\n["=1+1"]'],
}


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.STRING])
def test_duckdb_reads_what_is_no_text_as_it_is_though_formulas_are_defused(
    kind: Kind, tmp_path: Path
) -> None:
    file_format = a_format("rfc4180", defuse_formulas=True)
    values = [*VALUES[kind], *NEGATIVE.get(kind, []), None]
    schema = a_schema(text="string", value=DECLARED[kind])
    rows = [{"text": "-1", "value": value} for value in values]
    columns = {"text": "VARCHAR", "value": DUCKDB_TYPES.get(kind, kind.value.upper())}
    found = read_by_duckdb(
        file_format, written(file_format, schema, a_batch(schema, *rows)), columns, tmp_path
    )
    texts, read = ([row[n] for row in found] for n in (0, 1))
    if kind is Kind.BYTES:
        read = [None if text is None else TO_BYTES["base64"](text) for text in read]
    assert texts == ["'-1"] * len(values)
    assert comparable(kind, read) == comparable(kind, values)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_duckdb_reads_compressed_files(compression: str, tmp_path: Path) -> None:
    batch = one_column(Kind.STRING, [*VALUES[Kind.STRING], None])
    file_format = a_format("rfc4180", compression=compression)
    columns = {"n": "BIGINT", "value": "VARCHAR"}
    data = written(file_format, batch.schema, batch)
    found = [value for _, value in read_by_duckdb(file_format, data, columns, tmp_path)]
    assert found == [*VALUES[Kind.STRING], None]


@pytest.mark.parametrize("quoting", ["minimal", "nonnumeric", "all"])
def test_postgresql_copies_every_value_and_null(
    dialect: DialectName, quoting: str, postgres_database: str
) -> None:
    file_format = a_format(dialect, quoting=quoting)
    types = {kind.value: POSTGRES_TYPES.get(kind, kind.value) for kind in Kind}
    if file_format.bytes_as == "bytea":
        types["bytes"] = "bytea"
    columns = {kind: [*without_nul(VALUES[kind]), None] for kind in Kind}
    schema = a_schema(**{kind.value: DECLARED[kind] for kind in Kind})
    rows = [
        {kind.value: values[n % len(values)] for kind, values in columns.items()}
        for n in range(max(map(len, columns.values())))
    ]
    data = written(file_format, schema, a_batch(schema, *rows))
    quoted = {f'"{name}"': type_ for name, type_ in types.items()}
    found = read_by_postgresql(dialect, data, quoted, postgres_database)
    for kind, values in zip(Kind, zip(*found, strict=True), strict=True):
        read = list(values)
        if kind is Kind.BYTES and file_format.bytes_as != "bytea":
            read = [None if text is None else TO_BYTES[file_format.bytes_as](text) for text in read]
        expected = arriving(dialect, [row[kind.value] for row in rows])
        assert comparable(kind, read) == comparable(kind, expected), kind


def lonely(dialect: DialectName) -> bytes:
    schema = a_schema(value="string")
    return written(a_format(dialect), schema, a_batch(schema, *({"value": value} for value in LONELY)))


# Where NULL in the only column arrives as the empty text: the alternative is a row that is not there.
NO_LONELY_NULL = {"rfc4180", "excel", "no_newline", "snowflake"}


def expected_lonely(dialect: DialectName) -> list[str | None]:
    return [value or "" for value in LONELY] if dialect in NO_LONELY_NULL else LONELY


def test_postgresql_reads_every_row_of_a_single_column(dialect: DialectName, postgres_database: str) -> None:
    found = read_by_postgresql(dialect, lonely(dialect), {"value": "text"}, postgres_database)
    assert [value for (value,) in found] == expected_lonely(dialect)


@pytest.mark.parametrize("dialect", [name for name in DIALECTS if not DIALECTS[name].defaults.null])
def test_where_null_is_a_text_a_single_column_keeps_it_apart(
    dialect: DialectName, postgres_database: str
) -> None:
    schema = a_schema(value="string")
    batch = a_batch(schema, *({"value": value} for value in LONELY))
    data = written(a_format(dialect, null="NULL"), schema, batch)
    found = read_by_postgresql(dialect, data, {"value": "text"}, postgres_database, also=", NULL 'NULL'")
    assert [value for (value,) in found] == LONELY


def test_duckdb_reads_every_row_of_a_single_column(dialect: DialectName, tmp_path: Path) -> None:
    found = read_by_duckdb(a_format(dialect), lonely(dialect), {"value": "VARCHAR"}, tmp_path)
    assert [value for (value,) in found] == expected_lonely(dialect)


@pytest.mark.parametrize("dialect", [name for name in DIALECTS if name != "postgres"])
def test_python_and_pandas_read_every_row_of_a_single_column(dialect: DialectName) -> None:
    null = DIALECTS[dialect].defaults.null
    data = lonely(dialect)
    assert read_by_python(dialect, data) == [[null if value is None else value] for value in LONELY]
    found = read_by_pandas(dialect, data)["value"]
    expected = [null if value is None else value for value in LONELY]
    assert ["\\N" if value != value else value for value in found] == expected


def test_python_reads_a_blank_line_of_postgres_as_an_empty_record() -> None:
    records = read_by_python("postgres", lonely("postgres"))
    assert records == [[] if value is None else [value] for value in LONELY]


def test_every_reader_finds_the_header_and_no_rows(
    dialect: DialectName, tmp_path: Path, postgres_database: str
) -> None:
    file_format, schema = a_format(dialect), a_schema(id="int64", value="string")
    data = written(file_format, schema)
    assert read_by_python(dialect, data) == []
    frame = read_by_pandas(dialect, data)
    assert (list(frame.columns), len(frame)) == (["id", "value"], 0)
    assert read_by_duckdb(file_format, data, {"id": "BIGINT", "value": "VARCHAR"}, tmp_path) == []
    assert read_by_postgresql(dialect, data, {"id": "bigint", "value": "text"}, postgres_database) == []


def test_no_newline_is_a_line_for_each_record() -> None:
    schema = a_schema(**{"a\r\nb": "string", "c": "string"})
    rows: list[dict[str, str | None]] = [{"a\r\nb": "x\ny\r", "c": "\n"}, {"a\r\nb": "\r\n", "c": None}]
    data = written(a_format("no_newline"), schema, a_batch(schema, *rows))
    assert data == b'ab,c\nxy,""\n"",\n'


def test_excel_puts_a_quote_before_quotes_and_backslashes() -> None:
    batch = one_column(Kind.STRING, ['say "x"', "a\\b", '"\\', "\\"])
    data = written(a_format("excel"), batch.schema, batch)
    assert data.splitlines()[1:] == [b'0,"say ""x"""', b'1,"a"\\b"', b'2,""""\\"', b'3,""\\"']


def test_a_text_that_reads_as_null_is_quoted() -> None:
    batch = one_column(Kind.STRING, [None, "\\N", "", "\\n", "N"])
    data = written(a_format("bigquery"), batch.schema, batch)
    assert data.splitlines()[1:] == [b"0,\\N", b'1,"\\N"', b'2,""', b"3,\\n", b"4,N"]
