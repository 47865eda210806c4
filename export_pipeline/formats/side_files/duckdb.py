"""The table and how to load it, for DuckDB."""

from collections.abc import Mapping
from typing import assert_never

from export_pipeline.dataset.types import Kind
from export_pipeline.formats.layout import CsvLayout, JsonLinesLayout, ParquetLayout
from export_pipeline.formats.side_files.statements import (
    create_table,
    identifier,
    lines,
    names,
    spelled,
    text,
)
from export_pipeline.formats.side_files.table_files import FileColumn, TableFiles

TYPES: Mapping[Kind, str] = {
    Kind.BOOLEAN: "BOOLEAN",
    Kind.INT16: "SMALLINT",
    Kind.INT32: "INTEGER",
    Kind.INT64: "BIGINT",
    Kind.UINT64: "UBIGINT",
    Kind.FLOAT32: "FLOAT",
    Kind.FLOAT64: "DOUBLE",
    Kind.DECIMAL: "DECIMAL(p,s)",
    Kind.STRING: "VARCHAR",
    Kind.BYTES: "BLOB",
    Kind.DATE: "DATE",
    Kind.TIME: "TIME",
    Kind.TIMESTAMP: "TIMESTAMPTZ",
    Kind.TIMESTAMP_LOCAL: "TIMESTAMP",
    Kind.INTERVAL: "VARCHAR",
    Kind.UUID: "UUID",
    Kind.JSON: "JSON",
}

# Bytes are base64 in text. What is read here has the type of its column but for them.
_AS_READ = {**TYPES, Kind.BYTES: "VARCHAR"}


def duckdb_sql(files: TableFiles) -> str:
    """CREATE TABLE, and an INSERT of all files."""
    root = f"{files.root}/" if files.root is not None else ""
    where = "" if files.root is not None else " Run it in the folder into which the files were fetched."
    return (
        f"-- Makes the table and loads every file of it.{where}\n"
        f"{create_table(files.table, files.columns, TYPES)}\n\n"
        f"INSERT INTO {identifier(files.table)} ({names(files.columns)})\n"
        f"SELECT\n{lines(_value(files, column) for column in files.columns)}\n"
        f"FROM {_read(files, text(root + files.glob()))};\n"
    )


def _value(files: TableFiles, column: FileColumn) -> str:
    name = identifier(column.name)
    if files.in_parquet:
        return f"CAST({name} AS {spelled(column.type, TYPES)})"
    return f"from_base64({name})" if column.kind is Kind.BYTES else name


def _read(files: TableFiles, path: str) -> str:
    layout = files.layout
    match layout:
        case ParquetLayout():
            return f"read_parquet({path})"
        case JsonLinesLayout():
            options = {"format": "'newline_delimited'", "compression": text(layout.compression)}
            return _call("read_json", path, options | {"columns": _columns(files)})
        case CsvLayout():
            # With one column a NULL is quoted, or its line would be blank.
            alone = len(files.columns) == 1
            options = {
                "auto_detect": "false",
                "header": "false",
                "skip": str(layout.header_lines),
                "delim": text(layout.delimiter),
                "quote": text(layout.quote),
                "escape": text(layout.escape),
                "new_line": text(layout.line_end.replace("\r", "\\r").replace("\n", "\\n")),
                "nullstr": text(layout.null),
                "allow_quoted_nulls": "true" if alone else "false",
                "compression": text(layout.compression),
            }
            return _call("read_csv", path, options | {"columns": _columns(files)})
        case _:
            assert_never(layout)


def _columns(files: TableFiles) -> str:
    read = (f"{text(column.name)}: {text(spelled(column.type, _AS_READ))}" for column in files.columns)
    return f"{{{', '.join(read)}}}"


def _call(function: str, path: str, options: Mapping[str, str]) -> str:
    return f"{function}(\n{lines([path, *(f'{name} = {value}' for name, value in options.items())])}\n)"
