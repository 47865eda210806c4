"""The table and how to load it, for DuckDB."""

from collections.abc import Mapping
from typing import assert_never

from export_pipeline.dataset.types import Kind
from export_pipeline.formats.layout import CsvLayout, JsonLinesLayout, JsonListLayout, Layout, ParquetLayout
from export_pipeline.formats.nesting import Tree
from export_pipeline.formats.side_files.preparing import changed_texts, comment, prepared_in_place
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

# Of a row, in bytes. DuckDB's own limit is 2 MB for CSV and 16 MB for JSON; it sets memory aside by it.
LONGEST_LINE = 100_000_000

# What is read here has the type of its column but for bytes, which are their text.
_AS_READ = {**TYPES, Kind.BYTES: "VARCHAR"}


def duckdb_sql(files: TableFiles) -> str:
    """CREATE TABLE, and an INSERT of all files."""
    root = f"{files.root}/" if files.root is not None else ""
    where = "" if files.root is not None else " Run it in the folder into which the files were fetched."
    return (
        f"{comment(f'Makes the table and loads every file of it.{where}')}"
        f"{prepared_in_place(files.layout, lists=True)}"
        f"{changed_texts(files.layout)}"
        f"{comment('The empty text becomes NULL.') if files.null_is_quoted else ''}"
        f"{create_table(files.table, files.columns, TYPES)}\n\n"
        f"INSERT INTO {identifier(files.table)} ({names(files.columns)})\n"
        f"SELECT\n{lines(_value(files, column) for column in files.columns)}\n"
        f"FROM {_read(files, text(root + files.glob()))};\n"
    )


def _value(files: TableFiles, column: FileColumn) -> str:
    first, *below = files.path(column)
    value = identifier(first) + "".join(f"[{text(name)}]" for name in below)
    if files.in_parquet:
        return f"CAST({value} AS {spelled(column.type, TYPES)})"
    return _decoded(files.layout, value) if column.kind is Kind.BYTES else value


def _decoded(layout: Layout, value: str) -> str:
    match layout.bytes_as if isinstance(layout, CsvLayout) else "base64":
        case "base64":
            return f"from_base64({value})"
        case "hex":
            return f"from_hex({value})"
        case "bytea":
            return f"from_hex(substr({value}, 3))"


def _read(files: TableFiles, path: str) -> str:
    layout = files.layout
    match layout:
        case ParquetLayout():
            return f"read_parquet({path})"
        case JsonLinesLayout() | JsonListLayout():
            options = {
                "format": "'array'" if isinstance(layout, JsonListLayout) else "'newline_delimited'",
                "compression": text(layout.compression),
                "maximum_object_size": str(LONGEST_LINE),
                "columns": _columns(files),
            }
            return _call("read_json", path, options)
        case CsvLayout():
            options = {
                "auto_detect": "false",
                "header": "false",
                "skip": str(layout.header_lines),
                "delim": text(layout.delimiter),
                "quote": text(layout.quote),
                "escape": text(layout.escape),
                "new_line": text(layout.line_end.replace("\r", "\\r").replace("\n", "\\n")),
                "nullstr": text(layout.null),
                "allow_quoted_nulls": "true" if files.null_is_quoted else "false",
                "compression": text(layout.compression),
                "max_line_size": str(LONGEST_LINE),
                "columns": _columns(files),
            }
            return _call("read_csv", path, options)
        case _:
            assert_never(layout)


def _columns(files: TableFiles) -> str:
    read = (f"{text(name)}: {text(_type(files, below))}" for name, below in files.tree.items())
    return f"{{{', '.join(read)}}}"


def _type(files: TableFiles, below: int | Tree) -> str:
    if isinstance(below, int):
        return spelled(files.columns[below].type, _AS_READ)
    members = (f"{identifier(name)} {_type(files, part)}" for name, part in below.items())
    return f"STRUCT({', '.join(members)})"


def _call(function: str, path: str, options: Mapping[str, str]) -> str:
    return f"{function}(\n{lines([path, *(f'{name} = {value}' for name, value in options.items())])}\n)"
