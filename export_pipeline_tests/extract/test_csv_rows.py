"""CSV as servers write it, as Arrow columns of the declared types."""

import traceback
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from export_pipeline.errors import PermanentFailure
from export_pipeline.extract import csv_rows
from export_pipeline.extract.csv_rows import batch_of, blocks
from export_pipeline.extract.schema import arrow_schema
from export_pipeline_tests.builders import a_column


def values_of(type_: str, *lines: str, **options: Any) -> list[Any]:
    schema = arrow_schema([a_column("it", type_)])
    block = "".join(f"{line}\n" for line in lines).encode()
    return batch_of(block, schema, "events", **options).column(0).to_pylist()


@pytest.mark.parametrize(
    ("type_", "lines", "expected"),
    [
        ("string", ["", '""', '"a ""b"""', '"line\nfeed"'], [None, "", 'a "b"', "line\nfeed"]),
        ("bytes", ["", '""', "00fF", '"0a"'], [None, b"", b"\x00\xff", b"\n"]),
        ("boolean", ["t", "f", "1", "0", ""], [True, False, True, False, None]),
        ("uint64", ["18446744073709551615"], [2**64 - 1]),
        ("decimal(38,10)", ["9999999999999999999999999999.9999999999"], [Decimal("9" * 28 + "." + "9" * 10)]),
        (
            "decimal(4,2)",
            ["-99.99", "0", "7.5", "0012.3400", "-0.01", ""],
            [Decimal("-99.99"), Decimal("0.00"), Decimal("7.50"), Decimal("12.34"), Decimal("-0.01"), None],
        ),
        ("decimal(3,3)", ["0.123", ".5"], [Decimal("0.123"), Decimal("0.500")]),
        ("decimal(38,0)", ["-" + "9" * 38], [Decimal("-" + "9" * 38)]),
        ("float32", ["0.5", "NaN", ""], [0.5, "nan", None]),
    ],
)
def test_every_value_is_read_as_declared(type_: str, lines: list[str], expected: list[Any]) -> None:
    assert [str(v) if v != v else v for v in values_of(type_, *lines)] == expected


def test_text_may_stand_between_other_characters_than_quotes() -> None:
    assert values_of("string", '\x1f"\x1f\x1f,\x1f', "", quote="\x1f") == ['"\x1f,', None]


def test_a_block_that_begins_with_a_byte_order_mark_keeps_it() -> None:
    assert values_of("string", "\ufeff", "\ufeff\ufeffa") == ["\ufeff", "\ufeff\ufeffa"]


@pytest.mark.parametrize(
    ("type_", "line"),
    [
        ("int16", "32768"),
        ("int64", "1.0"),
        ("decimal(4,2)", "123.4"),
        ("decimal(4,2)", "1.234"),
        ("decimal(38,10)", "9" * 29),
        # What Arrow's own parser makes 4650928448601668034595970762.1945210880 of, and another number.
        ("decimal(38,10)", "12345678901234567890123456789012345678"),
        ("decimal(38,18)", "14000000000000000000000"),
        ("decimal(38,2)", "NaN"),
        ("decimal(38,2)", "1e3"),
        ("timestamp", "infinity"),
        ("timestamp", "2013-01-01 05:00:00+00"),
        ("date", "0000-00-00"),
        ("time", "24:00:00"),
        ("boolean", "2"),
        ("json", "{"),
        ("json", "NaN"),
        ("interval", "1 day"),
        ("uuid", "none"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name_and_not_shown(type_: str, line: str) -> None:
    with pytest.raises(PermanentFailure, match=r"events\.it is declared") as failure:
        values_of(type_, line)
    assert f"'{line}'" not in "".join(traceback.format_exception(failure.value))


def test_of_several_columns_the_one_is_named() -> None:
    schema = arrow_schema([a_column("a", "int16"), a_column("b", "int16"), a_column("c")])
    with pytest.raises(PermanentFailure, match=r"events\.b is declared int16"):
        batch_of(b"1,x,\n", schema, "events")


def test_bytes_that_are_no_text_are_refused() -> None:
    schema = arrow_schema([a_column("it")])
    with pytest.raises(PermanentFailure, match=r"events\.it is declared string"):
        batch_of(b"\xff\n", schema, "events")


def test_names_that_differ_by_case_or_not_at_all_are_no_matter() -> None:
    schema = arrow_schema([a_column("a", "int16"), a_column("A", "int16"), a_column("0", "int16")])
    assert batch_of(b"1,2,3\n", schema, "events").to_pylist() == [{"a": 1, "A": 2, "0": 3}]


def test_json_that_the_server_vouches_for_is_not_looked_at() -> None:
    assert values_of("json", "anything", documents=("it",)) == ["anything"]


def test_a_block_has_as_many_rows_as_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "ROWS_PER_BATCH", 2)
    assert list(blocks([b"1\n", b"2\n", b"3\n"])) == [b"1\n2\n", b"3\n"]
    assert list(blocks([b"1", b"2", b"3"], end=b"\n")) == [b"1\n2\n", b"3\n"]
    assert list(blocks([])) == []


def test_a_block_ends_early_where_rows_are_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "BYTES_PER_BLOCK", 5)
    assert list(blocks([b"123\n", b"456\n", b"7\n"])) == [b"123\n456\n", b"7\n"]


def test_many_bytes_come_out_as_they_are() -> None:
    schema = arrow_schema([a_column("it", "bytes")])
    block = b"".join(f"{n:04x}\n".encode() for n in range(20_000))
    column = batch_of(block, schema, "events").column(0)
    assert column.type == pa.binary()
    assert column[19_999].as_py() == (19_999).to_bytes(2)
