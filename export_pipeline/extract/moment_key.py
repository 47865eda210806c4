"""Moments, times of day and dates in one form each, for SQLite, which has texts for them and compares those
letter by letter.

What cannot be read is refused: the query fails. Wherever it was put in the order, it would be in a file where
it does not belong, or in none.
"""

import re
from datetime import date, datetime, time

# The SQL functions that our SQLite connections have.
MOMENT_KEY, TIME_KEY, DATE_KEY = "moment_key", "time_key", "date_key"
MOMENT_WITHIN = "moment_within"

# The same as `values` reads. A zone is UTC's, or the text says nothing of the hour that the row belongs to
# until it is converted, and no index finds it.
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,6}))?")
_MOMENT = re.compile(rf"({_DATE.pattern})[ T]{_TIME.pattern}(?:Z|\+00(?::00)?)?")


def moment_key(value: object) -> str | None:
    """`2013-01-01 05:00:00.123456`; None for NULL. ValueError for what is no moment in UTC."""
    if value is None:
        return None
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("no moment")
    day, seconds, fraction = found.groups("")
    datetime.fromisoformat(f"{day} {_of_the_day(seconds)}")
    return f"{day} {seconds}.{fraction:0<6}"


def time_key(value: object) -> str | None:
    """`05:00:00.123456`; None for NULL. ValueError for what is no time of day."""
    if value is None:
        return None
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("no time")
    seconds, fraction = found.groups("")
    time.fromisoformat(_of_the_day(seconds))
    return f"{seconds}.{fraction:0<6}"


def date_key(value: object) -> str | None:
    """The date as it is; None for NULL. ValueError for what is none."""
    if value is None:
        return None
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("no date")
    date.fromisoformat(value)
    return value


def moment_within(value: object, since: str, until: str) -> bool | None:
    """Whether the moment is in `[since, until)`, which are in the one form."""
    key = moment_key(value)
    return None if key is None else since <= key < until


def _of_the_day(seconds: str) -> str:
    """Newer Pythons take 24:00:00 for the day after."""
    if seconds >= "24":
        raise ValueError("no time of a day")
    return seconds
