"""Exact numbers as texts that are in the same order, for SQLite.

It keeps a number with more digits than a float as a text, and compares texts letter by letter.
"""

from decimal import Decimal, InvalidOperation

from export_pipeline.dataset.types import MAX_DECIMAL_DIGITS

# The SQL function that our SQLite connections have.
NUMBER_KEY = "number_key"

# Numbers beyond are all the same to it: no column that we deliver holds one.
_LARGEST = Decimal(10) ** MAX_DECIMAL_DIGITS
_FORMAT = f"0{2 * MAX_DECIMAL_DIGITS + 2}.{MAX_DECIMAL_DIGITS}f"

# The more a negative number has in front, the smaller it is.
_REVERSED = str.maketrans("0123456789", "9876543210")


def number_key(value: object) -> str | None:
    """The number's place among all numbers, as a text; None for NULL. What is no number comes last."""
    if value is None:
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return "no number"
    if number.is_nan():
        return "no number"
    digits = format(min(number.copy_abs(), _LARGEST), _FORMAT)  # abs() would round it
    return f"0{digits.translate(_REVERSED)}" if number < 0 else f"1{digits}"
