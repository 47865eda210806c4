"""The Arrow schema of the rows to come: decided by the declaration, never by the rows."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from export_pipeline.dataset.tables import Column
from export_pipeline.dataset.types import ColumnType, Kind

ARROW_TYPES: Mapping[Kind, pa.DataType] = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.INT16: pa.int16(),
    Kind.INT32: pa.int32(),
    Kind.INT64: pa.int64(),
    Kind.UINT64: pa.uint64(),
    Kind.FLOAT32: pa.float32(),
    Kind.FLOAT64: pa.float64(),
    Kind.STRING: pa.string(),
    Kind.BYTES: pa.binary(),
    Kind.DATE: pa.date32(),
    Kind.TIME: pa.time64("us"),
    Kind.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    Kind.TIMESTAMP_LOCAL: pa.timestamp("us"),
    # Canonical text: lower case with dashes, compact JSON as the source gives it, ISO 8601 durations.
    Kind.UUID: pa.string(),
    Kind.JSON: pa.string(),
    Kind.INTERVAL: pa.string(),
}


def arrow_type(type_: ColumnType) -> pa.DataType:
    """The Arrow type that holds values declared as `type_`."""
    if type_.kind is Kind.DECIMAL:
        assert type_.precision is not None
        assert type_.scale is not None
        return pa.decimal128(type_.precision, type_.scale)
    return ARROW_TYPES[type_.kind]


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """One field per column, in order; its metadata carries the declared type and the display name."""
    return pa.schema(
        pa.field(
            column.name,
            arrow_type(column.type),
            nullable=column.nullable,
            metadata={"type": str(column.type), "display_name": column.display_name},
        )
        for column in columns
    )
