"""Intervals as ISO 8601 durations: months, days and time are kept apart, since none is so many of another."""

from typing import Any

import pyarrow as pa

# What PostgreSQL writes too: each part may be negative, a fraction has no zeros at its end.
DURATION = (
    r"^P(-?\d+Y)?(-?\d+M)?(-?\d+W)?(-?\d+D)?"
    r"(T(-?\d+H)?(-?\d+M)?(-?\d+(\.\d{1,6})?S)?)?$"
)


def iso_durations(column: Any) -> "pa.Array[Any]":
    """An Arrow column of months, days and nanoseconds as such texts."""
    return pa.array(
        [None if value is None else iso_duration(*value) for value in column.to_pylist()], pa.string()
    )


def iso_duration(months: int, days: int, nanoseconds: int) -> str:
    """One such text, the one that PostgreSQL would write."""
    years, months = _split(months, 12)
    seconds, fraction = _split(nanoseconds, 10**9)
    minutes, seconds = _split(seconds, 60)
    hours, minutes = _split(minutes, 60)
    date = _parts(Y=years, M=months, D=days)
    time = _parts(H=hours, M=minutes)
    if seconds or fraction:
        sign = "-" if seconds < 0 or fraction < 0 else ""
        digits = f"{abs(fraction):09}".rstrip("0")
        time += f"{sign}{abs(seconds)}{'.' if digits else ''}{digits}S"
    if not date and not time:
        return "PT0S"
    return f"P{date}{'T' if time else ''}{time}"


def _split(number: int, size: int) -> tuple[int, int]:
    """How often the size goes into the number, and the rest; both with the number's sign."""
    whole, rest = divmod(abs(number), size)
    return (-whole, -rest) if number < 0 else (whole, rest)


def _parts(**parts: int) -> str:
    return "".join(f"{number}{unit}" for unit, number in parts.items() if number)
