"""CSV: its options, and what their defaults write. `test_dialects` reads it back."""

import hashlib
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from export_pipeline.dataset.types import Kind
from export_pipeline.errors import InvalidRequest, PermanentFailure, TransientFailure
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.dialects import DIALECTS, DialectName
from export_pipeline_tests.builders import a_column
from export_pipeline_tests.formats.rows import (
    DECLARED,
    a_batch,
    a_schema,
    every_kind,
    one_column,
    written,
)

PLAIN = CsvFormat(compression="none")
GOLDEN = Path(__file__).parents[1] / "golden" / "formats"


def lines(data: bytes) -> list[str]:
    return data.decode().split("\r\n")[1:-1]


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


@pytest.mark.parametrize("dialect", DIALECTS)
def test_records_are_counted_wherever_the_reading_cuts_them(dialect: DialectName) -> None:
    # Quotes, escapes and line ends fall on every side of the borders between the pieces that are read.
    file_format = CsvFormat(compression="none", dialect=dialect)
    schema = a_schema(a="string", b="string", c="string")
    rows = [{"a": '\\"\r\n"\\', "b": "", "c": "x"}, {"a": '"', "b": "\\", "c": '\n\\\\"'}]
    header, records = written(file_format, schema), written(file_format, schema, a_batch(schema, *rows))
    records = records.removeprefix(header)
    for padding in range(len(records)):
        data = b"h" * padding + header + records * 60_000
        assert file_format.count_rows(io.BytesIO(data)) == 120_000


def test_the_bytes_are_the_golden_ones() -> None:
    assert written(PLAIN, *every_kind()) == (GOLDEN / "every_kind.csv").read_bytes()


def test_the_compressed_bytes_are_the_golden_ones() -> None:
    # Pins igzip's output too: after an update of isal this may change, and then so do the digests of new
    # exports of old hours. The lock file keeps it from changing unnoticed.
    digest = hashlib.sha256(written(CsvFormat(), *every_kind())).hexdigest()
    assert digest == (GOLDEN / "every_kind.csv.gz.sha256").read_text().strip()


@pytest.mark.parametrize("dialect", [name for name in DIALECTS if name != "rfc4180"])
def test_the_bytes_of_a_dialect_are_the_golden_ones(dialect: DialectName) -> None:
    data = written(CsvFormat(compression="none", dialect=dialect), *every_kind())
    assert data == (GOLDEN / f"every_kind.{dialect}.csv").read_bytes()


def test_a_preset_is_written_down_in_full() -> None:
    preset = CsvFormat(dialect="postgres")
    assert (preset.line_end, preset.bytes_as, preset.null) == ("lf", "bytea", "")
    assert CsvFormat.model_validate(preset.model_dump()) == preset


def test_what_is_chosen_overrides_the_preset() -> None:
    chosen = CsvFormat(dialect="bigquery", null="", line_end="crlf")
    assert (chosen.null, chosen.line_end) == ("", "crlf")


