"""Random values, rows and filters that meet often: few different values, and the awkward ones among them."""

import math
import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, cast, get_args

from hypothesis import strategies as st

from export_pipeline.dataset.types import Kind
from export_pipeline.filters.checking import OPERATORS
from export_pipeline.filters.literals import INTEGERS
from export_pipeline.filters.tree import (
    EVERY_ROW,
    NO_ROW,
    AllOf,
    AnyOf,
    CaseInsensitive,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Not,
    OneOf,
    Operator,
    Value,
)
from export_pipeline_tests.filters.tables import KINDS

# Letters that fold in surprising ways, what LIKE and GLOB take for wildcards, quotes, a combining accent,
# characters on both sides of UTF-16's surrogates, and a right-to-left letter.
AWKWARD = "aAsSſkK\u212aiIİıßẞéÉèσςΣǅǆДд%_*?[]^\\/'\"`$: \n\r\t\u0301\uffee😀א"  # noqa: RUF001  # on purpose

texts = st.text(st.sampled_from(AWKWARD), max_size=4)

# Whatever every engine can hold.
any_text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)

_DAYS = [date(1969, 12, 31), date(2013, 1, 1), date(2013, 1, 2), date(2263, 1, 1)]
_CLOCKS = [time(0), time(5), time(5, 0, 0, 1), time(23, 59, 59, 999999)]
_MOMENTS = [datetime.combine(day, clock) for day in _DAYS for clock in _CLOCKS]


def _float32(number: float) -> float:
    (nearest,) = struct.unpack("<f", struct.pack("<f", number))
    assert isinstance(nearest, float)
    return nearest


_FINITE = [0.0, -0.0, 0.1, 0.5, 1.0, 16777217.0, -1e30, 1e30, 5e-324]
_NOT_FINITE = [math.nan, math.inf, -math.inf]
_DECIMALS = ("0", "-0.01", "0.1", "0.10", "1E+3", "9999999999.99", "-9999999999.99")
_TEXTS = [
    "Québec",
    "QUÉBEC",
    "Quebec",
    "Paris",
    "paris",
    "PARIS",
    "Paris ",
    "ari",
    "100%",
    "1_0",
    "a\\b",
    "Σ",
    "😀",
    "\uffee",
]


def _integers(kind: Kind) -> list[Value]:
    among = INTEGERS[kind]
    return [among.start, among.start + 1, among.stop - 2, among.stop - 1, 0, 1, 2, 3]


# Values of each kind that a filter may compare with.
LITERALS: Mapping[Kind, Sequence[Value]] = {
    Kind.BOOLEAN: [True, False],
    **{kind: _integers(kind) for kind in INTEGERS},
    Kind.FLOAT32: [_float32(number) for number in _FINITE],
    Kind.FLOAT64: [*_FINITE, 1e308],
    Kind.DECIMAL: [Decimal(number) for number in _DECIMALS],
    Kind.STRING: _TEXTS,
    Kind.JSON: _TEXTS,
    Kind.UUID: [f"abcdef00-0000-0000-0000-00000000000{digit}" for digit in "0129f"],
    Kind.DATE: _DAYS,
    Kind.TIME: _CLOCKS,
    Kind.TIMESTAMP: [moment.replace(tzinfo=UTC) for moment in _MOMENTS],
    Kind.TIMESTAMP_LOCAL: _MOMENTS,
    Kind.BYTES: [],
    Kind.INTERVAL: [],
}

# Values of each kind that a row may have.
HELD: Mapping[Kind, Sequence[Any]] = {
    **LITERALS,
    Kind.FLOAT32: [*LITERALS[Kind.FLOAT32], *_NOT_FINITE],
    Kind.FLOAT64: [*LITERALS[Kind.FLOAT64], *_NOT_FINITE],
    Kind.BYTES: [b"", b"\x00\xff"],
    Kind.INTERVAL: ["P1D"],
}


def _among(kind: Kind, values: Mapping[Kind, Sequence[Any]]) -> st.SearchStrategy[Any]:
    some = st.sampled_from(values[kind])
    return some | texts if kind in (Kind.STRING, Kind.JSON) else some


@st.composite
def row_lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A few rows of `events` with different ids; every other column may be null."""
    columns = {name: st.none() | _among(kind, HELD) for name, kind in KINDS.items() if name != "id"}
    rows = draw(st.lists(st.fixed_dictionaries(columns), max_size=6))
    return [{"id": number, **row} for number, row in enumerate(rows)]


@st.composite
def conditions(draw: st.DrawFn, kinds: Mapping[str, Kind]) -> Filter:
    """A condition that a table of such columns can be checked for and that checking leaves as it is."""
    column, kind = draw(st.sampled_from(list(kinds.items())))
    operator = draw(st.sampled_from(["IS NULL", *OPERATORS[kind]]))
    if operator == "IS NULL":
        return IsNull(column)
    values = _among(kind, LITERALS)
    return condition(column, operator, draw(st.lists(values, min_size=1, max_size=3)))


def condition(column: str, operator: str, values: Sequence[Value]) -> Filter:
    """The condition with the operator as customers write it; only lists take more than the first value."""
    if operator in get_args(Operator):
        return Comparison(column, cast(Operator, operator), values[0])
    positive: Filter
    match operator:
        case "IN" | "NOT_IN":
            positive = OneOf(column, tuple(values))
        case "=~" | "!~":
            positive = CaseInsensitive(column, str(values[0]))
        case _:
            positive = Contains(column, str(values[0]) or "a")
    return Not(positive) if operator[0] in "N!" else positive


def _groups(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    several = st.lists(parts, min_size=2, max_size=4).map(tuple)
    return st.builds(AllOf, several) | st.builds(AnyOf, several) | st.builds(Not, parts)


def filters_on(kinds: Mapping[str, Kind]) -> st.SearchStrategy[Filter]:
    """Filters of a table of such columns."""
    return st.recursive(conditions(kinds) | st.sampled_from([EVERY_ROW, NO_ROW]), _groups, max_leaves=8)


filters = filters_on(KINDS)
