"""The table's schema as BigQuery takes it: a list of fields, for `bq mk` and `bq load`.

BigQuery's names have letters, digits and _ only, so anything else becomes `_`. Only CSV, whose columns go by
their places, loads such a column. Bytes are base64 to it: those that are hexadecimal are texts in its table.
"""

import json
from collections.abc import Mapping
from typing import Any

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.formats.layout import CsvLayout
from export_pipeline.formats.nesting import Tree
from export_pipeline.formats.side_files.statements import plain_names
from export_pipeline.formats.side_files.table_files import FileColumn, TableFiles

TYPES: Mapping[Kind, str] = {
    Kind.BOOLEAN: "BOOLEAN",
    Kind.INT16: "INTEGER",
    Kind.INT32: "INTEGER",
    Kind.INT64: "INTEGER",
    Kind.UINT64: "NUMERIC(20,0)",
    Kind.FLOAT32: "FLOAT",
    Kind.FLOAT64: "FLOAT",
    Kind.DECIMAL: "NUMERIC(p,s) or BIGNUMERIC(p,s)",
    Kind.STRING: "STRING",
    Kind.BYTES: "BYTES",
    Kind.DATE: "DATE",
    Kind.TIME: "TIME",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.TIMESTAMP_LOCAL: "DATETIME",
    Kind.INTERVAL: "STRING",
    Kind.UUID: "STRING",
    Kind.JSON: "JSON",
}

# A load of Parquet goes by what the file says of its columns.
TYPES_IN_PARQUET: Mapping[Kind, str] = {**TYPES, Kind.UINT64: "INTEGER", Kind.JSON: "STRING"}

# Of a NUMERIC; what has more on either side of the point is a BIGNUMERIC.
NUMERIC_DIGITS_BEFORE_POINT = 29
NUMERIC_DIGITS_AFTER_POINT = 9


def bigquery_schema(files: TableFiles) -> str:
    """The schema as a JSON list of fields."""
    return f"{json.dumps(_fields(files, files.tree), indent=2)}\n"


def _fields(files: TableFiles, tree: Tree) -> list[dict[str, Any]]:
    return [
        {"name": name, **_field(files, below)}
        for name, below in zip(plain_names(list(tree)), tree.values(), strict=True)
    ]


def _field(files: TableFiles, below: int | Tree) -> dict[str, Any]:
    if not isinstance(below, int):
        return {"type": "RECORD", "mode": "REQUIRED", "fields": _fields(files, below)}
    column = files.columns[below]
    return {**_type(column, _types(files)), "mode": "NULLABLE" if column.nullable else "REQUIRED"}


def _types(files: TableFiles) -> Mapping[Kind, str]:
    if isinstance(files.layout, CsvLayout) and files.layout.bytes_as != "base64":
        return {**TYPES, Kind.BYTES: "STRING"}
    return TYPES_IN_PARQUET if files.in_parquet else TYPES


def _type(column: FileColumn, types: Mapping[Kind, str]) -> dict[str, str]:
    if column.kind is Kind.DECIMAL:
        return _decimal(column.type)
    if column.kind is Kind.UINT64 and types[Kind.UINT64] != "INTEGER":
        return _decimal(ColumnType(Kind.DECIMAL, 20, 0))
    return {"type": types[column.kind]}


def _decimal(type_: ColumnType) -> dict[str, str]:
    assert type_.precision is not None
    assert type_.scale is not None
    fits = (
        type_.scale <= NUMERIC_DIGITS_AFTER_POINT
        and type_.precision - type_.scale <= NUMERIC_DIGITS_BEFORE_POINT
    )
    return {
        "type": "NUMERIC" if fits else "BIGNUMERIC",
        "precision": str(type_.precision),
        "scale": str(type_.scale),
    }
