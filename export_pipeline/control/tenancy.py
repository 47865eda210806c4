"""Whose rows an organization is given where a request cannot name a tenant: its own, or those of its name."""

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


def tenant_for(tables: Sequence[Table], organization: str, own: Sequence[str] = ()) -> str | None:
    """Whose rows of the chosen tables are meant; None where none of them tells customers apart.

    Tables for every tenant are exported as somebody's, too: organizations that are held to their tenants
    have to name one. `own` are the tenants that the organization was given. Of several it is the one of its
    name, and so it is where there are none; `tenants` refuses that where it may not be.
    """
    shared = any(table.tenant_column for table in tables)
    if not shared and not all(table.for_every_tenant for table in tables):
        return None
    return own[0] if len(own) == 1 else organization
