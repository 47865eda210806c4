"""Keys compare as their numbers do, whatever form the numbers are in."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipeline.extract.number_key import number_key, number_of

# As the driver gives them: texts, integers, floats.
NUMBERS = (
    st.decimals(-(10**28) + 1, 10**28 - 1, places=10).map(str)
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(-1e20, 1e20).map(lambda number: round(number, 10))
)


def key(value: object) -> str:
    """Of what is not NULL."""
    found = number_key(value)
    assert found is not None
    return found


@given(NUMBERS, NUMBERS)
def test_keys_are_in_the_order_of_their_numbers(one: object, other: object) -> None:
    first, second = Decimal(str(one)), Decimal(str(other))
    assert (key(one) < key(other), key(one) == key(other)) == (first < second, first == second)


@pytest.mark.parametrize(
    "forms", [["12.5", "12.50", "+012.5", "1.25e1", 12.5, Decimal("12.500")], ["0", 0, -0.0]]
)
def test_a_number_has_one_key_in_all_its_forms(forms: list[object]) -> None:
    assert len(set(map(key, forms))) == 1


def test_null_has_none() -> None:
    assert number_key(None) is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "many",
        "NaN",
        "inf",
        "1_000",
        " 12",
        "12 ",
        "12\n",
        "\uff11\uff12",
        "0x10",
        ".",
        "e1",
        b"12",
        Decimal("NaN"),
    ],
)
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="no number"):
        number_key(value)


@pytest.mark.parametrize(
    ("value", "is_"),
    [
        (0.1, "0.1"),
        (123456789012.34, "123456789012.34"),
        (1e23, "1e23"),
        (1000000000000000.25, "1000000000000000.25"),
        (0.1 + 0.2, "0.3000000000000000444089209850062616169452667236328125"),
    ],
)
def test_a_float_is_what_it_is_written_as_if_it_keeps_so_many_digits(value: float, is_: str) -> None:
    assert number_of(value) == Decimal(is_)


@pytest.mark.parametrize("value", [float("inf"), 1e300, "1e999999999"])
def test_what_no_column_holds_is_larger_than_what_one_does(value: object) -> None:
    assert key(value) > key("99999999999999999999999999999999999999")
    assert len(key(value)) < 100
