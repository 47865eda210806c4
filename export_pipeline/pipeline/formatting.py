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
from export_pipeline.pipeline.staging import read_rows, schema_of


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
        path = staged.folder / f"{table.table.name}.{file_format.extension}"
        files.append(_format_table(table, path, file_format, done, total, progress))
        done += table.rows
    return FormattedHour(staged=staged, files=tuple(files), seconds=time.monotonic() - started)


def _format_table(
    staged: StagedRows, path: Path, file_format: FileFormat, done: int, total: int, progress: Progress
) -> FormattedFile:
    schema = schema_of(staged.paths[0])
    rows_of_parts = [0] * len(staged.paths)

    def counted() -> Iterator[pa.RecordBatch]:
        through = done
        for part, one in enumerate(staged.paths):
            with read_rows(one) as (_, batches):
                for batch in batches:
                    yield batch
                    rows_of_parts[part] += batch.num_rows
                    through += batch.num_rows
                    progress(through, total)

    with HashingFile(path) as file:
        file_format.write(counted(), schema, file)
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
        rows_of_parts=tuple(rows_of_parts),
    )
