"""A JSON Schema of the table's rows, as JSON Lines writes them (see formats.objects), whatever the format."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.formats.nesting import Tree
from export_pipeline.formats.side_files.table_files import FileColumn, TableFiles

DRAFT = "https://json-schema.org/draft/2020-12/schema"

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}"
_FLOAT = {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}


def _integers(bits: int, *, signed: bool = True) -> dict[str, Any]:
    return {
        "type": "integer",
        "minimum": -(2 ** (bits - 1)) if signed else 0,
        "maximum": 2 ** (bits - signed) - 1,
    }


SCHEMAS: Mapping[Kind, dict[str, Any]] = {
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.INT16: _integers(16),
    Kind.INT32: _integers(32),
    Kind.INT64: _integers(64),
    Kind.UINT64: _integers(64, signed=False),
    Kind.FLOAT32: _FLOAT,
    Kind.FLOAT64: _FLOAT,
    Kind.STRING: {"type": "string"},
    Kind.BYTES: {"type": "string", "contentEncoding": "base64", "pattern": "^[A-Za-z0-9+/]*={0,2}$"},
    Kind.DATE: {"type": "string", "format": "date", "pattern": f"^{_DAY}$"},
    Kind.TIME: {"type": "string", "pattern": f"^{_CLOCK}$"},
    Kind.TIMESTAMP: {"type": "string", "format": "date-time", "pattern": f"^{_DAY}T{_CLOCK}Z$"},
    Kind.TIMESTAMP_LOCAL: {"type": "string", "pattern": f"^{_DAY}T{_CLOCK}$"},
    Kind.INTERVAL: {"type": "string"},
    Kind.UUID: {"type": "string", "format": "uuid"},
    Kind.JSON: {},
}


def json_schema(files: TableFiles) -> str:
    """The schema of one row."""
    schema = {"$schema": DRAFT, "title": files.table, **_object(files.tree, files.columns)}
    return f"{json.dumps(schema, indent=2)}\n"


def _object(tree: Tree, columns: Sequence[FileColumn]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            name: _column(columns[below]) if isinstance(below, int) else _object(below, columns)
            for name, below in tree.items()
        },
        "required": list(tree),
        "additionalProperties": False,
    }


def _column(column: FileColumn) -> dict[str, Any]:
    value = _decimal(column.type) if column.kind is Kind.DECIMAL else SCHEMAS[column.kind]
    if not column.nullable or not value:
        return value
    if isinstance(value.get("type"), str):
        return {**value, "type": [value["type"], "null"]}
    return {"anyOf": [*value["anyOf"], {"type": "null"}]}


def _decimal(type_: ColumnType) -> dict[str, Any]:
    assert type_.precision is not None
    assert type_.scale is not None
    before = max(type_.precision - type_.scale, 1)
    after = rf"\.[0-9]{{{type_.scale}}}" if type_.scale else ""
    return {"type": "string", "pattern": f"^-?[0-9]{{1,{before}}}{after}$"}
