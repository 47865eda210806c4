"""Rows that a server wrote as CSV, read by Arrow as the declared types: no Python runs per value.

NULL               nothing
text               in quotes where needed; the empty text always is
bytes              hexadecimal digits
true and false     t and f, or 1 and 0
timestamps         readings in UTC, without a zone
all others         as ISO 8601 and SQL write them
"""

import codecs
import re
from binascii import unhexlify
from collections.abc import Collection, Iterable, Iterator
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.extract.fitting import declared_type, fitted, refusal
from export_pipeline.extract.schema import arrow_type

ROWS_PER_BATCH = 20_000

# A block ends with the row that makes it larger: of wide rows memory holds fewer.
BYTES_PER_BLOCK = 8 * 2**20

# Floats are read with 64 bits: whether 32 are enough is decided by their value. Decimals are read as text: of
# one that is too large Arrow's parser would make another that is not.
_READ_AS: dict[Kind, pa.DataType] = {
    Kind.DECIMAL: pa.string(),
    Kind.FLOAT32: pa.float64(),
    Kind.BYTES: pa.string(),
    Kind.TIMESTAMP: pa.timestamp("us"),
}

# The only part of Arrow's messages that holds no value.
_COLUMN = re.compile(r"^In CSV column #(\d+):")


def blocks(rows: Iterable[bytes | bytearray | memoryview], end: bytes = b"") -> Iterator[bytearray]:
    """Rows as they come, each ended by `end`, put together to as many as make a batch.

    Joined at once: a list of them would be looked through for garbage again and again.
    """
    block, count = bytearray(), 0
    for row in rows:
        block += row
        block += end
        count += 1
        if count == ROWS_PER_BATCH or len(block) > BYTES_PER_BLOCK:
            yield block
            block, count = bytearray(), 0
    if block:
        yield block


def batch_of(
    block: bytes | bytearray,
    schema: pa.Schema,
    relation: str,
    documents: Collection[str] = (),
    *,
    quote: str = '"',
) -> pa.RecordBatch:
    """A block of rows as a batch of exactly `schema`. PermanentFailure names the column that does not fit.

    `documents` are columns whose JSON the server vouches for; `quote` is what text stands between.
    """
    types = [declared_type(field) for field in schema]
    # Arrow's parser wants different names, and the database's may differ by case only.
    names = [str(number) for number in range(len(types))]
    if block.startswith(codecs.BOM_UTF8):
        # It is the first character of the first text: Arrow's parser drops one, which shall not be that.
        block = codecs.BOM_UTF8 + block
    try:
        table = csv.read_csv(
            cast(BinaryIO, pa.BufferReader(block)),
            csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=names),
            csv.ParseOptions(quote_char=quote, newlines_in_values=True, ignore_empty_lines=False),
            csv.ConvertOptions(
                column_types={name: _read_as(type_) for name, type_ in zip(names, types, strict=True)},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["t", "1"],
                false_values=["f", "0"],
            ),
        )
    except pa.ArrowInvalid as error:
        unfit = _COLUMN.match(str(error))
        if unfit is None:
            raise
        field = schema.field(int(unfit[1]))
    else:
        columns = []
        for column, type_, field in zip(map(_whole, table.columns), types, schema, strict=True):
            if type_.kind is Kind.BYTES:
                columns.append(_bytes(column))
            elif type_.kind is Kind.DECIMAL:
                if not _are_decimals(column, type_):
                    raise refusal(relation, field, "a value is none, or does not fit")
                columns.append(column.cast(arrow_type(type_)))
            else:
                columns.append(column)
        return fitted(columns, schema, relation, documents)
    raise refusal(relation, field, "a value is none, or does not fit")


def _read_as(type_: ColumnType) -> pa.DataType:
    return _READ_AS.get(type_.kind) or arrow_type(type_)


def _whole(column: "pa.ChunkedArray[Any]") -> "pa.Array[Any]":
    return column.combine_chunks()


def _are_decimals(column: "pa.Array[Any]", type_: ColumnType) -> bool:
    """Whether each text is a number of no more digits, before the point and after it, than were declared."""
    assert type_.precision is not None
    assert type_.scale is not None
    whole, after = type_.precision - type_.scale, type_.scale
    fits = pc.match_substring_regex(column, rf"^-?0*[0-9]{{0,{whole}}}(?:\.[0-9]{{0,{after}}}0*)?$")
    return bool(pc.all(fits, min_count=0).as_py())


def _bytes(column: "pa.Array[Any]") -> "pa.Array[Any]":
    """Hexadecimal digits as the bytes that they are: all of the column's at once."""
    _, ends, digits = column.buffers()
    offsets = pa.Array.from_buffers(pa.int32(), len(column) + 1, [None, ends], offset=column.offset)
    first, last = offsets[0].as_py(), offsets[-1].as_py()
    data = unhexlify(memoryview(cast(Any, digits))[first:last]) if digits else b""
    halved = pc.divide(pc.subtract(offsets, first), 2).cast(pa.int32())
    whole = pa.Array.from_buffers(pa.binary(), len(column), [None, halved.buffers()[1], pa.py_buffer(data)])
    return cast("pa.Array[Any]", pc.if_else(column.is_valid(), whole, None))
