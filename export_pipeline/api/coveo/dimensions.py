"""Dimensions: the columns of all tables by name, each once."""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter
from pydantic import BaseModel

from export_pipeline.api.coveo.declared import declared
from export_pipeline.api.visits import ExportsViewer
from export_pipeline.control.event_exports import EVENT_TABLES
from export_pipeline.control.tenancy import tables_for
from export_pipeline.dataset.tables import Column, Dataset, Table
from export_pipeline.dataset.types import Kind

router = APIRouter(prefix="/dimensions")

# What the document's service calls the events of its tables; of others, the table's name.
EVENT_TYPES = {"searches": "SEARCH", "clicks": "CLICK", "custom_events": "CUSTOM"}

TYPES: Mapping[Kind, str] = {
    Kind.BOOLEAN: "BOOLEAN",
    Kind.INT16: "SHORT",
    Kind.DATE: "DATE",
    Kind.TIMESTAMP: "DATETIME",
    Kind.TIMESTAMP_LOCAL: "DATETIME",
}


class DimensionDocument(BaseModel):
    """One dimension. `returnName` is what `dimensions` takes and files have in their headers."""

    apiNames: list[str]
    returnName: str
    displayName: str
    type: str
    eventTypes: list[str]
    availableInVisit: bool
    custom: bool = False
    status: str = "AVAILABLE"
    path: list[str] = []


@router.get("")
@router.get("/exportables")
def list_(visit: ExportsViewer) -> list[DimensionDocument]:
    """List the dimensions. All of them can be exported."""
    return dimensions_of(declared(visit))


def dimensions_of(dataset: Dataset) -> list[DimensionDocument]:
    """Of every table that may be asked for, in order of name."""
    found: dict[str, list[tuple[Table, Column]]] = {}
    for table in tables_for(dataset):
        for column in table.columns:
            found.setdefault(column.name.casefold(), []).append((table, column))
    return [_document(found[name]) for name in sorted(found)]


def _document(places: Sequence[tuple[Table, Column]]) -> DimensionDocument:
    tables = [table.name for table, _ in places]
    column = places[0][1]
    numeric = "NUMBER" if column.type.kind.numeric else "TEXT"
    return DimensionDocument(
        apiNames=[*dict.fromkeys(other.name for _, other in places)],
        returnName=column.name,
        displayName=column.display_name,
        type=TYPES.get(column.type.kind, numeric),
        eventTypes=[EVENT_TYPES.get(table, table.upper()) for table in tables],
        availableInVisit=any(table in EVENT_TABLES for table in tables),
    )
