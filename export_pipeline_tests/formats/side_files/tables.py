"""A table's files for the tests of the side files: one column for each kind, or few."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from export_pipeline.dataset.types import ColumnType
from export_pipeline.formats.file_format import FileFormat, every_format
from export_pipeline.formats.formatter import Formatter
from export_pipeline.formats.side_files.table_files import FileColumn, TableFiles
from export_pipeline_tests.formats.rows import written

TEXT_FORMATS = [file_format for file_format in every_format() if file_format.type != "parquet"]
FORMATS = [*TEXT_FORMATS, next(f for f in every_format() if f.type == "parquet")]

# With everything in it that a statement could stumble over.
KEY = "exports/it's [here]*/flights-{}.{}"


def named(file_format: FileFormat) -> str:
    return f"{file_format.type}-{file_format.compression}"


def table_files(schema: pa.Schema, file_format: Formatter, **changes: Any) -> TableFiles:
    """The files of the rows of `schema`."""
    before, after = KEY.split("{}")[0], f".{file_format.extension}"
    columns = tuple(
        FileColumn(
            name=field.name,
            type=ColumnType.parse((field.metadata or {})[b"type"].decode()),
            nullable=field.nullable,
        )
        for field in schema
    )
    return TableFiles(
        **{
            "table": "flights",
            "columns": columns,
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
