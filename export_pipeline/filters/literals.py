"""Literals as values of a column: what was written, read as the declared type, exactly or not at all."""

import math
import re
import struct
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.errors import InvalidRequest
from export_pipeline.filters.limits import MAX_DIGITS
from export_pipeline.filters.tree import Value
from export_pipeline.windows import is_moment_of_no_calendar, moment_from

INTEGERS: Mapping[Kind, range] = {
    Kind.INT16: range(-(2**15), 2**15),
    Kind.INT32: range(-(2**31), 2**31),
    Kind.INT64: range(-(2**63), 2**63),
    Kind.UINT64: range(2**64),
}

Reading = TypeVar("Reading", time, datetime)

_TOO_FINE = re.compile(r"[.,]\d{7}")


class Unfit(Exception):
    """The literal is no value of the column's type; the message says what is one."""


def value_of(literal: Value, type_: ColumnType) -> Value:
    """The literal as Python holds values of the type; a value that is one already stays as it is.

    Raises Unfit. Nothing is rounded, but a number for a float column, which becomes the nearest float.
    """
    if type_.kind in INTEGERS:
        return _integer(literal, type_.kind)
    if type_.kind is Kind.DECIMAL:
        return _decimal(literal, type_)
    return _READERS[type_.kind](literal)


def written(literal: Value) -> str:
    """The literal for a message, shortened."""
    text = repr(literal) if isinstance(literal, str) else str(literal)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _number(literal: Value) -> Decimal:
    if isinstance(literal, bool) or not isinstance(literal, int | float | Decimal):
        cure = ", without quotes" if isinstance(literal, str) else ""
        raise Unfit(f"write a number{cure}")
    number = Decimal(literal)
    if not number.is_finite() or abs(number.adjusted()) > MAX_DIGITS:
        raise Unfit("no column holds such a number")
    return number


def _integer(literal: Value, kind: Kind) -> int:
    number = _number(literal)
    if number != int(number):
        raise Unfit("write a whole number")
    among = INTEGERS[kind]
    if int(number) not in among:
        raise Unfit(f"it lies between {among.start} and {among.stop - 1}")
    return int(number)


def _decimal(literal: Value, type_: ColumnType) -> Decimal:
    number = _number(literal)
    assert type_.precision is not None
    assert type_.scale is not None
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    significant = "".join(map(str, digits)).rstrip("0")
    after_point = -(exponent + len(digits) - len(significant)) if significant else 0
    before_point = type_.precision - type_.scale
    if significant and (after_point > type_.scale or number.adjusted() >= before_point):
        raise Unfit(f"it has up to {before_point} digits before the point and {type_.scale} after it")
    return number


def _float64(literal: Value) -> float:
    number = float(_number(literal))
    if not math.isfinite(number):
        raise Unfit("a 64-bit float cannot hold it")
    return number


def _float32(literal: Value) -> float:
    try:
        (nearest,) = struct.unpack("<f", struct.pack("<f", _float64(literal)))
    except OverflowError as error:
        raise Unfit("a 32-bit float cannot hold it") from error
    assert isinstance(nearest, float)
    return nearest


def _boolean(literal: Value) -> bool:
    if not isinstance(literal, bool):
        raise Unfit("write true or false, without quotes")
    return literal


def _string(literal: Value) -> str:
    if not isinstance(literal, str):
        raise Unfit("write text, in quotes")
    return literal


def _uuid(literal: Value) -> str:
    try:
        return str(UUID(_string(literal)))
    except ValueError as error:
        raise Unfit("write it like '01234567-89ab-cdef-0123-456789abcdef'") from error


def _date(literal: Value) -> date:
    if isinstance(literal, date) and not isinstance(literal, datetime):
        return literal
    try:
        return date.fromisoformat(_string(literal))
    except (ValueError, Unfit) as error:
        raise Unfit("write it like '2013-01-31'") from error


def _time(literal: Value) -> time:
    return _without_zone(time, literal, "write it like '05:00:00', without a zone")


def _timestamp(literal: Value) -> datetime:
    text = literal.isoformat() if isinstance(literal, datetime) else _no_finer(literal)
    try:
        return moment_from(text, field="filter")
    except InvalidRequest as error:
        if is_moment_of_no_calendar(text):
            raise Unfit("there is no such day or time; correct it") from error
        if _names_a_zone(text):
            raise Unfit("in UTC it lies outside of the years 1 to 9999; correct it") from error
        raise Unfit("write it like '2013-01-31T05:00:00Z', with its zone") from error


def _names_a_zone(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _timestamp_local(literal: Value) -> datetime:
    like = "write it like '2013-01-31T05:00:00', without a zone: the column holds a wall clock's readings"
    return _without_zone(datetime, literal, like)


def _without_zone(type_: type[Reading], literal: Value, cure: str) -> Reading:
    try:
        reading = literal if isinstance(literal, type_) else type_.fromisoformat(_no_finer(literal))
    except ValueError as error:
        raise Unfit(cure) from error
    if reading.tzinfo is not None:
        raise Unfit(cure)
    return reading


def _no_finer(literal: Value) -> str:
    """The text of a time, unless Python would cut digits off it."""
    text = _string(literal)
    if _TOO_FINE.search(text):
        raise Unfit("times are exact to the microsecond: six digits after the point at most")
    return text


_READERS: Mapping[Kind, Callable[[Value], Value]] = {
    Kind.FLOAT32: _float32,
    Kind.FLOAT64: _float64,
    Kind.BOOLEAN: _boolean,
    Kind.STRING: _string,
    Kind.BYTES: _string,
    Kind.JSON: _string,
    Kind.INTERVAL: _string,
    Kind.UUID: _uuid,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.TIMESTAMP: _timestamp,
    Kind.TIMESTAMP_LOCAL: _timestamp_local,
}
