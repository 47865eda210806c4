"""The filters of the document's queries, as filters of ours.

`{"and": [...]}`, `{"or": [...]}`, `{"not": {...}}`, and conditions `{"field", "predicate", "value"}`.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from export_pipeline.errors import InvalidRequest
from export_pipeline.filters.tree import (
    Comparison,
    Contains,
    Filter,
    IsNull,
    Not,
    OneOf,
    Operator,
    Value,
    all_of,
    any_of,
)

# Deeper than any filter that the core takes.
DEEPEST = 50

COMPARISONS: Mapping[str, Operator] = {"eq": "==", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
PREDICATES = (*COMPARISONS, "between", "in", "contains", "exists", "not_exists")
WITHOUT_VALUE = ("exists", "not_exists")

# Gives the column's name for that of a field, and refuses one that there is not.
Naming = Callable[[str, str], str]


def filter_of(data: Any, naming: Naming, at: str, depth: int = 0) -> Filter:
    """The filter that stands at the field `at`."""
    if not isinstance(data, Mapping):
        raise refused(at, 'is no filter; write {"field": ..., "predicate": ..., "value": ...}')
    if depth > DEEPEST:
        raise refused(at, "too many filters stand in one another; make it flatter")
    match [*data]:
        case ["and"]:
            return all_of(_parts(data["and"], naming, f"{at}.and", depth))
        case ["or"]:
            return any_of(_parts(data["or"], naming, f"{at}.or", depth))
        case ["not"]:
            return Not(filter_of(data["not"], naming, f"{at}.not", depth + 1))
        case _:
            return _condition(data, naming, at)


def refused(at: str, why: str) -> InvalidRequest:
    """A refusal of what stands there."""
    return InvalidRequest(f"{at}: {why}", field=at)


def _parts(data: Any, naming: Naming, at: str, depth: int) -> list[Filter]:
    if not isinstance(data, list) or not data:
        raise refused(at, "is no list of filters; give one or more")
    return [filter_of(part, naming, f"{at}.{index}", depth + 1) for index, part in enumerate(data)]


def _condition(data: Mapping[str, Any], naming: Naming, at: str) -> Filter:
    if unknown := sorted({*data} - {"field", "predicate", "value"}):
        raise refused(f"{at}.{unknown[0]}", "there is no such part of a condition; leave it out")
    field, predicate = data.get("field"), data.get("predicate", "eq")
    if not isinstance(field, str):
        raise refused(f"{at}.field", "is missing" if field is None else "is no text; write a field's name")
    if predicate not in PREDICATES:
        raise refused(f"{at}.predicate", f"must be one of {', '.join(PREDICATES)}")
    if predicate not in WITHOUT_VALUE and data.get("value") is None:
        raise refused(f"{at}.value", "is missing")
    column = naming(field, f"{at}.field")
    value, here = data.get("value"), f"{at}.value"
    match predicate:
        case "exists":
            return Not(IsNull(column))
        case "not_exists":
            return IsNull(column)
        case "in":
            return OneOf(column, _values(value, here))
        case "between":
            values = _values(value, here)
            if len(values) != 2:
                raise refused(here, "must be two values, the lowest and the highest")
            return all_of([Comparison(column, ">=", values[0]), Comparison(column, "<=", values[1])])
        case "contains":
            if not isinstance(value, str):
                raise refused(here, "is no text; write one, in quotes")
            return Contains(column, value)
        case _:
            return Comparison(column, COMPARISONS[predicate], _value(value, here))


def _values(data: Any, at: str) -> tuple[Value, ...]:
    if not isinstance(data, list) or not data:
        raise refused(at, "is no list of values; give one or more")
    return tuple(_value(one, f"{at}.{index}") for index, one in enumerate(data))


def _value(data: Any, at: str) -> Value:
    if isinstance(data, float):
        return Decimal(repr(data))  # as it was written, and not the nearest binary number
    if isinstance(data, str | bool | int):
        return data
    raise refused(at, "is neither text nor number, true nor false; write one of them")
