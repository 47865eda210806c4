"""Whose rows an organization may ask for by itself: of tables that several share, those of its own name."""

from collections.abc import Sequence

from export_pipeline.dataset.tables import Dataset, Table


def tables_for(dataset: Dataset) -> Sequence[Table]:
    """The tables that any organization may ask for.

    Where customers share one of them, a table that does not say whose its rows are is the operator's.
    """
    tables = [*dataset.tables.values()]
    if any(table.tenant_column for table in tables):
        return [table for table in tables if table.tenant_column or table.for_every_tenant]
    return tables


def tenant_for(tables: Sequence[Table], organization: str) -> str | None:
    """What has to stand in the tenant columns of the chosen tables: the organization, if there is any."""
    return organization if any(table.tenant_column for table in tables) else None
