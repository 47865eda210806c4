import re

import pytest

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.errors import InvalidRequest


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.DECIMAL])
def test_every_kind_is_written_as_it_is_called(kind: Kind) -> None:
    assert ColumnType.parse(kind.value) == ColumnType(kind)


@pytest.mark.parametrize(
    "text", ["boolean", "timestamp_local", "decimal(12,2)", "decimal(38,38)", "decimal(1,0)"]
)
def test_a_type_is_written_as_it_was_read(text: str) -> None:
    assert str(ColumnType.parse(text)) == text


def test_a_decimal_knows_its_digits() -> None:
    assert ColumnType.parse("decimal(12, 2)") == ColumnType(Kind.DECIMAL, 12, 2)


@pytest.mark.parametrize("text", ["decimal(0,0)", "decimal(39,0)", "decimal(3,4)", "decimal(9999,1)"])
def test_a_decimal_of_impossible_digits_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="a decimal has 1 to 38 digits"):
        ColumnType.parse(text)


def test_a_decimal_without_digits_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"needs its digits, like decimal\(12,2\)"):
        ColumnType.parse("decimal")


@pytest.mark.parametrize(
    "text", ["int99", "", "INT32", "decimal(-1,0)", "decimal(٣,1)", f"decimal({'9' * 5000},1)"]
)
def test_an_unknown_type_is_refused_with_all_types_there_are(text: str) -> None:
    with pytest.raises(
        InvalidRequest, match=r"is not a type; the types are boolean, .*decimal\(p,s\).*, json"
    ):
        ColumnType.parse(text)


def test_numbers_are_numeric_and_texts_textual() -> None:
    assert {kind for kind in Kind if kind.textual} == {Kind.STRING, Kind.UUID, Kind.JSON}
    assert {kind for kind in Kind if kind.numeric} == {
        kind for kind in Kind if re.match(r"u?int\d|float|decimal", kind)
    }
