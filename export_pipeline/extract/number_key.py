"""Exact numbers as SQLite keeps them, and as texts that are in the same order.

It keeps a number with more digits than a float as a text, and compares texts letter by letter.
"""

import re
from decimal import Decimal

from export_pipeline.dataset.types import MAX_DECIMAL_DIGITS

# The SQL function that our SQLite connections have.
NUMBER_KEY = "number_key"

# Python's Decimal would also take 1_000, spaces, and digits of any script.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")

# So many digits come out of a float as they were put in; of one with more it is not known what was.
_DIGITS_OF_A_FLOAT = 15

# Numbers beyond are all the same to it: no column that we deliver holds one.
_LARGEST = Decimal(10) ** MAX_DECIMAL_DIGITS
_FORMAT = f"0{2 * MAX_DECIMAL_DIGITS + 2}.{MAX_DECIMAL_DIGITS}f"

# The more a negative number has in front, the smaller it is.
_REVERSED = str.maketrans("0123456789", "9876543210")


def number_of(value: object) -> Decimal:
    """The number that a text, an integer or a float is. ValueError for what is none.

    A float is the number that it is written as, or, where that has more digits than a float keeps, exactly
    the one that it holds.
    """
    if isinstance(value, float):
        written = Decimal(str(value))
        return written if len(written.as_tuple().digits) <= _DIGITS_OF_A_FLOAT else Decimal(value)
    if isinstance(value, (int, Decimal)) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        number = Decimal(value)
        if not number.is_nan():
            return number
    raise ValueError("no number")


def number_key(value: object) -> str | None:
    """The number's place among all numbers, as a text; None for NULL. ValueError for what is no number."""
    if value is None:
        return None
    number = number_of(value)
    digits = format(min(number.copy_abs(), _LARGEST), _FORMAT)  # abs() would round it
    return f"0{digits.translate(_REVERSED)}" if number < 0 else f"1{digits}"
