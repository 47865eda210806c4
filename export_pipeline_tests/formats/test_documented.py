"""`docs/formats.md`: its tables are the code's, or made of what readers do when told as it says."""

import io
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from export_pipeline.dataset.types import Kind
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.dialects import DIALECTS, DialectName
from export_pipeline.formats.file_format import MEMBERS, format_from
from export_pipeline.formats.jsonl import JsonlFormat
from export_pipeline.formats.parquet import ParquetFormat
from export_pipeline_tests.formats.readers import (
    DUCKDB,
    DUCKDB_ALWAYS,
    PANDAS,
    POSTGRESQL,
    PYTHON,
    read_by_duckdb,
    read_by_pandas,
    read_by_postgresql,
    read_by_python,
)
from export_pipeline_tests.formats.rows import DECLARED, VALUES, a_batch, a_schema, written

DOCUMENT = Path(__file__).parents[2] / "docs" / "formats.md"

# Set to 1, the tables are written instead of compared: then look at the difference.
UPDATE = "UPDATE_GOLDEN_FILES"

EXAMPLES: dict[Kind, Any] = {kind: values[0] for kind, values in VALUES.items()} | {
    Kind.INT16: -7,
    Kind.INT32: 42,
    Kind.INT64: 2**63 - 1,
    Kind.UINT64: 2**64 - 1,
    Kind.FLOAT32: 1.5,
    Kind.DECIMAL: VALUES[Kind.DECIMAL][3],
    Kind.STRING: 'a "b"\\',
    Kind.BYTES: b"abc\xff",
    Kind.TIME: VALUES[Kind.TIME][1],
}


def code(text: str) -> str:
    """The text in a table's cell, as code."""
    return f"`{text}`" if text else "(nothing)"


def table(heads: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("|---", "|---") for line in lines)


def assert_documented(name: str, expected: str) -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    before, begin, rest = document.partition(f"<!-- {name} -->\n")
    found, end, after = rest.partition(f"<!-- /{name} -->")
    assert begin
    assert end
    if os.environ.get(UPDATE) == "1":
        DOCUMENT.write_text(f"{before}{begin}{expected}\n{end}{after}", encoding="utf-8")
        return
    assert found == f"{expected}\n", f"run with {UPDATE}=1 if meant"


def a_value(file_format: Any, kind: Kind) -> bytes:
    schema = a_schema(value=DECLARED[kind])
    return written(file_format, schema, a_batch(schema, {"value": EXAMPLES[kind]}))


def in_csv(kind: Kind) -> str:
    data = a_value(CsvFormat(compression="none", header="none"), kind)
    return data.decode().removesuffix("\r\n")


def in_json(kind: Kind) -> str:
    data = a_value(JsonlFormat(compression="none"), kind)
    return data.decode().removeprefix('{"value":').removesuffix("}\n")


def in_parquet(kind: Kind) -> str:
    column = pq.ParquetFile(io.BytesIO(a_value(ParquetFormat(), kind))).schema.column(0)
    logical = json.loads(column.logical_type.to_json())
    options = ", ".join(
        f"{name}={str(value).lower()}" for name, value in logical.items() if name not in _UNSAID
    )
    named = "" if logical["Type"] == "None" else f" {logical['Type']}"
    return f"{column.physical_type}{named}{f'({options})' if options else ''}"


_UNSAID = {"Type", "is_from_converted_type", "force_set_converted_type"}


def test_what_arrives_of_each_type() -> None:
    rows = ([code(kind), code(in_csv(kind)), code(in_json(kind)), code(in_parquet(kind))] for kind in Kind)
    assert_documented("types", table(["type", "CSV", "JSON, JSON Lines", "Parquet"], rows))


