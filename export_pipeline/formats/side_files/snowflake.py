"""The table and how to load it, for Snowflake: a stage where the files are, a COPY of those not loaded yet.

Values are read by their places or names. COPY knows some functions only, and no format given to TO_BINARY: so
what bytes are written as is said of the file.
"""

from collections.abc import Mapping
from typing import assert_never

from export_pipeline.dataset.types import Kind
from export_pipeline.formats.layout import CsvLayout, JsonLinesLayout, JsonListLayout, ParquetLayout
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
    spelled,
)
from export_pipeline.formats.side_files.table_files import FileColumn, TableFiles

TYPES: Mapping[Kind, str] = {
    Kind.BOOLEAN: "BOOLEAN",
    Kind.INT16: "SMALLINT",
    Kind.INT32: "INTEGER",
    Kind.INT64: "BIGINT",
    Kind.UINT64: "NUMBER(20,0)",
    Kind.FLOAT32: "FLOAT",
    Kind.FLOAT64: "FLOAT",
    Kind.DECIMAL: "NUMBER(p,s)",
    Kind.STRING: "VARCHAR",
    Kind.BYTES: "BINARY",
    Kind.DATE: "DATE",
    Kind.TIME: "TIME(6)",
    Kind.TIMESTAMP: "TIMESTAMP_TZ(6)",
    Kind.TIMESTAMP_LOCAL: "TIMESTAMP_NTZ(6)",
    Kind.INTERVAL: "VARCHAR",
    Kind.UUID: "VARCHAR(36)",
    Kind.JSON: "VARIANT",
}

# What Snowflake calls the stores, by how we write their addresses. Other files are put into the stage.
_SCHEMES: Mapping[str, str] = {"s3://": "s3://", "gs://": "gcs://", "azure://": "azure://"}


def snowflake_sql(files: TableFiles) -> str:
    """CREATE TABLE, CREATE STAGE and COPY INTO."""
    stage = identifier(f"{files.table}_files")
    values = (_value(files, place, column) for place, column in enumerate(files.columns, 1))
    return (
        f"{comment('Makes the table and loads every file of it that was not loaded yet.')}"
        f"{_caveats(files)}"
        f"{create_table(files.table, files.columns, TYPES)}\n\n"
        f"{_create_stage(files, stage)}\n\n"
        f"COPY INTO {identifier(files.table)} ({names(files.columns)})\n"
        f"FROM (\n    SELECT\n{lines(f'    {value}' for value in values)}\n    FROM @{stage}\n)\n"
        f"PATTERN = {escaped_text(f'.*{files.regex()}')}\n"
        f"FILE_FORMAT = ({_file_format(files)});\n"
    )


def _caveats(files: TableFiles) -> str:
    layout = files.layout
    said = prepared_in_place(layout, lists=True) + changed_texts(layout)
    if isinstance(layout, CsvLayout) and (layout.null or files.null_is_quoted):
        said += texts_become_null(layout)
    if files.null_is_blank:
        said += comment("A NULL is a blank line in these files, which COPY refuses.")
    return said


def _create_stage(files: TableFiles, stage: str) -> str:
    for ours, theirs in _SCHEMES.items():
        if files.root is not None and files.root.startswith(ours):
            url = escaped_text(f"{theirs}{files.root.removeprefix(ours)}/{files.folder}")
            return (
                "-- Put the name of your storage integration here.\n"
                f"CREATE STAGE IF NOT EXISTS {stage}\n"
                f"    URL = {url}\n"
                "    STORAGE_INTEGRATION = YOUR_INTEGRATION;"
            )
    return f"-- Files come into it by PUT.\nCREATE STAGE IF NOT EXISTS {stage};"


def _value(files: TableFiles, place: int, column: FileColumn) -> str:
    layout = files.layout
    value = f"${place}"
    if not isinstance(layout, CsvLayout):
        value = f"$1:{'.'.join(map(identifier, files.path(column)))}"
    in_json = isinstance(layout, JsonLinesLayout | JsonListLayout)
    match column.kind:
        case Kind.BYTES if isinstance(layout, CsvLayout) and layout.bytes_as == "bytea":
            return f"SUBSTR({value}, 3)::VARCHAR"
        case Kind.BYTES if not files.in_parquet:
            return f"{value}::VARCHAR"  # the column takes it for what BINARY_FORMAT says it is
        case Kind.JSON:
            return f"NULLIF({value}, PARSE_JSON('null'))" if in_json else f"PARSE_JSON({value}::VARCHAR)"
        case Kind.FLOAT32 | Kind.FLOAT64 if in_json:
            return f"REPLACE({value}::VARCHAR, 'Infinity', 'inf')::FLOAT"
        case _:
            return f"{value}::{spelled(column.type, TYPES)}"


def _file_format(files: TableFiles) -> str:
    layout = files.layout
    match layout:
        case ParquetLayout():
            options = {"TYPE": "PARQUET", "USE_LOGICAL_TYPE": "TRUE", "BINARY_AS_TEXT": "FALSE"}
        case JsonLinesLayout() | JsonListLayout():
            compression = layout.compression.upper()
            options = {"TYPE": "JSON", "COMPRESSION": compression, "BINARY_FORMAT": "BASE64"}
            if isinstance(layout, JsonListLayout):
                options["STRIP_OUTER_ARRAY"] = "TRUE"
        case CsvLayout():
            null = escaped_text(layout.null) if layout.null or files.null_is_quoted else ""
            options = {
                "TYPE": "CSV",
                "COMPRESSION": layout.compression.upper(),
                "SKIP_HEADER": str(layout.header_lines),
                "FIELD_DELIMITER": escaped_text(layout.delimiter),
                "RECORD_DELIMITER": escaped_text(layout.line_end),
                "FIELD_OPTIONALLY_ENCLOSED_BY": escaped_text(layout.quote),
                "ESCAPE": "NONE" if layout.escape == layout.quote else escaped_text(layout.escape),
                "ESCAPE_UNENCLOSED_FIELD": "NONE",
                "NULL_IF": f"({null})",
                "EMPTY_FIELD_AS_NULL": "FALSE" if layout.null else "TRUE",
                "BINARY_FORMAT": "BASE64" if layout.bytes_as == "base64" else "HEX",
            }
        case _:
            assert_never(layout)
    return ", ".join(f"{name} = {value}" for name, value in options.items())
