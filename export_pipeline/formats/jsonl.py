"""JSON Lines: one object per line, UTF-8. `objects` says how values are written."""

from collections.abc import Iterable
from typing import BinaryIO, Literal

import pyarrow as pa

from export_pipeline.errors import TransientFailure
from export_pipeline.formats.compression import SUFFIXES, compressed, decompressed
from export_pipeline.formats.formatter import blocks
from export_pipeline.formats.layout import JsonLinesLayout
from export_pipeline.formats.objects import ObjectsFormat


class JsonlFormat(ObjectsFormat, frozen=True, extra="forbid"):
    """JSON Lines: one JSON object per row."""

    type: Literal["jsonl"] = "jsonl"

    @property
    def extension(self) -> str:
        return f"jsonl{SUFFIXES[self.compression]}"

    @property
    def layout(self) -> JsonLinesLayout:
        return JsonLinesLayout(compression=self.compression, nested=self.nested)

    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema, sink: BinaryIO) -> None:
        file_columns = self.file_columns
        schema = self.file_schema(schema)
        shape = self.shape(schema)
        with compressed(sink, self.compression) as out:
            for block in blocks(file_columns.batches(batches), schema):
                out.write(shape.objects(block, after="\n"))

    def count_rows(self, source: BinaryIO) -> int:
        lines = 0
        last = b"\n"
        for piece in decompressed(source, self.compression):
            lines += piece.count(b"\n")
            last = piece
        if not last.endswith(b"\n"):
            raise TransientFailure("the JSON Lines file is cut off: its last line has no end; write it again")
        return lines
