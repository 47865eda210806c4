"""The table and how to load one file into it, for PostgreSQL, by its client psql.

The file goes into psql's standard input, decompressed: the server need not reach it, and nobody a file of the
server's. Where a value must be made from its text first, it passes through a temporary table.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import assert_never

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.formats.compression import Compression
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
    Kind.BOOLEAN: "boolean",
    Kind.INT16: "smallint",
    Kind.INT32: "integer",
    Kind.INT64: "bigint",
    Kind.UINT64: "numeric(20,0)",
    Kind.FLOAT32: "real",
    Kind.FLOAT64: "double precision",
    Kind.DECIMAL: "numeric(p,s)",
    Kind.STRING: "text",
    Kind.BYTES: "bytea",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.TIMESTAMP: "timestamptz",
    Kind.TIMESTAMP_LOCAL: "timestamp",
    Kind.INTERVAL: "text",
    Kind.UUID: "uuid",
    Kind.JSON: "json",
}

_READERS: Mapping[Compression, str] = {"none": "cat", "gzip": "gzip -dc", "zstd": "zstd -dc"}

# No table of ours is called so: their names begin with a letter.
_INCOMING = "_incoming"

# Characters that JSON never holds bare: so each line is one value, whatever stands in it.
_LINES_AS_THEY_ARE = r"FORMAT csv, DELIMITER E'\x02', QUOTE E'\x01', ENCODING 'UTF8'"


def postgresql_sql(files: TableFiles) -> str:
    """CREATE TABLE, and a COPY of one file."""
    table = create_table(files.table, files.columns, TYPES)
    layout = files.layout
    match layout:
        case ParquetLayout():
            return (
                "-- Makes the table. PostgreSQL reads no Parquet: load it by way of DuckDB, which writes\n"
                "-- there after ATTACH 'dbname=...' AS target (TYPE postgres), or export csv or jsonl.\n"
                f"{table}\n"
            )
        case JsonLinesLayout():
            return _script(layout.compression, 0, table, _from_json_lines(files))
        case CsvLayout():
            return _script(layout.compression, layout.header_lines - 1, table, _from_csv(files, layout))
        case _:
            assert_never(layout)


def _script(compression: Compression, lines_to_drop: int, table: str, load: str) -> str:
    drop = f" | tail -n +{lines_to_drop + 1}" if lines_to_drop > 0 else ""
    return (
        "-- Makes the table if there is none, and loads one file into it:\n"
        f"--   {_READERS[compression]} FILE{drop} | psql --dbname DATABASE --file postgresql.sql\n"
        "\\set ON_ERROR_STOP on\n"
        "SET client_min_messages TO warning;\n"
        "BEGIN;\n"
        f"{table}\n\n"
        f"{load}\n"
        "COMMIT;\n"
    )


def _from_csv(files: TableFiles, layout: CsvLayout) -> str:
    encoded = files.columns_of(Kind.BYTES)
    options = {
        "FORMAT": "csv",
        "HEADER": "true" if layout.header_lines else "false",
        "DELIMITER": text(layout.delimiter),
        "QUOTE": text(layout.quote),
        "ESCAPE": text(layout.escape),
        "NULL": text(layout.null),
        "ENCODING": "'UTF8'",
    }
    if len(files.columns) == 1:  # its NULL is quoted, or its line would be blank
        options["FORCE_NULL"] = f"({names(files.columns)})"
    spelled_options = ", ".join(f"{name} {value}" for name, value in options.items())
    if not encoded:
        return f"{_copy(files.table, files.columns, spelled_options)}"
    incoming = [replace(c, type=ColumnType(Kind.STRING)) if c in encoded else c for c in files.columns]
    values = (
        f"decode({identifier(column.name)}, 'base64')" if column in encoded else identifier(column.name)
        for column in files.columns
    )
    return (
        f"{create_table(_INCOMING, incoming, TYPES, temporary=True)}\n"
        f"{_copy(_INCOMING, incoming, spelled_options)}\n"
        f"{_insert(files, values)}"
    )


def _from_json_lines(files: TableFiles) -> str:
    line = FileColumn(name="line", type=ColumnType(Kind.JSON))
    return (
        f"{create_table(_INCOMING, [line], TYPES, temporary=True)}\n"
        f"{_copy(_INCOMING, [line], _LINES_AS_THEY_ARE)}\n"
        f"{_insert(files, map(_of_line, files.columns))}"
    )


def _of_line(column: FileColumn) -> str:
    key = text(column.name)
    match column.kind:
        case Kind.BYTES:
            return f"decode(line ->> {key}, 'base64')"
        case Kind.JSON:
            return f"NULLIF((line -> {key})::text, 'null')::json"
        case _:
            return f"(line ->> {key})::{spelled(column.type, TYPES)}"


def _copy(table: str, columns: Iterable[FileColumn], options: str) -> str:
    return f"\\copy {identifier(table)} ({names(columns)}) FROM pstdin WITH ({options})"


def _insert(files: TableFiles, values: Iterable[str]) -> str:
    return (
        f"INSERT INTO {identifier(files.table)} ({names(files.columns)})\n"
        f"SELECT\n{lines(values)}\n"
        f"FROM {identifier(_INCOMING)};\n"
        f"DROP TABLE {identifier(_INCOMING)};"
    )