def choices_of(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(map(code, schema["enum"]))
    words = {"boolean": "`true`, `false`", "integer": "number", "array": "list", "string": "text"}
    return words[schema["type"]]


def test_every_option_has_its_place() -> None:
    types: dict[tuple[str, ...], list[str]] = {}
    for type_, member in MEMBERS.items():
        for name, schema in member.model_json_schema()["properties"].items():
            default = schema["default"]
            default = default if isinstance(default, str) else json.dumps(default)
            if name != "type":
                types.setdefault((code(name), choices_of(schema), code(default)), []).append(code(type_))
    rows = ([*option, ", ".join(having)] for option, having in types.items())
    assert_documented("options", table(["option", "values", "default", "of"], rows))


def test_the_dialects_are_what_they_are() -> None:
    def rows() -> Iterator[Sequence[str]]:
        for name, dialect in DIALECTS.items():
            preset = dialect.defaults
            inside = ", ".join(f"{code(by)} for {code(what)}" for what, by in dialect.escapes.items())
            also = ", ".join(map(code, dialect.quoted_for)) or "nothing else"
            yield [
                code(name), code(preset.delimiter), code(preset.line_end), code(preset.quoting),
                code(preset.null), code(preset.bytes_as), inside, also,
            ]  # fmt: skip

    heads = ["`dialect`", "`delimiter`", "`line_end`", "`quoting`", "`null`", "`bytes_as`"]
    assert_documented("dialects", table([*heads, "inside quotes", "quoted for"], rows()))


def test_readers_are_told_as_it_says() -> None:
    def rows() -> Iterator[Sequence[str]]:
        for name in DIALECTS:
            copy = f"COPY t FROM … ({POSTGRESQL[name]})"
            duckdb = f"read_csv(…, {DUCKDB_ALWAYS}, {DUCKDB[name]})"
            first = "after the replacement: " if name == "excel" else ""
            told = [PYTHON[name], PANDAS[name], duckdb, copy]
            yield [code(name), first + "<br>".join(map(code, told))]

    assert_documented("readers", table(["dialect", "Python, pandas, DuckDB, PostgreSQL"], rows()))


def test_where_null_and_the_empty_text_differ(postgres_database: str, tmp_path: Path) -> None:
    def by_postgresql(dialect: DialectName, data: bytes, columns: Sequence[str]) -> list[Any]:
        types = dict.fromkeys(columns, "text")
        return list(read_by_postgresql(dialect, data, types, postgres_database))

    def by_duckdb(dialect: DialectName, data: bytes, columns: Sequence[str]) -> list[Any]:
        file_format = CsvFormat(compression="none", dialect=dialect)
        return read_by_duckdb(file_format, data, dict.fromkeys(columns, "VARCHAR"), tmp_path)

    def by_pandas(dialect: DialectName, data: bytes, _columns: Sequence[str]) -> list[Any]:
        frame = read_by_pandas(dialect, data)
        return [tuple(row) for row in frame.where(frame.notna(), None).to_numpy()]

    def by_python(dialect: DialectName, data: bytes, _columns: Sequence[str]) -> list[Any]:
        return list(map(tuple, read_by_python(dialect, data)))

    readers: dict[str, Callable[[DialectName, bytes, Sequence[str]], list[Any]]] = {
        "PostgreSQL": by_postgresql,
        "DuckDB": by_duckdb,
        "pandas": by_pandas,
        "Python": by_python,
    }

    def apart(dialect: DialectName, reader: str, **declared: str) -> str:
        schema = a_schema(**declared)
        rows: list[dict[str, Any]] = [dict.fromkeys(declared, "x") | {"value": v} for v in (None, "")]
        data = written(CsvFormat(compression="none", dialect=dialect), schema, a_batch(schema, *rows))
        found = readers[reader](dialect, data, list(declared))
        if len(found) != 2:
            return "loses the row"
        null, empty = (row[-1] if row else None for row in found)
        return "yes" if null != empty else "no"

    def rows() -> Iterator[Sequence[str]]:
        for dialect in DIALECTS:
            among = (apart(dialect, reader, key="string", value="string") for reader in readers)
            alone = (apart(dialect, reader, value="string") for reader in readers)
            yield [code(dialect), *(f"{one}, {two}" for one, two in zip(among, alone, strict=True))]

    heads = [f"{reader}: among, alone" for reader in readers]
    assert_documented("null", table(["dialect", *heads], rows()))


def test_what_others_call_otherwise_is_an_option_of_ours() -> None:
    _, _, mapping = DOCUMENT.read_text(encoding="utf-8").partition("## In the words of other APIs")
    rows = [line.split(" | ") for line in mapping.splitlines() if line.startswith(("| Coveo", "| B"))]
    assert len(rows) > 10
    for _, ours in rows:
        options = dict(text.split("=", 1) for text in re.findall(r"`([^`]+)`", ours))
        typed = {name: json.loads(v) if v.startswith("[") else v for name, v in options.items()}
        given = format_from(typed).model_dump(mode="json")
        assert {name: json.dumps(given[name]).strip('"') for name in options if name != "append_columns"} == {
            name: value for name, value in options.items() if name != "append_columns"
        }
