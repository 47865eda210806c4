"""Values as text: exact, whatever slice of whatever buffer they stand in."""

import base64
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipeline.dataset.types import Kind
from export_pipeline.formats.text import Characters, declared_kind, escaped, text_of
from export_pipeline_tests.formats.rows import VALUES, a_schema


def texts(declared: str, values: Sequence[Any], **options: Any) -> list[Any]:
    """The values' texts, taken from the middle of a larger column."""
    field = a_schema(value=declared).field("value")
    outside = b"outside" if declared == "bytes" else None
    column = pa.array([outside, *values, outside], field.type).slice(1, len(values))
    return text_of(column, field, **options).to_pylist()


@pytest.mark.parametrize(
    ("declared", "value", "text"),
    [
        ("boolean", True, "true"),
        ("uint64", 2**64 - 1, "18446744073709551615"),
        ("decimal(12,2)", Decimal("1.5"), "1.50"),
        ("decimal(38,0)", Decimal("9" * 38), "9" * 38),
        ("decimal(38,38)", Decimal("-1E-38"), "-0." + "0" * 37 + "1"),
        ("decimal(18,8)", Decimal(0), "0.00000000"),
        ("float64", 1 / 3, "0.3333333333333333"),
        ("float32", 0.10000000149011612, "0.1"),
        ("date", VALUES[Kind.DATE][0], "2013-01-01"),
        ("time", VALUES[Kind.TIME][1], "05:30:00.000000"),
        ("timestamp", VALUES[Kind.TIMESTAMP][0], "2013-01-01T05:00:00.000000Z"),
        ("timestamp_local", VALUES[Kind.TIMESTAMP_LOCAL][0], "2013-01-01T05:00:00.000000"),
    ],
)
def test_a_value_has_one_text(declared: str, value: Any, text: str) -> None:
    assert texts(declared, [value, None]) == [text, None]


@given(
    values=st.lists(
        st.none() | st.decimals(-(10**28) + 1, 10**28 - 1, places=10, allow_nan=False), max_size=20
    )
)
def test_a_decimal_has_all_its_digits_and_no_exponent(values: list[Decimal | None]) -> None:
    # Python's own fixed-point text, but for zero: Arrow's zero has no sign.
    expected = [None if v is None else f"{v if v else abs(v):.10f}" for v in values]
    assert texts("decimal(38,10)", values) == expected


@given(values=st.lists(st.none() | st.binary(max_size=50), max_size=20))
def test_bytes_are_base64(values: list[bytes | None]) -> None:
    assert texts("bytes", values) == [None if v is None else base64.b64encode(v).decode() for v in values]


@given(values=st.lists(st.none() | st.binary(max_size=50), max_size=20))
def test_bytes_can_be_hexadecimal(values: list[bytes | None]) -> None:
    assert texts("bytes", values, bytes_as="hex") == [None if v is None else v.hex() for v in values]


def test_bytea_is_postgresqls_hexadecimal() -> None:
    assert texts("bytes", [b"", None, b"\0\xff"], bytes_as="bytea") == ["\\x", None, "\\x00ff"]


@given(value=st.floats(allow_nan=False))
def test_a_float_reads_back_as_itself(value: float) -> None:
    (text,) = texts("float64", [value])
    assert float(text) == value


def test_the_declared_kind_is_the_fields() -> None:
    assert declared_kind(a_schema(value="json").field("value")) is Kind.JSON


def test_only_characters_of_the_slice_occur() -> None:
    column = pa.array(['a"', "b,", "c;"]).slice(1, 1)
    assert Characters('",;').occurring(column) == {","}


@given(values=st.lists(st.none() | st.text('ab",\\\r\n^]-', max_size=8), max_size=10))
def test_the_characters_are_found_where_they_are(values: list[str | None]) -> None:
    found = Characters('",\\\r\n^]-').within(pa.array(values, pa.string())).to_pylist()
    assert found == [None if v is None else bool(set(v) - set("ab")) for v in values]


def test_the_escape_is_escaped_first() -> None:
    column = pa.array(['\\"'])
    assert escaped(column, {"\\": "\\\\", '"': '\\"'}, frozenset('\\"')).to_pylist() == ['\\\\\\"']