@pytest.mark.parametrize(
    ("options", "field", "cure"),
    [
        ({"delimiter": ""}, "delimiter", "not one ASCII character"),
        ({"delimiter": ";;"}, "delimiter", "not one ASCII character; use one, like"),
        ({"delimiter": "\u2063"}, "delimiter", "not one ASCII character"),
        ({"delimiter": "\0"}, "delimiter", "not one ASCII character"),
        ({"delimiter": '"'}, "delimiter", "quotes, escapes or ends a line; use another"),
        ({"delimiter": "\n"}, "delimiter", "quotes, escapes or ends a line"),
        ({"delimiter": "\\"}, "delimiter", "quotes, escapes or ends a line"),
        ({"delimiter": "a"}, "delimiter", "stands in numbers and times"),
        ({"delimiter": "5"}, "delimiter", "stands in numbers and times"),
        ({"delimiter": ":"}, "delimiter", "stands in numbers and times, which are not quoted; use one"),
        ({"null": "a,b"}, "null", "holds ','"),
        ({"delimiter": ";", "null": "a;b"}, "null", "holds ';'"),
        ({"null": 'a"b'}, "null", "holds '\"'"),
        ({"null": "a\r"}, "null", "control character"),
        ({"dialect": "no_newline", "null": "\\N"}, "null", "has a meaning of its own; leave it out"),
        ({"dialect": "excel", "null": "\\N"}, "null", "has a meaning of its own; leave it out"),
        ({"null": " "}, "null", "is blank, and whoever skips blank lines may lose the row; use a text"),
        ({"null": "0"}, "null", "is how a value is written"),
        ({"null": "-1"}, "null", "is how a value is written"),
        ({"null": "NaN"}, "null", "is how a value is written"),
        ({"null": "-inf"}, "null", "is how a value is written"),
        ({"null": "True"}, "null", "is how a value is written, and NULL would read as one; use another"),
        ({"null": "x" * 65}, "null", "at most 64"),
        ({"header": "none", "header_prefix": "x."}, "header_prefix", "header is none; leave one out"),
        ({"header": "display", "header_prefix": "x."}, "header_prefix", "header is display"),
        ({"header_prefix": "x\n"}, "header_prefix", "control character"),
        ({"dialect": "xls"}, "dialect", "'rfc4180', 'excel'"),
        ({"dialect": ["excel"]}, "dialect", "'rfc4180', 'excel'"),
        ({"quoting": "none"}, "quoting", "'minimal', 'nonnumeric' or 'all'"),
        ({"append_columns": [{"value": "x"}]}, "append_columns", "required"),
        ({"append_columns": [{"value": "x", "slug": ""}]}, "append_columns", "at least 1"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    options: dict[str, Any], field: str, cure: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        CsvFormat(**options)
    (problem,) = refused.value.errors()
    assert problem["loc"][0] == field
    assert cure in problem["msg"]


def test_a_tab_can_be_spelled() -> None:
    assert CsvFormat(delimiter="\\t").delimiter == "\t"


def a_file(**options: Any) -> bytes:
    """A row of two columns; the display names are `A.B` and `C`."""
    schema = a_schema(**{"a.b": "int32", "c": "string"})
    return written(CsvFormat(compression="none", **options), schema, a_batch(schema, {"a.b": 1, "c": "x;y"}))


@pytest.mark.parametrize(
    ("options", "data"),
    [
        ({}, b"a.b,c\r\n1,x;y\r\n"),
        ({"delimiter": ";"}, b'a.b;c\r\n1;"x;y"\r\n'),
        ({"line_end": "lf"}, b"a.b,c\n1,x;y\n"),
        ({"header": "none"}, b"1,x;y\r\n"),
        ({"header": "display"}, b"A.B,C\r\n1,x;y\r\n"),
        ({"header_prefix": "crawl.20210102."}, b"crawl.20210102.a.b,crawl.20210102.c\r\n1,x;y\r\n"),
        ({"sep_line": True}, b"sep=,\r\na.b,c\r\n1,x;y\r\n"),
        ({"sep_line": True, "delimiter": "\t", "header": "none"}, b"sep=\t\r\n1\tx;y\r\n"),
        ({"quoting": "all"}, b'"a.b","c"\r\n"1","x;y"\r\n'),
        ({"quoting": "nonnumeric"}, b'"a.b","c"\r\n1,"x;y"\r\n'),
        (
            {
                "prepend_columns": [{"value": "1,2", "slug": "s", "name": "S, t"}],
                "append_columns": [{"value": "", "slug": "z"}],
            },
            b's,a.b,c,z\r\n"1,2",1,x;y,""\r\n',
        ),
        (
            {"header": "display", "prepend_columns": [{"value": "v", "slug": "s", "name": "S, t"}]},
            b'"S, t",A.B,C\r\nv,1,x;y\r\n',
        ),
        (
            {"header_prefix": "crawl.", "append_columns": [{"value": "v", "slug": "s"}]},
            b"crawl.a.b,crawl.c,s\r\n1,x;y,v\r\n",
        ),
    ],
)
def test_an_option_is_in_the_file_and_its_rows_are_counted(options: dict[str, Any], data: bytes) -> None:
    assert a_file(**options) == data
    assert CsvFormat(compression="none", **options).count_rows(io.BytesIO(data)) == 1


def test_without_header_and_rows_there_is_nothing() -> None:
    bare = CsvFormat(compression="none", header="none")
    assert written(bare, a_schema(a="int32")) == b""
    assert bare.count_rows(io.BytesIO(b"")) == 0


@pytest.mark.parametrize("options", [{"header": "none"}, {"sep_line": True}])
def test_a_record_cut_off_is_refused_whatever_stands_above(options: dict[str, Any]) -> None:
    with pytest.raises(TransientFailure, match="cut off"):
        CsvFormat(compression="none", **options).count_rows(io.BytesIO(b"a"))


def test_a_file_with_nothing_below_its_sep_line_is_refused() -> None:
    with pytest.raises(TransientFailure, match="cut off"):
        CsvFormat(compression="none", sep_line=True).count_rows(io.BytesIO(b"sep=,\r\n"))


def test_equal_display_names_are_refused_where_they_are_written() -> None:
    columns = [a_column("a", display_name="Carrier"), a_column("b", display_name="carrier")]
    with pytest.raises(InvalidRequest, match="'a' and 'b' would both be called 'carrier'") as refused:
        CsvFormat(header="display").check(columns)
    assert refused.value.field == "format.header"
    CsvFormat().check(columns)
    CsvFormat(header="none").check(columns)
