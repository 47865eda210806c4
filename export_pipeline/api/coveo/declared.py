"""What this face exports: the declared tables, and none that third parties contribute."""

from dataclasses import replace

from export_pipeline.api.visits import Visit
from export_pipeline.dataset.tables import Dataset


def declared(visit: Visit) -> Dataset:
    """The declaration. TransientFailure where it cannot be read: its mistakes are the operator's to see."""
    dataset = visit.dataset
    tables = {name: table for name, table in dataset.tables.items() if not table.contributed}
    return replace(dataset, tables=tables)
