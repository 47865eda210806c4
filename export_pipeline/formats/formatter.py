"""What a file format can do. A format is one frozen model: its options, and how it writes and counts."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, Protocol

import pyarrow as pa

from export_pipeline.dataset.tables import Column
from export_pipeline.errors import InvalidRequest, PermanentFailure
from export_pipeline.formats.kernels import Values, pc
from export_pipeline.formats.layout import Layout

# Files are cut into blocks of at most this many rows, however the rows came in: so the same rows
# give the same bytes. About 15 MB for twenty mixed columns: large enough that per-block cost
# disappears.
ROWS_PER_BLOCK = 50_000

# The other limit of a block, for wide rows: a writer needs several times this much memory, and
# should not exhaust a worker.
BYTES_PER_BLOCK = 16 * 2**20


class Formatter(Protocol):
    """Writes rows as a file. The same rows give the same bytes; no rows still give a valid file.

    A write that fails leaves a file that no reader takes for a whole one, if the format has an end
    that can be told: compressed files and Parquet do, plain text does not.
    """

    @property
    def extension(self) -> str:
        """What the file's name ends in, without the leading dot: `csv.gz`."""

    @property
    def layout(self) -> Layout:
        """What somebody who loads such a file must know."""

    def check(self, columns: Sequence[Column]) -> None:
        """InvalidRequest, naming the option and the cure, when these columns cannot share a file."""

    def file_schema(self, schema: pa.Schema) -> pa.Schema:
        """The schema of a file of rows of this schema: all of its columns, no two of one name.

        They are those in the file, if it names its columns. The fields carry the declared types.
        """

    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema, sink: BinaryIO) -> None:
        """Write all rows to `sink`. The schema's fields carry the declared types (see extract.schema).

        PermanentFailure, naming the column, when a value cannot be written in this format.
        """

    def count_rows(self, source: BinaryIO) -> int:
        """How many rows a file of this format holds, by reading it and nothing else.

        TransientFailure when the file is damaged or cut off.
        """


@contextmanager
def still_possible() -> Iterator[None]:
    """What was accepted once can have become impossible since, by a change of the dataset's declaration:
    a refusal is then a PermanentFailure.
    """
    try:
        yield
    except InvalidRequest as error:
        raise PermanentFailure(
            f"{error} (the declaration was changed since the export was made: make it again)"
        ) from error


def blocks(
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    *,
    rows: int = ROWS_PER_BLOCK,
    size: int = BYTES_PER_BLOCK,
) -> Iterator[pa.RecordBatch]:
    """The same rows in record batches of `schema` that depend on the rows alone, not on how they came in.

    A block is closed when it holds `rows` rows, or when the next row would take its values beyond
    `size` bytes; a row larger than that is a block by itself. No block is empty.
    """
    waiting: list[pa.RecordBatch] = []
    waiting_rows = waiting_size = 0
    for whole in batches:
        batch = whole
        while batch.num_rows:
            taken_rows, taken_size = _fitting(batch, rows - waiting_rows, size - waiting_size)
            if not taken_rows and not waiting:
                taken_rows, taken_size = 1, size
            if taken_rows:
                waiting.append(batch.slice(0, taken_rows))
                waiting_rows, waiting_size = waiting_rows + taken_rows, waiting_size + taken_size
                batch = batch.slice(taken_rows)
            if batch.num_rows:
                yield _joined(waiting, schema)
                waiting, waiting_rows, waiting_size = [], 0, 0
    if waiting:
        yield _joined(waiting, schema)


def _fitting(batch: pa.RecordBatch, rows: int, size: int) -> tuple[int, int]:
    """How many of the first `rows` rows have values of at most `size` bytes together, and of how many."""
    head = batch.slice(0, rows)
    fixed = 0
    sizes: Values | None = None
    for column in head.columns:
        if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
            lengths = pc.fill_null(pc.binary_length(column), 0).cast(pa.int64())
            sizes = lengths if sizes is None else pc.add(sizes, lengths)
        else:
            fixed += max(1, column.type.bit_width // 8)
    if sizes is None:
        fit = min(head.num_rows, size // fixed) if fixed else head.num_rows
        return fit, fit * fixed
    running = pc.cumulative_sum(pc.add(sizes, fixed))
    fit = pc.sum(pc.less_equal(running, size)).as_py() or 0
    return fit, running[fit - 1].as_py() if fit else 0


def _joined(parts: list[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        pa.concat_arrays([part.column(i) for part in parts]) if len(parts) > 1 else parts[0].column(i)
        for i in range(len(schema))
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
