"""What a file format can do. A format is one frozen model: its options, and how it writes and counts."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, Protocol

import pyarrow as pa

# Files are cut into blocks of exactly this many rows, however the rows came in: so the same rows
# give the same bytes. About 10 MB for thirty narrow columns: large enough that per-block cost
# disappears, small enough that a wide table does not exhaust a worker.
ROWS_PER_BLOCK = 50_000


class Formatter(Protocol):
    """Writes rows as a file. The same rows give the same bytes; no rows still give a valid file."""

    @property
    def extension(self) -> str:
        """What the file's name ends in, without the leading dot: `csv.gz`."""

    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema, sink: BinaryIO) -> None:
        """Write all rows to `sink`. The schema's fields carry the declared types (see extract.schema)."""

    def count_rows(self, source: BinaryIO) -> int:
        """How many rows a file of this format holds, by reading it and nothing else."""


def blocks(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The same rows in record batches of ROWS_PER_BLOCK rows each, the last one shorter."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        start = 0
        while rows + batch.num_rows - start >= ROWS_PER_BLOCK:
            take = ROWS_PER_BLOCK - rows
            yield _joined([*waiting, batch.slice(start, take)], schema)
            waiting, rows, start = [], 0, start + take
        if start < batch.num_rows:
            waiting.append(batch.slice(start))
            rows += batch.num_rows - start
    if waiting:
        yield _joined(waiting, schema)


def _joined(parts: list[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    if len(parts) == 1:
        return parts[0]
    (batch,) = pa.Table.from_batches(parts, schema=schema).combine_chunks().to_batches()
    return batch
