"""JSON: one list of objects, UTF-8, a line for each. `objects` says how values are written.

    [
    {"id":1},
    {"id":2}
    ]

Without rows it is `[]`.
"""

from collections.abc import Iterable
from typing import BinaryIO, Literal

import pyarrow as pa

from export_pipeline.errors import TransientFailure
from export_pipeline.formats.compression import SUFFIXES, compressed, decompressed
from export_pipeline.formats.formatter import blocks
from export_pipeline.formats.layout import JsonListLayout
from export_pipeline.formats.objects import ObjectsFormat

# What stands before each object. The first one's comma is left out.
BETWEEN = ",\n"


class JsonFormat(ObjectsFormat, frozen=True, extra="forbid"):
    """JSON: one list with an object for each row."""

    type: Literal["json"] = "json"

    @property
    def extension(self) -> str:
        return f"json{SUFFIXES[self.compression]}"

    @property
    def layout(self) -> JsonListLayout:
        return JsonListLayout(compression=self.compression, nested=self.nested)

    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema, sink: BinaryIO) -> None:
        file_columns = self.file_columns
        schema = self.file_schema(schema)
        shape = self.shape(schema)
        with compressed(sink, self.compression) as out:
            out.write(b"[")
            comma = len(BETWEEN) - 1
            for block in blocks(file_columns.batches(batches), schema):
                out.write(shape.objects(block, before=BETWEEN)[comma:])
                comma = 0
            out.write(b"]\n" if comma else b"\n]\n")

    def count_rows(self, source: BinaryIO) -> int:
        lines = 0
        first = last = b""
        for piece in decompressed(source, self.compression):
            lines += piece.count(b"\n")
            first = first or piece[:1]
            last = (last + piece)[-2:]
        if first != b"[" or last != b"]\n":
            raise TransientFailure("the JSON file is cut off: its list has no end; write it again")
        # One for each object, and one each after the brackets.
        return max(0, lines - 2)
