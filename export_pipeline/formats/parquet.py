"""Apache Parquet, with logical types that any reader understands and nothing of our own in the file.

integers, floats, boolean, decimal, date    Parquet's own
time, timestamp_local                       microseconds, not adjusted to UTC
timestamp                                   microseconds, adjusted to UTC
string, uuid, json, interval                UTF-8 strings
bytes                                       plain binary
"""

from collections.abc import Iterable
from typing import BinaryIO, Literal, cast

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel

from export_pipeline.errors import TransientFailure
from export_pipeline.formats.compression import Lent
from export_pipeline.formats.formatter import ROWS_PER_BLOCK, blocks

# Row groups end after this many rows: readers work on groups in parallel and skip them by their
# statistics, both better done with tens of groups than with one or with thousands.
ROWS_PER_GROUP = 200_000

# ... or before their values exceed this, for wide rows: writer and readers hold a whole group.
BYTES_PER_GROUP = 64 * 2**20

# Arrow's own default, written down so that an update does not change our bytes.
ZSTD_LEVEL = 1


class ParquetFormat(BaseModel, frozen=True, extra="forbid"):
    """Apache Parquet."""

    type: Literal["parquet"] = "parquet"
    compression: Literal["zstd", "snappy", "none"] = "zstd"

    @property
    def extension(self) -> str:
        return "parquet"

    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema, sink: BinaryIO) -> None:
        lent = Lent(sink)
        # Not a `with` block: that would end the file after an error too, and a short file would look whole.
        plain = pa.schema([field.remove_metadata() for field in schema])
        writer = pq.ParquetWriter(
            cast(BinaryIO, lent),
            plain,
            version="2.6",
            compression=self.compression,
            compression_level=ZSTD_LEVEL if self.compression == "zstd" else None,
            write_statistics=True,
            write_page_checksum=True,
            # Arrow's description of the schema: readers of Parquet need none.
            store_schema=False,
        )
        try:
            for group in blocks(batches, plain, rows=ROWS_PER_GROUP, size=BYTES_PER_GROUP):
                writer.write_batch(group, row_group_size=group.num_rows)
        except BaseException:
            lent.take_back()
            raise
        finally:
            writer.close()

    def count_rows(self, source: BinaryIO) -> int:
        """As the protocol says; `source` must be seekable. The rows are counted in the first column's
        pages, not taken from the footer, and the two must agree.
        """
        try:
            file = pq.ParquetFile(source, page_checksum_verification=True)
            first = file.schema_arrow.names[0]
            rows = sum(batch.num_rows for batch in file.iter_batches(ROWS_PER_BLOCK, columns=[first]))
        except (pa.ArrowInvalid, OSError) as error:
            raise TransientFailure(
                f"the Parquet file is damaged or cut off ({error}); write it again"
            ) from error
        if rows != file.metadata.num_rows:
            raise TransientFailure("the Parquet file's pages and its footer disagree; write it again")
        return rows
