"""Intervals as ISO 8601 durations: months, days and time are kept apart, since none is so many of another."""

import re
from typing import Any

import pyarrow as pa

# What PostgreSQL writes too: each part may be negative, a fraction has no zeros at its end.
DURATION = (
    r"^P(-?\d+Y)?(-?\d+M)?(-?\d+W)?(-?\d+D)?"
    r"(T(-?\d+H)?(-?\d+M)?(-?\d+(\.\d{1,6})?S)?)?$"
)


# What DuckDB writes for an interval. Parts of nothing are left out.
_WRITTEN = re.compile(
    r"(?:(-?\d+) years? ?)?(?:(-?\d+) months? ?)?(?:(-?\d+) days? ?)?"
    r"(?:(-?)(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?"
)


def iso_durations(column: Any) -> "pa.Array[Any]":
    """A column of intervals as DuckDB writes them as such texts.

    Arrow's own intervals count nanoseconds in 64 bits, which DuckDB's microseconds overflow silently.
    """
    return pa.array(
        [None if text is None else _iso_duration(text) for text in column.to_pylist()], pa.string()
    )


def _iso_duration(text: str) -> str:
    written = _WRITTEN.fullmatch(text)
    assert written is not None, "DuckDB writes intervals in another way"
    years, months, days, hours, minutes, seconds = (int(written[n] or 0) for n in (1, 2, 3, 5, 6, 7))
    microseconds = ((hours * 60 + minutes) * 60 + seconds) * 10**6 + int((written[8] or "0").ljust(6, "0"))
    return iso_duration(12 * years + months, days, -microseconds if written[4] else microseconds)


def iso_duration(months: int, days: int, microseconds: int) -> str:
    """One such text, the one that PostgreSQL would write."""
    years, months = _split(months, 12)
    seconds, fraction = _split(microseconds, 10**6)
    minutes, seconds = _split(seconds, 60)
    hours, minutes = _split(minutes, 60)
    date = _parts(Y=years, M=months, D=days)
    time = _parts(H=hours, M=minutes)
    if seconds or fraction:
        sign = "-" if seconds < 0 or fraction < 0 else ""
        digits = f"{abs(fraction):06}".rstrip("0")
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
