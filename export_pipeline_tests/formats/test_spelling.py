"""How CSV fields are spelled: quotes, formulas, NULL. `test_dialects` reads them back."""

import csv
import io
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipeline.dataset.types import Kind
from export_pipeline.formats.dialects import DIALECTS
from export_pipeline.formats.spelling import Spelling
from export_pipeline_tests.formats.rows import VALUES, a_batch, a_schema, one_column

PLAIN = Spelling(
    dialect=DIALECTS["rfc4180"],
    delimiter=",",
    line_end="\n",
    quoting="minimal",
    null="",
    bytes_as="base64",
    defuse_formulas=False,
)


def fields(spelling: Spelling, kind: Kind, *values: Any) -> list[str]:
    """How the values stand in the file; none of them holds a line feed."""
    lines = bytes(spelling.records(one_column(kind, values))).decode().split("\n")
    return [line.partition(spelling.delimiter)[2] for line in lines[:-1]]


FIRST_OF = {kind: VALUES[kind][0] for kind in Kind} | {Kind.STRING: "text", Kind.BYTES: b"bytes"}


@pytest.mark.parametrize("kind", Kind)
def test_all_is_everything_but_null(kind: Kind) -> None:
    (bare, _), (quoted, null) = (
        fields(spelling, kind, FIRST_OF[kind], None)
        for spelling in (PLAIN, replace(PLAIN, quoting="all", null="NULL"))
    )
    assert (quoted.strip('"').replace('""', '"'), null) == (bare.strip('"').replace('""', '"'), "NULL")
    assert quoted.startswith('"')
    assert quoted.endswith('"')


@pytest.mark.parametrize("kind", Kind)
def test_nonnumeric_is_everything_but_numbers_and_null(kind: Kind) -> None:
    spelled, null = fields(replace(PLAIN, quoting="nonnumeric"), kind, FIRST_OF[kind], None)
    assert spelled.startswith('"') is not kind.numeric
    assert null == ""


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "\x01", " ", "'", "^", "]", "=", "/"])
def test_a_value_with_the_delimiter_is_quoted(delimiter: str) -> None:
    spelling = replace(PLAIN, delimiter=delimiter)
    values = [f"a{delimiter}b", delimiter, "ab"]
    batch = one_column(Kind.STRING, values)
    file = io.StringIO(bytes(spelling.records(batch)).decode(), newline="")
    assert [value for _, value in csv.reader(file, delimiter=delimiter, strict=True)] == values
    assert fields(spelling, Kind.STRING, "ab") == ["ab"]


@pytest.mark.parametrize("begin", [*"=+-@\t\r\0\uff1d\uff0b\uff0d\uff20"])
def test_what_a_spreadsheet_takes_for_a_formula_gets_an_apostrophe(begin: str) -> None:
    text = f"{begin}1+1"
    expected = f"'{text}"
    defused = fields(replace(PLAIN, defuse_formulas=True), Kind.STRING, text)
    assert defused == [f'"{expected}"' if begin == "\r" else expected]
    assert fields(PLAIN, Kind.STRING, text) == [f'"{text}"' if begin == "\r" else text]


@pytest.mark.parametrize("text", ["1+1", " =1", "a\t", "'=1", "", "é="])
def test_what_is_no_formula_stays(text: str) -> None:
    assert fields(replace(PLAIN, defuse_formulas=True), Kind.STRING, text) == fields(PLAIN, Kind.STRING, text)


def test_a_line_feed_before_a_formula_is_one_too() -> None:
    batch = one_column(Kind.STRING, ["\n=1"])
    assert bytes(replace(PLAIN, defuse_formulas=True).records(batch)) == b'0,"\'\n=1"\n'


def test_a_formula_that_appears_when_line_breaks_go_is_defused() -> None:
    spelling = replace(PLAIN, dialect=DIALECTS["no_newline"], defuse_formulas=True)
    batch = one_column(Kind.STRING, ["\n=1"])
    assert bytes(spelling.records(batch)) == b"0,'=1\n"


def test_numbers_are_no_formulas() -> None:
    spelling = replace(PLAIN, defuse_formulas=True)
    assert fields(spelling, Kind.INT32, -5) == ["-5"]
    assert fields(spelling, Kind.FLOAT64, float("-inf")) == ["-inf"]
    assert fields(spelling, Kind.DECIMAL, Decimal("-1.5")) == ["-1.5000000000"]


def test_bytes_and_json_are_no_formulas() -> None:
    spelling = replace(PLAIN, defuse_formulas=True)
    assert fields(spelling, Kind.BYTES, bytes.fromhex("f8")) == ["+A=="]
    assert fields(spelling, Kind.JSON, "-1.5") == ["-1.5"]


def test_a_name_is_defused_like_a_value() -> None:
    assert replace(PLAIN, defuse_formulas=True).header(["=a", "b,c"]) == b'\'=a,"b,c"\n'


def test_a_null_in_a_single_column_is_no_blank_line_unless_blank_lines_are_null() -> None:
    batch = a_batch(a_schema(value="int32"), {"value": None}, {"value": 1})
    assert bytes(PLAIN.records(batch)) == b'""\n1\n'
    assert bytes(replace(PLAIN, null="NULL").records(batch)) == b"NULL\n1\n"
    assert bytes(replace(PLAIN, dialect=DIALECTS["postgres"]).records(batch)) == b"\n1\n"


@pytest.mark.parametrize("text", [" ", "\t", "\t \t"])
def test_a_blank_text_in_a_single_column_is_no_blank_line(text: str) -> None:
    batch = a_batch(a_schema(value="string"), {"value": text}, {"value": f" a{text}"})
    assert bytes(PLAIN.records(batch)).decode() == f'"{text}"\n a{text}\n'
    assert fields(PLAIN, Kind.STRING, text) == [text]
    assert PLAIN.header([text]).decode() == f'"{text}"\n'


@given(values=st.lists(st.none() | st.text('N\\",\r\n=', max_size=6), min_size=1, max_size=10))
@pytest.mark.parametrize("quoting", ["minimal", "nonnumeric", "all"])
def test_null_is_what_stands_without_quotes(quoting: Any, values: list[str | None]) -> None:
    spelling = replace(PLAIN, quoting=quoting, null="N")
    data = bytes(spelling.records(one_column(Kind.STRING, values))).decode()
    # Outside of quotes there is a bare N exactly where a NULL is.
    outside = "".join(data.split('"')[::2]).split("\n")[:-1]
    assert [line.partition(",")[2] == "N" for line in outside] == [value is None for value in values]
