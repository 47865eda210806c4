"""Checks a filter against the table it is for: the columns exist, the operators and literals suit them."""

from collections.abc import Mapping
from typing import assert_never

from export_pipeline.dataset.tables import Column, Table
from export_pipeline.dataset.types import Kind
from export_pipeline.errors import InvalidRequest
from export_pipeline.filters.folding import fold, other_forms
from export_pipeline.filters.limits import MAX_LETTERS, refuse_too_large, too_large
from export_pipeline.filters.literals import Unfit, value_of, written
from export_pipeline.filters.mistakes import mistake
from export_pipeline.filters.tree import (
    AllOf,
    AnyOf,
    CaseInsensitive,
    Comparison,
    Condition,
    Contains,
    Filter,
    IsNull,
    Named,
    Not,
    OneOf,
    Position,
    Value,
)

_EQUALITY = ("==", "!=", "IN", "NOT_IN")
_ORDER = ("<", "<=", ">", ">=")
_REGARDLESS_OF_CASE = ("=~", "!~")
_SEARCH = ("=@", "!@")
_ORDERED = (*_EQUALITY, *_ORDER)

# Beside these, every column can be compared with null. Bytes have no literal. Two JSON texts may differ
# and mean the same, so they are searched, not compared. Which of a month and thirty days is longer, no two
# engines agree on.
OPERATORS: Mapping[Kind, tuple[str, ...]] = {
    **dict.fromkeys(Kind, _ORDERED),
    Kind.BOOLEAN: _EQUALITY,
    Kind.STRING: (*_ORDERED, *_REGARDLESS_OF_CASE, *_SEARCH),
    Kind.UUID: (*_ORDERED, *_REGARDLESS_OF_CASE),
    Kind.JSON: _SEARCH,
    Kind.BYTES: (),
    Kind.INTERVAL: (),
}


def check(filter_: Filter, table: Table) -> Filter:
    """The same filter with columns under their declared names and values of their columns' types.

    Raises InvalidRequest: a column that the table does not have (with the nearest name), an operator or a
    literal that does not suit the column, a `$NAME` not resolved, a limit exceeded.
    """
    refuse_too_large(filter_)
    return _checked(filter_, table)


def _checked(filter_: Filter, table: Table) -> Filter:
    match filter_:
        case AllOf(parts):
            return AllOf(tuple(_checked(part, table) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(_checked(part, table) for part in parts))
        case Not(part):
            return Not(_checked(part, table))
        case Named(name):
            raise mistake(f"there is no named filter ${name}", filter_.at)
        case _:
            return _checked_condition(filter_, table)


def _checked_condition(condition: Condition, table: Table) -> Condition:
    at = condition.at
    try:
        column = table.column(condition.column)
    except InvalidRequest as error:
        raise mistake(str(error), at) from error
    match condition:
        case IsNull():
            return IsNull(column.name, at=at)
        case Comparison(_, operator, value):
            _allow(operator, column, at)
            return Comparison(column.name, operator, _value(value, column, at), at=at)
        case OneOf(_, values):
            _allow("IN", column, at)
            return OneOf(column.name, tuple(_value(value, column, at) for value in values), at=at)
        case CaseInsensitive(_, value):
            _allow("=~", column, at)
            return CaseInsensitive(column.name, _searched(value, column, at), at=at)
        case Contains(_, value):
            _allow("=@", column, at)
            if value == "":
                raise mistake(
                    f"{column.name} =@ '': the empty text is in every text; name one to look for", at
                )
            return Contains(column.name, _searched(value, column, at), at=at)
        case _:
            assert_never(condition)


def _allow(operator: str, column: Column, at: Position | None) -> None:
    allowed = OPERATORS[column.type.kind]
    if operator not in allowed:
        those = f"{' '.join(allowed)} and null tests" if allowed else "== null and != null only"
        raise mistake(f"{column.name} is of type {column.type}, which takes {those}, not {operator}", at)


def _value(literal: Value, column: Column, at: Position | None) -> Value:
    try:
        return value_of(literal, column.type)
    except Unfit as error:
        raise mistake(
            f"{column.name} is of type {column.type}, which {written(literal)} is not: {error}", at
        ) from error


def _searched(literal: Value, column: Column, at: Position | None) -> str:
    text = _value(literal, column, at)
    assert isinstance(text, str)
    if len(other_forms(fold(text))) > MAX_LETTERS:
        raise too_large(f"looks for more than {MAX_LETTERS} different letters in {column.name}", at)
    return text
