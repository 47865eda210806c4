"""Stage two: staged rows into files of the customer's format, whose rows are counted once finished."""

import hashlib
import io
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from export_pipeline.errors import PermanentFailure
from export_pipeline.formats.file_format import FileFormat
from export_pipeline.formats.side_files.table_files import columns_in
from export_pipeline.pipeline.hours import FormattedFile, FormattedHour, StagedHour, StagedRows
from export_pipeline.pipeline.progress import Progress
from export_pipeline.pipeline.staging import read_rows


class HashingFile(io.FileIO):
    """A file being written, and the sha256 of what was."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w")
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:  # type: ignore[override]  # narrower than any buffer: all we are given
        view = memoryview(data)
        self.digest.update(view)
        left = view.nbytes
        while left:  # an unbuffered write may take a part only
            left -= super().write(view[view.nbytes - left :])
        return view.nbytes


def format_hour(staged: StagedHour, file_format: FileFormat, *, progress: Progress) -> FormattedHour:
    """Write one file per table beside the staged rows."""
    started = time.monotonic()
    total = sum(table.rows for table in staged.tables)
    done = 0
    files = []
    for table in staged.tables:
        files.append(_format_table(table, file_format, done, total, progress))
        done += table.rows
    return FormattedHour(staged=staged, files=tuple(files), seconds=time.monotonic() - started)


def _format_table(
    staged: StagedRows, file_format: FileFormat, done: int, total: int, progress: Progress
) -> FormattedFile:
    path = staged.path.with_suffix(f".{file_format.extension}")

    def counted(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = done
        for batch in batches:
            yield batch
            rows += batch.num_rows
            progress(rows, total)

    with HashingFile(path) as file, read_rows(staged.path) as (schema, batches):
        file_format.write(counted(batches), schema, file)
    with path.open("rb") as finished:
        rows = file_format.count_rows(finished)
    if rows != staged.rows:
        raise PermanentFailure(
            f"the {file_format.type} file of {staged.table.name} holds {rows:,} rows of {staged.rows:,};"
            " this is a bug of the format, please report it"
        )
    return FormattedFile(
        table=staged.table.name,
        columns=columns_in(file_format.file_schema(schema)),
        path=path,
        rows=rows,
        bytes=path.stat().st_size,
        sha256=file.digest.hexdigest(),
    )
