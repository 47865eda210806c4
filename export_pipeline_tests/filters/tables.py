"""The table that the filter tests are about: a column of every kind."""

from export_pipeline.dataset.tables import Column, Table
from export_pipeline.dataset.types import ColumnType, Kind

TYPES = {
    "id": "int64",
    "flag": "boolean",
    "small": "int16",
    "visits": "int32",
    "big": "int64",
    "natural": "uint64",
    "ratio32": "float32",
    "ratio": "float64",
    "amount": "decimal(12,2)",
    "city": "string",
    "key": "uuid",
    "payload": "json",
    "day": "date",
    "clock": "time",
    "seen": "timestamp",
    "Local Time": "timestamp_local",
    "raw": "bytes",
    "stay": "interval",
}

EVENTS = Table(
    name="events",
    relation="events",
    columns=tuple(
        Column(name=name, display_name=name.title(), type=ColumnType.parse(type_))
        for name, type_ in TYPES.items()
    ),
    time_column="seen",
    order_by=("id",),
)

KINDS = {column.name: column.type.kind for column in EVENTS.columns}

assert set(KINDS.values()) == set(Kind), "a column of every kind, so that no kind goes untested"
