"""A driver's Python values as Arrow arrays of the declared type: exactly, or refused.

Arrow alone is too obliging: it makes a date of a timestamp, bytes of a text, and forgets zones.
"""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from types import NoneType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.errors import PermanentFailure
from export_pipeline.extract.fitting import declared_type, refusal
from export_pipeline.extract.number_key import number_of

_NATIVE: dict[Kind, set[type]] = {
    Kind.BOOLEAN: {bool},
    Kind.INT16: {int},
    Kind.INT32: {int},
    Kind.INT64: {int},
    Kind.UINT64: {int},
    Kind.FLOAT32: {float, int},
    Kind.FLOAT64: {float, int},
    Kind.DECIMAL: {Decimal, int},
    Kind.STRING: {str},
    Kind.BYTES: {bytes, bytearray, memoryview},
    Kind.DATE: {date},
    Kind.TIME: {time},
    Kind.TIMESTAMP: {datetime},
    Kind.TIMESTAMP_LOCAL: {datetime},
    Kind.UUID: {str},
    Kind.JSON: {str},
    Kind.INTERVAL: {str},
}

# As SQLite keeps them, and as PostgreSQL writes them. Any other zone is refused: SQLite compares texts, and
# would put the row into another hour.
_DATE = r"\d{4}-\d\d-\d\d"
_TIME = r"\d\d:\d\d:\d\d(\.\d{1,6})?"
_PATTERNS = {
    Kind.DATE: f"^{_DATE}$",
    Kind.TIME: f"^{_TIME}$",
    Kind.TIMESTAMP: rf"^{_DATE}[ T]{_TIME}(Z|\+00(:00)?)?$",
    Kind.TIMESTAMP_LOCAL: f"^{_DATE}[ T]{_TIME}$",
}
_ZONE = r"(Z|\+00(:00)?)$"

# What Arrow and Python say of a value that does not fit. Their messages hold the value.
_UNFIT = (pa.ArrowException, OverflowError, TypeError, UnicodeError, ValueError, InvalidOperation)


def array_of(values: Sequence[Any], field: "pa.Field[Any]", relation: str) -> "pa.Array[Any]":
    """The values of one column; floats are 64 bits wide still. PermanentFailure names the column."""
    type_ = declared_type(field)
    given = set(map(type, values)) - {NoneType}
    try:
        array = _array(values, given, type_, field.type)
    except _UNFIT:
        array = None
    if array is None or isinstance(array, pa.ChunkedArray):  # a single text of more than 2 GiB
        raise _unfit(given, field, relation)
    return array


def _array(
    values: Sequence[Any], given: set[type], type_: ColumnType, wanted: pa.DataType
) -> "pa.Array[Any] | None":
    kind = type_.kind
    if given <= _NATIVE[kind]:
        if kind in (Kind.FLOAT32, Kind.FLOAT64):
            wanted = pa.float64()
        if (kind is Kind.TIMESTAMP_LOCAL or kind is Kind.TIME) and any(
            value is not None and value.tzinfo is not None for value in values
        ):
            return None
        return pa.array(values, type=wanted)
    if kind is Kind.BOOLEAN and given <= {bool, int} and set(values) <= {0, 1, None}:
        return pa.array([None if value is None else bool(value) for value in values], type=wanted)
    if kind is Kind.UINT64 and given <= {int, Decimal, str}:
        return pa.array([None if value is None else _natural(value) for value in values], type=wanted)
    if kind is Kind.DECIMAL and given <= {int, Decimal, float, str}:
        exact = [None if value is None else number_of(value) for value in values]
        return pa.array(exact, type=wanted)
    if kind in _PATTERNS and given == {str}:
        return _parsed(pa.array(values, type=pa.string()), kind, wanted)
    return None


def _natural(value: int | Decimal | str) -> int:
    number = number_of(value)
    # int() of 1e999999999 would take hours.
    if not 0 <= number < 2**64 or number != number.to_integral_value():
        raise ValueError("no natural number of 64 bits")
    return int(number)


def _parsed(texts: "pa.Array[Any]", kind: Kind, wanted: pa.DataType) -> "pa.Array[Any] | None":
    if not pc.all(pc.match_substring_regex(texts, _PATTERNS[kind])).as_py():
        return None
    if kind is Kind.TIME:  # which Arrow does not read
        times = [None if text is None else time.fromisoformat(text) for text in texts.to_pylist()]
        return pa.array(times, type=wanted)
    if kind is Kind.TIMESTAMP:
        texts = pc.replace_substring_regex(texts, _ZONE, "")
        return texts.cast(pa.timestamp("us")).cast(wanted)
    return texts.cast(wanted)


def _unfit(given: set[type], field: "pa.Field[Any]", relation: str) -> PermanentFailure:
    names = " and ".join(sorted(type_.__name__ for type_ in given))
    return refusal(relation, field, f"the database has a value ({names}) that is none")
