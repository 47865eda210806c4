"""The dataset: which tables and columns can be exported."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from export_pipeline.api.native.answering import problems
from export_pipeline.api.visits import ExportsViewer

router = APIRouter(prefix="/api/v1/dataset", tags=["dataset"])


class ColumnDocument(BaseModel):
    """A column, by the name that filters and definitions give it."""

    name: str
    display_name: str
    type: str = Field(examples=["decimal(12,2)"])
    nullable: bool


class TableDocument(BaseModel):
    """A table. `time_column` says which hour a row belongs to."""

    name: str
    time_column: str
    order_by: list[str] = Field(description="what orders the rows of a file")
    tenant_column: str | None = Field(description="says whose a row is, where customers share the table")
    columns: list[ColumnDocument]


class DatasetDocument(BaseModel):
    """All that can be exported."""

    tables: list[TableDocument]


@router.get("", responses=problems(503))
def get(visit: ExportsViewer) -> DatasetDocument:
    """Show every table and column that can be exported."""
    return DatasetDocument(
        tables=[
            TableDocument(
                name=table.name,
                time_column=table.time_column,
                order_by=list(table.order_by),
                tenant_column=table.tenant_column,
                columns=[
                    ColumnDocument(
                        name=column.name,
                        display_name=column.display_name,
                        type=str(column.type),
                        nullable=column.nullable,
                    )
                    for column in table.columns
                ],
            )
            for table in visit.dataset.tables.values()
        ]
    )
