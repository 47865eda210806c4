"""Apache Parquet, with logical types that any reader understands and nothing of our own in the file.

integers, floats, boolean, decimal, date    Parquet's own
time, timestamp_local                       microseconds, not adjusted to UTC
timestamp                                   microseconds, adjusted to UTC
string, uuid, json, interval                UTF-8 strings
bytes                                       plain binary
"""

from collections.abc import Iterable, Sequence
from typing import BinaryIO, Literal, cast

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, Field

from export_pipeline.dataset.tables import Column
from export_pipeline.errors import TransientFailure
from export_pipeline.formats.compression import Lent
from export_pipeline.formats.file_columns import Constants, FileColumns, Naming
from export_pipeline.formats.formatter import ROWS_PER_BLOCK, blocks
from export_pipeline.formats.layout import ParquetLayout

# Row groups end after this many rows, unless told otherwise: readers work on groups in parallel and skip
# them by their statistics, both better done with tens of groups than with one or with thousands.
ROWS_PER_GROUP = 200_000

# What it may be: each group adds to the footer, which is kept in memory until the end.
FEWEST_ROWS_PER_GROUP = 1_000
MOST_ROWS_PER_GROUP = 10_000_000

# ... or before their values exceed this, for wide rows: writer and readers hold a whole group.
BYTES_PER_GROUP = 64 * 2**20

# Written down so that an update does not change our bytes. zstd's is Arrow's own default; gzip's is not, 9.
# For 1,000,000 rows of 20 columns: level 1: 3.1 s, 76 MB; level 6: 5.4 s, 74 MB; level 9: 22.6 s, 74 MB.
LEVELS = {"zstd": 1, "gzip": 1}


class ParquetFormat(BaseModel, frozen=True, extra="forbid"):
    """Apache Parquet."""

    type: Literal["parquet"] = "parquet"
    compression: Literal["zstd", "snappy", "gzip", "none"] = "zstd"
    row_group_rows: int = Field(ROWS_PER_GROUP, ge=FEWEST_ROWS_PER_GROUP, le=MOST_ROWS_PER_GROUP)
    statistics: bool = True
    names: Naming = "api"
    prepend_columns: Constants = ()
    append_columns: Constants = ()

    @property
    def extension(self) -> str:
        return "parquet"

    @property
    def layout(self) -> ParquetLayout:
        return ParquetLayout()

    @property
    def _file_columns(self) -> FileColumns:
        return FileColumns(before=self.prepend_columns, after=self.append_columns, naming=self.names)

    def check(self, columns: Sequence[Column]) -> None:
        self._file_columns.check(columns)

    def file_schema(self, schema: pa.Schema) -> pa.Schema:
        return self._file_columns.schema(schema)

    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema, sink: BinaryIO) -> None:
        lent = Lent(sink)
        file_columns = self._file_columns
        plain = pa.schema([field.remove_metadata() for field in self.file_schema(schema)])
        # Not a `with` block: that would end the file after an error too, and a short file would look whole.
        writer = pq.ParquetWriter(
            cast(BinaryIO, lent),
            plain,
            version="2.6",
            compression=self.compression,
            compression_level=LEVELS.get(self.compression),
            write_statistics=self.statistics,
            write_page_checksum=True,
            # Arrow's description of the schema: readers of Parquet need none.
            store_schema=False,
        )
        try:
            for group in blocks(
                file_columns.batches(batches), plain, rows=self.row_group_rows, size=BYTES_PER_GROUP
            ):
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
