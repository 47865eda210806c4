"""A definition worked out against the dataset: which columns of which tables, under which filter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from export_pipeline.dataset.tables import Column, Dataset, Table
from export_pipeline.dataset.types import Kind
from export_pipeline.errors import InvalidRequest, NotFound
from export_pipeline.exports.export import ExportDefinition, TableChoice
from export_pipeline.exports.scopes import filters_of
from export_pipeline.filters.literals import Unfit, value_of, written
from export_pipeline.filters.named import NO_NAMED_FILTERS
from export_pipeline.filters.text import text_of
from export_pipeline.filters.tree import Filter


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePlan:
    """What to read from one table for any hour. `filter` is all that applies to it, common and its own."""

    table: Table
    columns: tuple[Column, ...]
    filter: Filter
    tenant: str | None

    @property
    def filter_text(self) -> str:
        """Exactly what is applied: names resolved, values as the columns hold them. Blank: every row."""
        return text_of(self.filter)


def plan_of(
    definition: ExportDefinition, dataset: Dataset, named: Mapping[str, Filter] = NO_NAMED_FILTERS
) -> tuple[TablePlan, ...]:
    """One plan per chosen table; `named` are the organization's named filters.

    InvalidRequest names the table, column or filter that does not fit.
    """
    names = [choice.name for choice in definition.tables]
    tables = [_table(dataset, name) for name in names]
    if len({table.name for table in tables}) < len(tables):
        raise InvalidRequest(f"tables: {', '.join(names)} names a table twice; name it once", field="tables")
    _refuse_several_databases(tables)
    if definition.tenant is not None:
        _refuse_whole_tables(tables)
    filters = filters_of(definition, tables, named)
    return tuple(
        TablePlan(
            table=table,
            columns=_columns(table, choice),
            filter=filter_,
            tenant=_tenant(table, definition.tenant),
        )
        for table, choice, filter_ in zip(tables, definition.tables, filters, strict=True)
    )


def derived_tables(plans: Sequence[TablePlan]) -> Mapping[str, sa.Select[Any]]:
    """Those of the plans' tables that a database has to be told of, by their relations' names."""
    return {plan.table.relation: plan.table.derived for plan in plans if plan.table.derived is not None}


def _refuse_several_databases(tables: Sequence[Table]) -> None:
    """An hour's tables are read in one transaction, which no two databases have together."""
    contributed = [table.name for table in tables if table.contributed]
    declared = [table.name for table in tables if not table.contributed]
    if contributed and declared:
        raise InvalidRequest(
            f"tables: {', '.join(contributed)} is contributed and {', '.join(declared)} is not, so that they"
            " are in two databases, which cannot be read at one moment; make an export for each kind",
            field="tables",
        )


def _table(dataset: Dataset, name: str) -> Table:
    try:
        return dataset.table(name)
    except NotFound as error:
        raise InvalidRequest(f"tables: {error}", field="tables") from error


def _columns(table: Table, choice: TableChoice) -> tuple[Column, ...]:
    try:
        return table.select(choice.columns)
    except InvalidRequest as error:
        raise InvalidRequest(f"columns: {error}", field="columns") from error


def _refuse_whole_tables(tables: Sequence[Table]) -> None:
    """A tenant is to be given its own rows: all rows of a table only where that was said of the table."""
    whole = [table.name for table in tables if not table.tenant_column and not table.for_every_tenant]
    if whole:
        raise InvalidRequest(
            f"tenant: {', '.join(whole)} has no tenant_column declared, and every row would be delivered;"
            " declare the column, or for_every_tenant = true if every tenant may have them, or leave the"
            " table or the tenant out",
            field="tenant",
        )


def _tenant(table: Table, tenant: str | None) -> str | None:
    if table.tenant_column is None:
        return None
    if not tenant:
        raise InvalidRequest(
            f"tenant: table {table.name!r} holds several customers' rows; say whose are meant", field="tenant"
        )
    type_ = table.column(table.tenant_column).type
    if type_.kind is not Kind.UUID:
        return tenant
    try:
        return str(value_of(tenant, type_))
    except Unfit as error:
        raise InvalidRequest(
            f"tenant: the tenants of table {table.name!r} are UUIDs, which {written(tenant)} is not: {error}",
            field="tenant",
        ) from error
