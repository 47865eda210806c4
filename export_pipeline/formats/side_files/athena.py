"""The table over the files where they lie, for Amazon Athena, which reads from S3.

Its readers of text know few types and no NULLs: there the table holds texts, and a view makes the values.
Times are UTC without saying so, because Athena's views hold no time with a zone; it keeps their milliseconds.
"""

import json
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
    escaped_text,
    identifier,
    lines,
    plain_names,
    spelled,
    text,
)
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
    return f"{_about(files)}{_statements(files)}\n"


def _about(files: TableFiles) -> str:
    layout = files.layout
    said = comment(
        "Reads every file below LOCATION: put each table into a folder of its own.",
        "Athena takes one statement at a time.",
    )
    said += prepared_in_place(layout) + changed_texts(layout)
    if isinstance(layout, CsvLayout):
        said += texts_become_null(layout)
        if layout.line_breaks:
            said += comment("A text with a line break in it ends its row there, and the rest is another row.")
    return said


def _statements(files: TableFiles) -> str:
    layout = files.layout
    match layout:
        case ParquetLayout():
            form = "STORED AS PARQUET"
            if _renamed(files):  # then columns go by their places
                form = (
                    "ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'\n"
                    f"WITH SERDEPROPERTIES ('parquet.column.index.access' = 'true')\n{form}"
                )
            return _table(files, files.table, TYPES_IN_PARQUET, form)
        case JsonLinesLayout() | JsonListLayout():
            form = "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'"
            if mapped := _mapped(files):
                form += f"\nWITH SERDEPROPERTIES ({', '.join(mapped)})"
            return _text_and_view(files, form, "")
        case CsvLayout():
            # A character of its own for an escape: the reader's default would eat backslashes.
            escape = "\\u0001" if layout.escape == layout.quote else layout.escape.replace("\\", "\\\\")
            form = (
                "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'\n"
                f"WITH SERDEPROPERTIES ('separatorChar' = {escaped_text(layout.delimiter)},"
                f" 'quoteChar' = {escaped_text(layout.quote)}, 'escapeChar' = '{escape}')"
            )
            properties = f"\nTBLPROPERTIES ('skip.header.line.count' = '{layout.header_lines}')"
            return _text_and_view(files, form, properties)
        case _:
            assert_never(layout)


def _table(files: TableFiles, name: str, types: Mapping[Kind, str], form: str, properties: str = "") -> str:
    if types is _AS_TEXT:
        defined = [f"{identifier(column, '`')} string" for column in plain_names(list(files.tree))]
    else:
        defined = [
            f"{identifier(plain, '`')} {spelled(column.type, types)}"
            for plain, column in zip(_names(files), files.columns, strict=True)
        ]
    return (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {identifier(name, '`')} (\n{lines(defined)}\n)\n"
        f"{form}\n"
        f"LOCATION {escaped_text(files.s3_root() + files.folder)}{properties};"
    )


def _text_and_view(files: TableFiles, form: str, properties: str) -> str:
    as_text = f"{files.table}_as_text"
    values = (
        f"{_value(files, column)} AS {identifier(plain)}"
        for plain, column in zip(_names(files), files.columns, strict=True)
    )
    return (
        f"{_table(files, as_text, _AS_TEXT, form, properties)}\n\n"
        f"CREATE OR REPLACE VIEW {identifier(files.table)} AS\n"
        f"SELECT\n{lines(values)}\n"
        f"FROM {identifier(as_text)};"
    )


def _names(files: TableFiles) -> list[str]:
    return plain_names([column.name for column in files.columns])


def _renamed(files: TableFiles) -> bool:
    return _names(files) != [column.name for column in files.columns]


def _mapped(files: TableFiles) -> list[str]:
    """What tells the reader of JSON which column is which key, where they are not called the same."""
    plain = dict(zip(files.tree, plain_names(list(files.tree)), strict=True))
    if all(column == key.replace(".", "_") for key, column in plain.items()):
        return ["'dots.in.keys' = 'true'"] if any("." in key for key in plain) else []
    return ["'case.insensitive' = 'false'"] + [
        f"{escaped_text(f'mapping.{column.lower()}')} = {escaped_text(key)}"
        for key, column in plain.items()
        if column.lower() != key
    ]


def _value(files: TableFiles, column: FileColumn) -> str:
    layout = files.layout
    value = _text(files, column)
    match column.kind:
        case Kind.STRING | Kind.TIME | Kind.INTERVAL | Kind.UUID | Kind.JSON:
            return value
        case Kind.BYTES if isinstance(layout, CsvLayout) and layout.bytes_as != "base64":
            return f"from_hex(substr({value}, 3))" if layout.bytes_as == "bytea" else f"from_hex({value})"
        case Kind.BYTES:
            return f"from_base64({value})"
        case Kind.FLOAT32 | Kind.FLOAT64 if isinstance(layout, CsvLayout):
            # Athena's words for what CSV calls nan, inf and -inf.
            words = f"REPLACE(REPLACE({value}, 'inf', 'Infinity'), 'nan', 'NaN')"
            return f"CAST({words} AS {spelled(column.type, TYPES)})"
        case Kind.TIMESTAMP | Kind.TIMESTAMP_LOCAL:
            return f"CAST(REPLACE(REPLACE({value}, 'T', ' '), 'Z', '') AS timestamp)"
        case _:
            return f"CAST({value} AS {spelled(column.type, TYPES)})"


def _text(files: TableFiles, column: FileColumn) -> str:
    """The column's value as text, or NULL."""
    layout = files.layout
    first, *below = files.path(column)
    value = identifier(plain_names(list(files.tree))[list(files.tree).index(first)])
    if below:  # an object is text, too
        path = text("$" + "".join(f"[{json.dumps(key, ensure_ascii=False)}]" for key in below))
        if column.kind is Kind.JSON:
            return f"NULLIF(json_format(json_extract({value}, {path})), 'null')"
        return f"json_extract_scalar({value}, {path})"
    return f"NULLIF({value}, {text(layout.null)})" if isinstance(layout, CsvLayout) else value
