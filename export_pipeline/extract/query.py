"""The one SELECT of a table and an hour. Values are bound; names come only from the declaration."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from export_pipeline.dataset.tables import Column, Table
from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.errors import PermanentFailure
from export_pipeline.extract.sql_types import OneForm, in_one_form, sql_type, within, within_in_order
from export_pipeline.filters.collation import by_code_point, by_digits, sorted_by_code_point, text_of
from export_pipeline.filters.sql import where_clause
from export_pipeline.filters.tree import EVERY_ROW, Filter
from export_pipeline.windows import HourWindow

# The column of contributed tables that names the columns whose values do not fit, each between spaces. No
# column can be called so: it is no name.
UNFIT = "does not fit"


def rows_of_hour(
    table: Table, columns: Sequence[Column], window: HourWindow, filter_: Filter, tenant: str | None
) -> sa.Select[Any]:
    """The chosen columns of the hour's rows that pass the filter, in the table's total order.

    The order is the same on every engine: text by code points, NULLs last.
    """
    return rows_between(table, columns, window.since, window.until, filter_, tenant)


def rows_between(
    table: Table,
    columns: Sequence[Column],
    since: datetime,
    until: datetime,
    filter_: Filter,
    tenant: str | None,
) -> sa.Select[Any]:
    """The same of the rows of `[since, until)`, however many hours those are."""
    source = _relation(table)
    chosen = within_in_order if table.contributed else within
    time = chosen(source.c[table.time_column], since, until)
    conditions = [time, where_clause(filter_, table, source)]
    if (tenant is None) != (table.tenant_column is None):
        raise PermanentFailure(
            f"table {table.name!r}: a tenant has to be named exactly where there is a tenant column;"
            " the declaration was changed since the export was made: make it again"
        )
    if table.tenant_column is not None:
        conditions.append(_is_tenant(source.c[table.tenant_column], tenant or "", table))
    return (
        sa.select(*(source.c[column.name] for column in columns))
        .where(*conditions)
        .order_by(*_total_order(table, source))
    )


def unfit_rows(table: Table, window: HourWindow, column: str | None = None) -> sa.Select[Any]:
    """The hour's rows of a contributed table in which a value does not fit: of that column, or of any."""
    unfit: sa.ColumnClause[str] = sa.column(UNFIT, sa.Text())
    # Filters are of no matter: what does not fit they take for NULL.
    rows = rows_of_hour(table, table.columns[:1], window, EVERY_ROW, None)
    return rows.where(
        unfit.is_not(None) if column is None else unfit.contains(f" {column} ", autoescape=True)
    )


def count_of(rows: sa.Select[Any]) -> sa.Select[Any]:
    """How many rows a select gives."""
    return rows.order_by(None).with_only_columns(sa.func.count())


def order_of(rows: sa.Select[Any]) -> tuple[sa.ColumnElement[Any], ...]:
    """What a select of `rows_of_hour` is ordered by."""
    return tuple(rows._order_by_clauses)  # SQLAlchemy has no public name for it


def relation_of(rows: sa.Select[Any]) -> str:
    """What a select of `rows_of_hour` reads from, for messages."""
    return str(source_of(rows))


def source_of(rows: sa.Select[Any]) -> sa.TableClause:
    """What a select of `rows_of_hour` reads from."""
    (source,) = rows.columns_clause_froms  # the final ones would be found by compiling it all
    assert isinstance(source, sa.TableClause)
    return source


def columns_of(rows: sa.Select[Any]) -> tuple[str, ...]:
    """The columns that a select of `rows_of_hour` reads, also those that it only compares or orders by."""
    read = sa.sql.visitors.iterate(rows)
    named = (part.name for part in read if isinstance(part, sa.ColumnClause) and part.table is not None)
    return tuple(dict.fromkeys(named))


def time_column_of(rows: sa.Select[Any]) -> str:
    """The column by whose moments `rows_of_hour` selects, for messages."""
    assert rows.whereclause is not None
    (hour,) = (part for part in sa.sql.visitors.iterate(rows.whereclause) if isinstance(part, within))
    column = next(iter(hour.clauses))
    assert isinstance(column, sa.ColumnClause)
    return column.name


def compared_in_one_form(rows: sa.Select[Any]) -> tuple[str, ...]:
    """The columns that a select of `rows_of_hour` compares or orders in one form, for messages."""
    return _columns_within(rows, in_one_form)


def compared_as_text(rows: sa.Select[Any]) -> tuple[str, ...]:
    """The columns that a select of `rows_of_hour` compares or orders as text, for messages."""
    return _columns_within(rows, by_code_point)


def compared_as_values(rows: sa.Select[Any]) -> tuple[str, ...]:
    """The columns by which a select of `rows_of_hour` chooses, but as text and by the hour, for messages."""
    assert rows.whereclause is not None
    read = sa.sql.visitors.iterate(rows.whereclause)
    named = dict.fromkeys(part.name for part in read if isinstance(part, sa.ColumnClause))
    others = {time_column_of(rows), *compared_as_text(rows)}
    return tuple(name for name in named if name not in others)


def _columns_within(rows: sa.Select[Any], kind: type[sa.ColumnElement[Any]]) -> tuple[str, ...]:
    parts = (part for part in sa.sql.visitors.iterate(rows) if isinstance(part, kind))
    within_them = (inner for part in parts for inner in sa.sql.visitors.iterate(part))
    return tuple(dict.fromkeys(inner.name for inner in within_them if isinstance(inner, sa.ColumnClause)))


def _relation(table: Table) -> sa.TableClause:
    schema, _, name = table.relation.rpartition(".")
    columns = (sa.column(column.name, sql_type(column.type)) for column in table.columns)
    return sa.table(name, *columns, schema=schema or None)


def _is_tenant(column: sa.ColumnElement[Any], tenant: str, table: Table) -> sa.ColumnElement[bool]:
    if table.column(column.name).type.kind is Kind.UUID:
        return by_digits(column) == tenant.replace("-", "").lower()
    # Exactly: under a collation that ignores case, `ACME` would be given the rows of `acme`.
    return by_code_point(column) == tenant


def _total_order(table: Table, source: sa.TableClause) -> Iterator[sa.ColumnElement[Any]]:
    for name in table.order_by:
        column = table.column(name)
        if column.nullable:
            yield sa.case((source.c[column.name].is_(None), 1), else_=0)
        yield _ordered(source.c[column.name], column.type)


def _ordered(column: sa.ColumnElement[Any], type_: ColumnType) -> sa.ColumnElement[Any]:
    if type_.kind is Kind.UUID:
        return by_digits(column)
    if type_.kind.textual:
        return sorted_by_code_point(text_of(column, type_))
    return in_one_form(column) if isinstance(column.type, OneForm) else column
