"""The table and how to load it, for Amazon Redshift, which reads from S3.

Where a value must be made from its text first, it passes through a temporary table.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.formats.compression import Compression
from export_pipeline.formats.layout import CsvLayout, JsonLinesLayout, JsonListLayout, Layout, ParquetLayout
from export_pipeline.formats.side_files.preparing import (
    changed_texts,
    comment,
    prepared_in_place,
    texts_become_null,
)
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
    if files.nested:
        return (
            f"{comment('Makes the table. COPY finds no values in objects inside of objects: export without')}"
            f"{comment('nested to load the files.')}"
            f"{create_table(files.table, files.columns, TYPES)}\n"
        )
    types = TYPES_IN_PARQUET if files.in_parquet else TYPES
    whose = "Makes the table and loads one file, or, given how several files' names begin, all of those."
    columns = [
        replace(column, nullable=True) if _may_turn_null(files, column) else column
        for column in files.columns
    ]
    return f"{comment(whose)}{_caveats(files)}{create_table(files.table, columns, types)}\n\n{_load(files)}\n"


def _caveats(files: TableFiles) -> str:
    layout = files.layout
    said = prepared_in_place(layout) + changed_texts(layout)
    if isinstance(layout, CsvLayout):
        said += texts_become_null(layout)
    if files.null_is_blank:
        said += comment("A NULL is a blank line in these files, which COPY may refuse.")
    return said


def _may_turn_null(files: TableFiles, column: FileColumn) -> bool:
    """Whether a text of the column becomes NULL, also where none is one."""
    return isinstance(files.layout, CsvLayout) and column.kind is Kind.STRING


def _load(files: TableFiles) -> str:
    layout = files.layout
    match layout:
        case ParquetLayout():
            return _copy(files, files.table, files.columns, "FORMAT AS PARQUET")
        case JsonLinesLayout() | JsonListLayout():
            # By `auto` alone, keys have to be in lower case as the columns' names are.
            lowered = all(column.name == column.name.lower() for column in files.columns)
            options = f"FORMAT AS JSON {text('auto' if lowered else 'auto ignorecase')}"
            return _through_text(
                files, files.columns_of(Kind.BYTES), f"{options}{_COMPRESSIONS[layout.compression]} {_TIMES}"
            )
        case CsvLayout():
            null = f" NULL AS {text(layout.null)}" if layout.null else " EMPTYASNULL"
            options = (
                f"{_fields(layout)} IGNOREHEADER AS {layout.header_lines}{null}"
                f"{_COMPRESSIONS[layout.compression]} {_TIMES}"
            )
            return _through_text(files, files.columns_of(Kind.BYTES, Kind.JSON), options)
        case _:
            assert_never(layout)


def _fields(layout: CsvLayout) -> str:
    delimiter = f"DELIMITER AS {escaped_text(layout.delimiter)}"
    if layout.escape == layout.quote:
        return f"FORMAT AS CSV QUOTE AS {text(layout.quote)} {delimiter}"
    # As CSV it knows doubled quotes only.
    return f"{delimiter} REMOVEQUOTES ESCAPE"


_TIMES = "DATEFORMAT AS 'auto' TIMEFORMAT AS 'auto'"


def _through_text(files: TableFiles, encoded: Sequence[FileColumn], options: str) -> str:
    if not encoded:
        return _copy(files, files.table, files.columns, options)
    incoming = [replace(c, type=ColumnType(Kind.STRING)) if c in encoded else c for c in files.columns]
    values = (
        _decoded(files.layout, column) if column in encoded else identifier(column.name)
        for column in files.columns
    )
    return (
        f"{create_table(_INCOMING, incoming, TYPES, temporary=True)}\n"
        f"{_copy(files, _INCOMING, incoming, options)}\n"
        f"INSERT INTO {identifier(files.table)} ({names(files.columns)})\n"
        f"SELECT\n{lines(values)}\n"
        f"FROM {identifier(_INCOMING)};\n"
        f"DROP TABLE {identifier(_INCOMING)};"
    )


def _decoded(layout: Layout, column: FileColumn) -> str:
    name = identifier(column.name)
    if column.kind is Kind.JSON:
        return f"JSON_PARSE({name})"
    match layout.bytes_as if isinstance(layout, CsvLayout) else "base64":
        case "base64":
            return f"TO_VARBYTE({name}, 'base64')"
        case "hex":
            return f"TO_VARBYTE({name}, 'hex')"
        case "bytea":
            return f"TO_VARBYTE(SUBSTRING({name}, 3), 'hex')"


def _copy(files: TableFiles, table: str, columns: Iterable[FileColumn], options: str) -> str:
    address = text(f"{files.s3_root()}{files.folder}NAME-OF-A-FILE")
    return f"COPY {identifier(table)} ({names(columns)})\nFROM {address}\nIAM_ROLE default\n{options};"
