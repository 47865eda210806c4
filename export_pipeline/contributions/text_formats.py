"""The `format`s of JSON Schema that we check; others mean nothing, as the standard allows."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit
from uuid import UUID

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
_DATE_TIME = re.compile(rf"({_DATE})[Tt ]({_TIME})")
_FRACTION = re.compile(r"\.[0-9]+")
# RFC 3986: what may stand in a URI, and a percent sign before two digits only.
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")


def _is_date(text: str) -> bool:
    return re.fullmatch(_DATE, text) is not None and _taken(date.fromisoformat, text)


def _is_time(text: str) -> bool:
    return _is_date_time(f"2000-01-01T{text}")


def _is_date_time(text: str) -> bool:
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        return False
    # A fraction may be as fine as it likes, which Python does not read everywhere.
    time = _FRACTION.sub("", found[2].upper())
    return _taken(datetime.fromisoformat, f"{found[1]}T{time}")


def is_uri(text: str) -> bool:
    """Whether it is an absolute URI."""
    return _URI.fullmatch(text) is not None and _taken(lambda uri: urlsplit(uri).port, text)


def _taken(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "date": _is_date,
    "date-time": _is_date_time,
    "email": lambda text: _EMAIL.fullmatch(text) is not None,
    "ipv4": lambda text: _taken(IPv4Address, text),
    "ipv6": lambda text: _taken(IPv6Address, text),
    "time": _is_time,
    "uri": is_uri,
    "uuid": lambda text: len(text) == 36 and _taken(UUID, text),
}


def conforms(text: str, name: str) -> bool:
    """Whether the text is of the format; of one that we do not know, every text is."""
    check = FORMATS.get(name)
    return check is None or check(text)
