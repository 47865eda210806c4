"""Which filters apply to which of the chosen tables. A row is exported if it passes all of its table's.

A common filter applies to every table that has all of its columns; a table's own filters to that one alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from export_pipeline.dataset.tables import Table, suggestion
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.export import ExportDefinition
from export_pipeline.filters.checking import check
from export_pipeline.filters.grammar import parse
from export_pipeline.filters.limits import MAX_TEXT, refuse_too_large, too_large
from export_pipeline.filters.mistakes import mistake
from export_pipeline.filters.named import names_in, resolve
from export_pipeline.filters.text import text_of
from export_pipeline.filters.tree import Filter, Named, all_of, leaves


def filters_of(
    definition: ExportDefinition, tables: Sequence[Table], named: Mapping[str, Filter]
) -> tuple[Filter, ...]:
    """For each of the definition's tables the one filter of its rows, resolved and checked.

    InvalidRequest says which filter does not fit, where in its text, and for which table.
    """
    parts: dict[str, list[Filter]] = {table.name: [] for table in tables}
    for number, text in enumerate(definition.filters, 1):
        which = f" {number}" if len(definition.filters) > 1 else ""
        with _said_of(which):
            filter_ = resolve(parse(text), named)
            having = tables_with(filter_, tables)
        for table in having:
            with _said_of(f"{which} for table {table.name!r}" if len(tables) > 1 else which):
                parts[table.name].append(check(filter_, table))
    for choice, table in zip(definition.tables, tables, strict=True):
        for text in choice.filters:
            with _said_of(f" of table {table.name!r}"):
                parts[table.name].append(check(resolve(parse(text), named), table))
    return tuple(_together(table, parts[table.name]) for table in tables)


def filters_named_by(definition: ExportDefinition) -> frozenset[str]:
    """Every `$NAME` written in one of the definition's filters."""
    texts = [*definition.filters, *(text for choice in definition.tables for text in choice.filters)]
    return frozenset[str]().union(*(names_in(parse(text)) for text in texts))


def _together(table: Table, parts: Sequence[Filter]) -> Filter:
    """All of a table's filters as one, which is what the receipt says and the database is asked."""
    filter_ = all_of(parts)
    with _said_of(f"s of table {table.name!r} together"):
        refuse_too_large(filter_)
        if len(text_of(filter_)) > MAX_TEXT:
            raise too_large(f"is longer than {MAX_TEXT:,} characters when it is written out")
    return filter_


def tables_with(filter_: Filter, tables: Sequence[Table]) -> Sequence[Table]:
    """The tables that have all columns of a resolved filter. InvalidRequest when there is none."""
    having = [table for table in tables if not _missing(filter_, table)]
    if not having:
        raise _nowhere(filter_, tables)
    return having


def _columns(filter_: Filter) -> Iterator[str]:
    for leaf in leaves(filter_):
        assert not isinstance(leaf, Named), "the filter is resolved"
        yield leaf.column


def _missing(filter_: Filter, table: Table) -> list[str]:
    """The columns of the filter that the table does not have."""
    has = {column.name.casefold() for column in table.columns}
    return [name for name in dict.fromkeys(_columns(filter_)) if name.casefold() not in has]


def _nowhere(filter_: Filter, tables: Sequence[Table]) -> InvalidRequest:
    """The refusal of a filter all of whose columns no table has."""
    known = list(dict.fromkeys(column.name for table in tables for column in table.columns))
    anywhere = {name.casefold() for name in known}
    those = ", ".join(table.name for table in tables)
    for leaf in leaves(filter_):
        assert not isinstance(leaf, Named), "the filter is resolved"
        if leaf.column.casefold() not in anywhere:
            who = f"table {those!r} has no" if len(tables) == 1 else f"none of the tables {those} has a"
            return mistake(f"{who} column {leaf.column!r}{suggestion(leaf.column, known)}", leaf.at)
    lacking = "; ".join(f"{table.name} has no {', '.join(_missing(filter_, table))}" for table in tables)
    return mistake(f"no table has all of its columns: {lacking}; split it, or write it for one table", None)


@contextmanager
def _said_of(which: str) -> Iterator[None]:
    """Say of which filter a mistake is: there may be several."""
    try:
        yield
    except InvalidRequest as error:
        told = str(error).removeprefix("filter")
        raise InvalidRequest(f"filter{which}{told}", field="filter") from error
