"""A filter is a tree of conditions on one row. Text, SQL and the meaning in Python are three views of it.

A condition is true or false of a row, never unknown: `Not` of a filter holds for exactly the rows for which
the filter does not. Hence a row without a value (null) passes `Not` of every comparison. See `meaning`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Literal, NamedTuple, TypeAlias

# What a literal may be. As parsed: text, whole number, decimal or boolean. As checked: what the column holds
# (a timestamp is an aware datetime in UTC, a local one a naive datetime, a uuid lower-case text with dashes).
Value: TypeAlias = str | bool | int | float | Decimal | date | datetime | time

Operator: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">="]


class Position(NamedTuple):
    """Where a condition stands in its text; both count from 1. `within` names the filter whose text it is."""

    line: int
    column: int
    within: str = ""

    def __str__(self) -> str:
        place = f"line {self.line}, column {self.column}"
        return f"in ${self.within}, {place}" if self.within else place


@dataclass(frozen=True, slots=True)
class Comparison:
    """The column's value compared with `value`, case-sensitively; text is ordered by code point.

    Null fits no operator but `!=`; nor does a NaN.
    """

    column: str
    operator: Operator
    value: Value
    at: Position | None = field(default=None, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class CaseInsensitive:
    """The column's text is `value`, whatever the case of either (see `folding`)."""

    column: str
    value: str
    at: Position | None = field(default=None, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Contains:
    """`value` stands somewhere in the column's text, in whatever case; no character is a wildcard."""

    column: str
    value: str
    at: Position | None = field(default=None, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class OneOf:
    """The column's value is one of `values`, of which there is at least one; case-sensitive."""

    column: str
    values: tuple[Value, ...]
    at: Position | None = field(default=None, compare=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"OneOf({self.column!r}, ...) needs at least one value")


@dataclass(frozen=True, slots=True)
class IsNull:
    """The column has no value in this row."""

    column: str
    at: Position | None = field(default=None, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Named:
    """The filter stored under that name (without the `$`). Gone once a filter is resolved."""

    name: str
    at: Position | None = field(default=None, compare=False, repr=False, kw_only=True)


def _refuse_one(parts: "tuple[Filter, ...]") -> None:
    # Its text would be that of the part, so it could not be told apart when read back.
    if len(parts) == 1:
        raise ValueError("a group of one is its part: use all_of or any_of")


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; of no parts: always. Join filters with `all_of`, which needs no count."""

    parts: "tuple[Filter, ...]"

    def __post_init__(self) -> None:
        _refuse_one(self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds; of no parts: never. Join filters with `any_of`, which needs no count."""

    parts: "tuple[Filter, ...]"

    def __post_init__(self) -> None:
        _refuse_one(self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Filter"


Condition: TypeAlias = Comparison | CaseInsensitive | Contains | OneOf | IsNull
Filter: TypeAlias = Condition | Named | AllOf | AnyOf | Not

EVERY_ROW: Filter = AllOf(())
NO_ROW: Filter = AnyOf(())


def all_of(parts: Iterable[Filter]) -> Filter:
    """The filter that holds where all of `parts` do, however many there are."""
    # A part that is of parts itself is taken apart: joining makes no filter deeper than it has to be.
    flat = (inner for part in parts for inner in (part.parts if isinstance(part, AllOf) else (part,)))
    restricting = tuple(part for part in flat if part != EVERY_ROW)
    return restricting[0] if len(restricting) == 1 else AllOf(restricting)


def any_of(parts: Iterable[Filter]) -> Filter:
    """The filter that holds where at least one of `parts` does, however many there are."""
    admitting = tuple(part for part in parts if part != NO_ROW)
    return admitting[0] if len(admitting) == 1 else AnyOf(admitting)


def leaves(filter_: Filter) -> Iterator[Condition | Named]:
    """What stands between NOT, AND and OR, in the order of the text. Does not recurse, whatever the depth."""
    waiting = [filter_]
    while waiting:
        match waiting.pop():
            case AllOf(parts) | AnyOf(parts):
                waiting += reversed(parts)
            case Not(part):
                waiting.append(part)
            case leaf:
                yield leaf


def needs_parentheses(part: Filter, within: AllOf | AnyOf | Not) -> bool:
    """Whether the text of `part` stands in parentheses there: NOT binds before AND, AND before OR."""
    match part:
        case AllOf(parts):
            return bool(parts) and not isinstance(within, AnyOf)
        case AnyOf(parts):
            return bool(parts)
        case _:
            return False
