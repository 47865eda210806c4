"""Filters as text: how customers write them, and how they are stored."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import assert_never

from export_pipeline.dataset.tables import Table
from export_pipeline.filters.checking import check
from export_pipeline.filters.grammar import PLAIN_NAME, parse
from export_pipeline.filters.named import NO_NAMED_FILTERS, resolve
from export_pipeline.filters.tree import (
    EVERY_ROW,
    AllOf,
    AnyOf,
    CaseInsensitive,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Named,
    Not,
    OneOf,
    Value,
    needs_parentheses,
)


def filter_from(text: str, table: Table, named: Mapping[str, Filter] = NO_NAMED_FILTERS) -> Filter:
    """The filter that the text says, checked for the table. Blank text is EVERY_ROW.

    Raises InvalidRequest, which says where in the text, what was found and what was expected.
    """
    return check(resolve(parse(text), named), table)


def text_of(filter_: Filter) -> str:
    """The filter's text: `parse` makes the same tree of it, and `filter_from` the same checked filter."""
    return "" if filter_ == EVERY_ROW else _text(filter_)


def _text(filter_: Filter) -> str:
    match filter_:
        case AllOf(parts):
            return " AND ".join(_inner(part, filter_) for part in parts) or "true"
        case AnyOf(parts):
            return " OR ".join(_inner(part, filter_) for part in parts) or "false"
        case Not(CaseInsensitive(column, value)):
            return f"{_name(column)} !~ {_literal(value)}"
        case Not(Contains(column, value)):
            return f"{_name(column)} !@ {_literal(value)}"
        case Not(OneOf(column, values)):
            return f"{_name(column)} NOT_IN {_list(values)}"
        case Not(IsNull(column)):
            return f"{_name(column)} IS NOT NULL"
        case Not(part):
            return f"NOT {_inner(part, filter_)}"
        case Comparison(column, operator, value):
            return f"{_name(column)} {operator} {_literal(value)}"
        case CaseInsensitive(column, value):
            return f"{_name(column)} =~ {_literal(value)}"
        case Contains(column, value):
            return f"{_name(column)} =@ {_literal(value)}"
        case OneOf(column, values):
            return f"{_name(column)} IN {_list(values)}"
        case IsNull(column):
            return f"{_name(column)} IS NULL"
        case Named(name):
            return f"${name}"
        case _:
            assert_never(filter_)


def _inner(part: Filter, within: AllOf | AnyOf | Not) -> str:
    return f"({_text(part)})" if needs_parentheses(part, within) else _text(part)


def _name(column: str) -> str:
    return column if re.fullmatch(PLAIN_NAME, column) else _quoted(column, "`")


def _list(values: tuple[Value, ...]) -> str:
    return f"[{', '.join(map(_literal, values))}]"


def _literal(value: Value) -> str:
    match value:
        case str():
            return _quoted(value, "'")
        case bool():
            return "true" if value else "false"
        case datetime():
            return _quoted(value.isoformat().replace("+00:00", "Z"), "'")
        case date() | time():
            return _quoted(value.isoformat(), "'")
        case _:
            return str(value)


def _quoted(text: str, quote: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    return f"{quote}{escaped}{quote}"
