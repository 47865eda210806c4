"""The table and how to load it, for Amazon Redshift, which reads from S3.

Where a value must be made from its text first, it passes through a temporary table.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.formats.compression import Compression
from export_pipeline.formats.layout import CsvLayout, JsonLinesLayout, ParquetLayout
from export_pipeline.formats.side_files.statements import (
    create_table,
    escaped_text,
    identifier,
    lines,
    names,
    text,
)
from export_pipeline.formats.side_files.table_files import FileColumn, TableFiles

TYPES: Mapping[Kind, str] = {
    Kind.BOOLEAN: "BOOLEAN",
    Kind.INT16: "SMALLINT",
    Kind.INT32: "INTEGER",
    Kind.INT64: "BIGINT",
    Kind.UINT64: "DECIMAL(20,0)",
    Kind.FLOAT32: "REAL",
    Kind.FLOAT64: "DOUBLE PRECISION",
    Kind.DECIMAL: "DECIMAL(p,s)",
    Kind.STRING: "VARCHAR(65535)",
    Kind.BYTES: "VARBYTE(1024000)",
    Kind.DATE: "DATE",
    Kind.TIME: "TIME",
    Kind.TIMESTAMP: "TIMESTAMPTZ",
    Kind.TIMESTAMP_LOCAL: "TIMESTAMP",
    Kind.INTERVAL: "VARCHAR(100)",
    Kind.UUID: "VARCHAR(36)",
    Kind.JSON: "SUPER",
}

# COPY takes the columns of a Parquet file for what the file says they are.
TYPES_IN_PARQUET: Mapping[Kind, str] = {
    **TYPES,
    Kind.UINT64: "BIGINT",
    Kind.JSON: "VARCHAR(65535)",
}

_COMPRESSIONS: Mapping[Compression, str] = {"none": "", "gzip": " GZIP", "zstd": " ZSTD"}

# No table of ours is called so: their names begin with a letter.
_INCOMING = "_incoming"


def redshift_sql(files: TableFiles) -> str:
    """CREATE TABLE and COPY."""
    types = TYPES_IN_PARQUET if files.in_parquet else TYPES
    return (
        "-- Makes the table and loads one file, or, given how several files' names begin, all of those.\n"
        f"{create_table(files.table, files.columns, types)}\n\n"
        f"{_load(files)}\n"
    )


def _load(files: TableFiles) -> str:
    layout = files.layout
    match layout:
        case ParquetLayout():
            return _copy(files, files.table, files.columns, "FORMAT AS PARQUET")
        case JsonLinesLayout():
            options = f"FORMAT AS JSON 'auto'{_COMPRESSIONS[layout.compression]} {_TIMES}"
            return _through_text(files, files.columns_of(Kind.BYTES), options)
        case CsvLayout():
            null = f" NULL AS {text(layout.null)}" if layout.null else " EMPTYASNULL"
            options = (
                f"FORMAT AS CSV QUOTE AS {text(layout.quote)} DELIMITER AS {escaped_text(layout.delimiter)}"
                f" IGNOREHEADER AS {layout.header_lines}{null}{_COMPRESSIONS[layout.compression]} {_TIMES}"
            )
            return _through_text(files, files.columns_of(Kind.BYTES, Kind.JSON), options)
        case _:
            assert_never(layout)


_TIMES = "DATEFORMAT AS 'auto' TIMEFORMAT AS 'auto'"


def _through_text(files: TableFiles, encoded: Sequence[FileColumn], options: str) -> str:
    if not encoded:
        return _copy(files, files.table, files.columns, options)
    incoming = [replace(c, type=ColumnType(Kind.STRING)) if c in encoded else c for c in files.columns]
    values = (_decoded(column) if column in encoded else identifier(column.name) for column in files.columns)
    return (
        f"{create_table(_INCOMING, incoming, TYPES, temporary=True)}\n"
        f"{_copy(files, _INCOMING, incoming, options)}\n"
        f"INSERT INTO {identifier(files.table)} ({names(files.columns)})\n"
        f"SELECT\n{lines(values)}\n"
        f"FROM {identifier(_INCOMING)};\n"
        f"DROP TABLE {identifier(_INCOMING)};"
    )


def _decoded(column: FileColumn) -> str:
    name = identifier(column.name)
    return f"TO_VARBYTE({name}, 'base64')" if column.kind is Kind.BYTES else f"JSON_PARSE({name})"


def _copy(files: TableFiles, table: str, columns: Iterable[FileColumn], options: str) -> str:
    address = text(f"{files.s3_root()}{files.folder}NAME-OF-A-FILE")
    return f"COPY {identifier(table)} ({names(columns)})\nFROM {address}\nIAM_ROLE default\n{options};"
