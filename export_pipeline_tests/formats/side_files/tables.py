"""A table's files for the tests of the side files: one column for each kind, or few."""

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from export_pipeline.dataset.types import Kind
from export_pipeline.formats.dialects import DIALECTS, DialectName
from export_pipeline.formats.file_format import FileFormat, every_format
from export_pipeline.formats.formatter import Formatter
from export_pipeline.formats.side_files.table_files import TableFiles, columns_in
from export_pipeline_tests.formats.rows import VALUES, arriving, without_nul, written

TEXT_FORMATS = [file_format for file_format in every_format() if file_format.type != "parquet"]
FORMATS = [*TEXT_FORMATS, next(f for f in every_format() if f.type == "parquet")]

# In the place of the table's own columns, by whatever names: what a statement could stumble over.
CONSTANT = 'it\'s "a\\b",;\t\n\\N'
AROUND = {
    "prepend_columns": [{"value": CONSTANT, "slug": "before", "name": 'It\'s "be,fore"'}],
    "append_columns": [{"value": "", "slug": "after", "name": "After: $this"}],
}
# Where nothing is named, a constant may be called like a column.
AROUND_UNNAMED = {**AROUND, "append_columns": [{"value": "", "slug": "string"}]}

# Ways to spell CSV, besides a dialect's own.
SPELLINGS: Mapping[str, Mapping[str, Any]] = {
    "as the dialect presets": {},
    "with a line above the header, and tabs": {"sep_line": True, "delimiter": "\t"},
    "with a line above no header": {"sep_line": True, "header": "none", "delimiter": ";"},
    "by display names, between constants": {"header": "display", **AROUND},
    "by prefixed names, between constants": {"header_prefix": "crawl.20210102.", **AROUND},
    "without names, between constants": {"header": "none", **AROUND_UNNAMED},
    "all quoted": {"quoting": "all", "line_end": "crlf"},
    "all but numbers quoted": {"quoting": "nonnumeric", "line_end": "lf"},
    "with a text for NULL": {"null": "NULL"},
    "with bytes as base64": {"bytes_as": "base64"},
    "with bytes as hex": {"bytes_as": "hex"},
    "with bytes as bytea": {"bytes_as": "bytea"},
}
EVERY_SPELLING = [
    pytest.param(dialect, options, id=f"{dialect} {name}")
    for dialect in DIALECTS
    for name, options in SPELLINGS.items()
]

# With everything in it that a statement could stumble over.
KEY = "exports/it's [here]*/flights-{}.{}"


def named(file_format: FileFormat) -> str:
    return f"{file_format.type}-{file_format.compression}"


def table_files(schema: pa.Schema, file_format: Formatter, **changes: Any) -> TableFiles:
    """The files of the rows of `schema`."""
    before, after = KEY.split("{}")[0], f".{file_format.extension}"
    return TableFiles(
        **{
            "table": "flights",
            "columns": columns_in(file_format.file_schema(schema)),
            "layout": file_format.layout,
            "key_pieces": (before, after),
            "root": "s3://acme/data",
            **changes,
        }
    )


def write_file(root: Path, hour: str, file_format: Formatter, *batches: pa.RecordBatch) -> Path:
    """A file of the rows, where its key says."""
    path = root / KEY.format(hour, file_format.extension)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(written(file_format, batches[0].schema, *batches))
    return path


def rows_of_every_kind(*, nul: bool = True) -> dict[str, list[Any]]:
    """The values of a column for each kind, of equal number; without NUL characters, if so asked."""
    columns = {kind.value: [*(VALUES[kind] if nul else without_nul(VALUES[kind])), None] for kind in Kind}
    most = max(map(len, columns.values()))
    return {name: [values[n % len(values)] for n in range(most)] for name, values in columns.items()}


def as_loaded(
    dialect: DialectName, options: Mapping[str, Any], columns: Mapping[str, list[Any]]
) -> list[list[Any]]:
    """The columns of a table into which a file of these was loaded, constants included."""
    number = len(next(iter(columns.values())))
    before, after = (
        [[constant["value"]] * number for constant in options.get(f"{place}_columns", [])]
        for place in ("prepend", "append")
    )
    return [arriving(dialect, values) for values in [*before, *columns.values(), *after]]


def prepare(script: str, path: Path) -> None:
    """Do to the file what the head of the script says has to be done first."""
    for line in script.split("\n"):
        if line.startswith("--   "):
            command = line.removeprefix("--   ").replace("FILE", shlex.quote(path.name))
            subprocess.run(["bash", "-c", command], cwd=path.parent, check=True)
