"""The table and how to load one file into it, for PostgreSQL, by its client psql.

The file goes into psql's standard input, decompressed: the server need not reach it, and nobody a file of the
server's. Where a value must be made from its text first, it passes through a temporary table.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import assert_never

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.formats.compression import Compression
from export_pipeline.formats.layout import CsvLayout, JsonLinesLayout, JsonListLayout, ParquetLayout
from export_pipeline.formats.side_files.preparing import READERS, changed_texts, comment, preparation
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

# No table of ours is called so: their names begin with a letter.
_INCOMING = "_incoming"

# Characters that JSON never holds bare: so each line is one value, whatever stands in it.
_LINES_AS_THEY_ARE = r"FORMAT csv, DELIMITER E'\x02', QUOTE E'\x01', ENCODING 'UTF8'"


def postgresql_sql(files: TableFiles) -> str:
    """CREATE TABLE, and a COPY of one file."""
    layout = files.layout
    match layout:
        case ParquetLayout():
            return (
                "-- Makes the table. PostgreSQL reads no Parquet: load it by way of DuckDB, which writes\n"
                "-- there after ATTACH 'dbname=...' AS target (TYPE postgres), or export csv or jsonl.\n"
                f"{create_table(files.table, files.columns, TYPES)}\n"
            )
        case JsonLinesLayout() | JsonListLayout():
            return _script(files, layout.compression, "", _from_json_lines(files))
        case CsvLayout():
            # A header is dropped by COPY itself, what stands above it is not.
            drop = f"tail -n +{layout.header_lines}" if layout.header_lines > 1 else ""
            return _script(files, layout.compression, drop, _from_csv(files, layout))
        case _:
            assert_never(layout)


def _script(files: TableFiles, compression: Compression, drop: str, load: str) -> str:
    needed = preparation(files.layout)
    steps = [f"{READERS[compression]} FILE", needed.filter if needed else "", drop]
    command = " | ".join([*filter(None, steps), "psql --dbname DATABASE --file postgresql.sql"])
    return (
        f"{comment('Makes the table if there is none, and loads one file into it:', f'  {command}')}"
        f"{_caveats(files)}"
        "\\set ON_ERROR_STOP on\n"
        "SET client_min_messages TO warning;\n"
        "BEGIN;\n"
        f"{create_table(files.table, files.columns, TYPES)}\n\n"
        f"{load}\n"
        "COMMIT;\n"
    )


def _caveats(files: TableFiles) -> str:
    layout = files.layout
    ends = isinstance(layout, CsvLayout) and (layout.line_breaks or len(files.columns) == 1)
    said = changed_texts(layout)
    if files.null_is_quoted:
        said += comment("The empty text becomes NULL.")
    if ends:
        said += comment("Before version 18, a line that is \\. alone, also inside a text, ends the file.")
    return said


def _from_csv(files: TableFiles, layout: CsvLayout) -> str:
    options = {
        "FORMAT": "csv",
        "HEADER": "true" if layout.header_lines else "false",
        "DELIMITER": text(layout.delimiter),
        "QUOTE": text(layout.quote),
        "ESCAPE": text(layout.escape),
        "NULL": text(layout.null),
        "ENCODING": "'UTF8'",
    }
    if files.null_is_quoted:
        options["FORCE_NULL"] = f"({names(files.columns)})"
    spelled_options = ", ".join(f"{name} {value}" for name, value in options.items())
    # As `bytea` itself has them, they need no decoding.
    encoded = files.columns_of(Kind.BYTES) if layout.bytes_as != "bytea" else ()
    if not encoded:
        return f"{_copy(files.table, files.columns, spelled_options)}"
    incoming = [replace(c, type=ColumnType(Kind.STRING)) if c in encoded else c for c in files.columns]
    values = (
        f"decode({identifier(column.name)}, {text(layout.bytes_as)})"
        if column in encoded
        else identifier(column.name)
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
        f"{_insert(files, (_of_line(files, column) for column in files.columns))}"
    )


def _of_line(files: TableFiles, column: FileColumn) -> str:
    *above, last = map(text, files.path(column))
    line = " -> ".join(["line", *above])
    match column.kind:
        case Kind.BYTES:
            return f"decode({line} ->> {last}, 'base64')"
        case Kind.JSON:
            return f"NULLIF(({line} -> {last})::text, 'null')::json"
        case _:
            return f"({line} ->> {last})::{spelled(column.type, TYPES)}"


def _copy(table: str, columns: Iterable[FileColumn], options: str) -> str:
    return f"\\copy {identifier(table)} ({names(columns)}) FROM pstdin WITH ({options})"


def _insert(files: TableFiles, values: Iterable[str]) -> str:
    return (
        f"INSERT INTO {identifier(files.table)} ({names(files.columns)})\n"
        f"SELECT\n{lines(values)}\n"
        f"FROM {identifier(_INCOMING)};\n"
        f"DROP TABLE {identifier(_INCOMING)};"
    )
