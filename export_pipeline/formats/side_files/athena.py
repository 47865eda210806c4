"""The table over the files where they lie, for Amazon Athena, which reads from S3.

Its readers of text know few types and no NULLs: there the table holds texts, and a view makes the values.
Times are UTC without saying so, because Athena's views hold no time with a zone; it keeps their milliseconds.
"""

from collections.abc import Mapping
from typing import assert_never

from export_pipeline.dataset.types import Kind
from export_pipeline.formats.layout import CsvLayout, JsonLinesLayout, ParquetLayout
from export_pipeline.formats.side_files.statements import escaped_text, identifier, lines, spelled, text
from export_pipeline.formats.side_files.table_files import FileColumn, TableFiles

# The columns of the view over files of text.
TYPES: Mapping[Kind, str] = {
    Kind.BOOLEAN: "boolean",
    Kind.INT16: "smallint",
    Kind.INT32: "integer",
    Kind.INT64: "bigint",
    Kind.UINT64: "decimal(20,0)",
    Kind.FLOAT32: "real",
    Kind.FLOAT64: "double",
    Kind.DECIMAL: "decimal(p,s)",
    Kind.STRING: "varchar",
    Kind.BYTES: "varbinary",
    Kind.DATE: "date",
    Kind.TIME: "varchar",
    Kind.TIMESTAMP: "timestamp",
    Kind.TIMESTAMP_LOCAL: "timestamp",
    Kind.INTERVAL: "varchar",
    Kind.UUID: "varchar",
    Kind.JSON: "varchar",
}

# The columns of the table over Parquet files, in the words of Athena's DDL. A time is its microseconds.
TYPES_IN_PARQUET: Mapping[Kind, str] = {
    Kind.BOOLEAN: "boolean",
    Kind.INT16: "smallint",
    Kind.INT32: "int",
    Kind.INT64: "bigint",
    Kind.UINT64: "bigint",
    Kind.FLOAT32: "float",
    Kind.FLOAT64: "double",
    Kind.DECIMAL: "decimal(p,s)",
    Kind.STRING: "string",
    Kind.BYTES: "binary",
    Kind.DATE: "date",
    Kind.TIME: "bigint",
    Kind.TIMESTAMP: "timestamp",
    Kind.TIMESTAMP_LOCAL: "timestamp",
    Kind.INTERVAL: "string",
    Kind.UUID: "string",
    Kind.JSON: "string",
}

_AS_TEXT: Mapping[Kind, str] = dict.fromkeys(Kind, "string")


def athena_sql(files: TableFiles) -> str:
    """CREATE EXTERNAL TABLE, and over text a view."""
    about = (
        "-- Reads every file below LOCATION: put each table into a folder of its own.\n"
        "-- Athena takes one statement at a time."
    )
    layout = files.layout
    match layout:
        case ParquetLayout():
            form = "STORED AS PARQUET"
            if _dotted(files):  # Athena's names have no dots: columns go by their places
                form = (
                    "ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'\n"
                    f"WITH SERDEPROPERTIES ('parquet.column.index.access' = 'true')\n{form}"
                )
            return f"{about}\n{_table(files, files.table, TYPES_IN_PARQUET, form)}\n"
        case JsonLinesLayout():
            form = "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'"
            if _dotted(files):
                form += "\nWITH SERDEPROPERTIES ('dots.in.keys' = 'true')"
            return f"{about}\n{_text_and_view(files, form, '')}\n"
        case CsvLayout():
            # A character of its own for an escape: the reader's default would eat backslashes.
            escape = "\\u0001" if layout.escape == layout.quote else layout.escape.replace("\\", "\\\\")
            form = (
                "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'\n"
                f"WITH SERDEPROPERTIES ('separatorChar' = {escaped_text(layout.delimiter)},"
                f" 'quoteChar' = {escaped_text(layout.quote)}, 'escapeChar' = '{escape}')"
            )
            properties = f"\nTBLPROPERTIES ('skip.header.line.count' = '{layout.header_lines}')"
            return f"{about}\n{_text_and_view(files, form, properties)}\n"
        case _:
            assert_never(layout)


def _table(files: TableFiles, name: str, types: Mapping[Kind, str], form: str, properties: str = "") -> str:
    defined = (f"{identifier(_name(column), '`')} {spelled(column.type, types)}" for column in files.columns)
    return (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {identifier(name, '`')} (\n{lines(defined)}\n)\n"
        f"{form}\n"
        f"LOCATION {escaped_text(files.s3_root() + files.folder)}{properties};"
    )


def _text_and_view(files: TableFiles, form: str, properties: str) -> str:
    as_text = f"{files.table}_as_text"
    values = (f"{_value(files, column)} AS {identifier(_name(column))}" for column in files.columns)
    return (
        f"{_table(files, as_text, _AS_TEXT, form, properties)}\n\n"
        f"CREATE OR REPLACE VIEW {identifier(files.table)} AS\n"
        f"SELECT\n{lines(values)}\n"
        f"FROM {identifier(as_text)};"
    )


def _dotted(files: TableFiles) -> bool:
    return any("." in column.name for column in files.columns)


def _name(column: FileColumn) -> str:
    return column.name.replace(".", "_")


def _value(files: TableFiles, column: FileColumn) -> str:
    null = files.layout.null if isinstance(files.layout, CsvLayout) else None
    value = identifier(_name(column))
    if null is not None:
        value = f"NULLIF({value}, {text(null)})"
    match column.kind:
        case Kind.STRING | Kind.TIME | Kind.INTERVAL | Kind.UUID | Kind.JSON:
            return value
        case Kind.BYTES:
            return f"from_base64({value})"
        case Kind.FLOAT32 | Kind.FLOAT64 if null is not None:
            # Athena's words for what CSV calls nan, inf and -inf.
            words = f"REPLACE(REPLACE({value}, 'inf', 'Infinity'), 'nan', 'NaN')"
            return f"CAST({words} AS {spelled(column.type, TYPES)})"
        case Kind.TIMESTAMP | Kind.TIMESTAMP_LOCAL:
            return f"CAST(REPLACE(REPLACE({value}, 'T', ' '), 'Z', '') AS timestamp)"
        case _:
            return f"CAST({value} AS {spelled(column.type, TYPES)})"
