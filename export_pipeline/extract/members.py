"""Members of JSON documents as columns, for SQLite: what PostgreSQL computes by itself (see `member_sql`).

A member that is not of its column's kind is NULL there, and named by `unfit`, so that whoever reads can
refuse it by name: it is never made to fit.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from export_pipeline.dataset.types import Kind

# The SQL functions that our SQLite connections have.
MERGED, MEMBER, REMAINING, UNFIT = (
    "document_merged",
    "document_member",
    "document_remaining",
    "document_unfit",
)

# A row's documents are asked for each of their members, one after the other; of large ones no more should
# be kept. What is asked for is the same of every row, and small.
DOCUMENTS_KEPT = 8
REQUESTS_KEPT = 4096

LEAST, MOST = -(2**63), 2**63 - 1
# A little less than floats can be, so that nobody has to round to know; and the nearest to 0 that they are.
LARGEST, SMALLEST = 1.7e308, 5e-324
# Of years that Python knows, in UTC.
FIRST_MOMENT, LAST_MOMENT = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"

# Whole, so that no cast can stumble: February has 29 days in years that 4 divides, but of hundreds only 400.
_LEAP = "0[48]|[2468][048]|[13579][26]"
DATE = (
    "(?:(?!0000)[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    f"|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{{2}}(?:{_LEAP})|(?:{_LEAP})00)-02-29)"
)
# RFC 3339, of offsets that both Python and PostgreSQL know, and no finer than a microsecond.
MOMENT = (
    f"{DATE}[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]{{1,6}}0*)?"
    "(?:[Zz]|[+-](?:0[0-9]|1[0-5]):[0-5][0-9])"
)
_DATE, _MOMENT = re.compile(DATE), re.compile(MOMENT)

# By the name of a member: its own named members, or None where it is a column.
Named = Mapping[str, "Named | None"]


class Misfit(ValueError):
    """A member is not of its column's kind."""


def merged(document: str | None, answer: str | None) -> str | None:
    """The document with the members of the answer in the place of its own of the same name."""
    if document is None or answer is None:
        return answer if document is None else document
    return json.dumps(_merged(document, answer))


def member(document: str | None, path: str, kind: str) -> str | float | None:
    """The member at `path`, a list as JSON; NULL where there is none, and where it does not fit."""
    try:
        return _fitting(_at(_parsed(document), _asked(path)), kind)
    except Misfit:
        return None


def remaining(document: str | None, named: str) -> str | None:
    """The document without its named members; NULL if that is nothing."""
    left = _remaining(_parsed(document), _asked(named))
    return json.dumps(left) if left else None


def unfit(document: str | None, wanted: str) -> str | None:
    """The names of the columns whose members do not fit, each between spaces; NULL if all do."""
    names = [name for name, path, kind in _asked(wanted) if not fits(_parsed(document), path, kind)]
    return f" {' '.join(names)} " if names else None


def fits(document: Any, path: Sequence[str], kind: str) -> bool:
    """Whether the member at `path` is of the kind, or there is none."""
    try:
        _fitting(_at(document, path), kind)
    except Misfit:
        return False
    return True


FUNCTIONS: Sequence[tuple[str, int, Callable[..., str | float | None]]] = (
    (MERGED, 2, merged),
    (MEMBER, 3, member),
    (REMAINING, 2, remaining),
    (UNFIT, 2, unfit),
)


@lru_cache(DOCUMENTS_KEPT)
def _merged(document: str, answer: str) -> Mapping[str, Any]:
    return {**_parsed(document), **_parsed(answer)}


@lru_cache(DOCUMENTS_KEPT)
def _parsed(text: str | None) -> Any:
    return None if text is None else json.loads(text)


@lru_cache(REQUESTS_KEPT)
def _asked(text: str) -> Any:
    return json.loads(text)


def _at(document: Any, path: Sequence[str]) -> Any:
    for name in path:
        if document is None:
            return None
        if not isinstance(document, Mapping):
            raise Misfit
        document = document.get(name)
    return document


def _fitting(value: Any, kind: str) -> str | float | None:
    if value is None:
        return None
    match kind:
        case Kind.JSON:
            return json.dumps(value)
        case Kind.STRING if isinstance(value, str):
            return value
        case Kind.BOOLEAN if isinstance(value, bool):
            return value
        case Kind.INT64 if _is_number(value):
            number = value if isinstance(value, int) else Decimal(repr(value))
            if LEAST <= number <= MOST and number == int(number):
                return int(number)
        case Kind.FLOAT64 if _is_number(value) and _is_in_range(value):
            # As it is written: 9007199254740993 is no float, and 0.1 is one.
            if isinstance(value, float) or Decimal(value) == Decimal(repr(float(value))):
                return float(value)
        case Kind.DATE if isinstance(value, str) and _DATE.fullmatch(value):
            return value
        case Kind.TIMESTAMP if isinstance(value, str) and _MOMENT.fullmatch(value):
            return _in_utc(value)
    raise Misfit


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_in_range(value: float) -> bool:
    return value == 0 or SMALLEST <= abs(value) < LARGEST


def _in_utc(text: str) -> str:
    try:
        return (
            datetime.fromisoformat(text.upper())
            .astimezone(UTC)
            .replace(tzinfo=None)
            .isoformat(" ", "microseconds")
        )
    except (OverflowError, ValueError) as error:  # a year that is none in UTC
        raise Misfit from error


def _remaining(document: Any, named: Named) -> Mapping[str, Any]:
    if not isinstance(document, Mapping):
        return {}
    left = {name: value for name, value in document.items() if name not in named}
    for name, inner in named.items():
        if inner and (of_it := _remaining(document.get(name), inner)):
            left[name] = of_it
    return dict(sorted(left.items()))
