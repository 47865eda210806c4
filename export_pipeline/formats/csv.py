"""CSV after RFC 4180: a header of API names, commas, lines that end in CR LF, UTF-8 without a mark.

A value is quoted when it holds a comma, a quote, CR or LF, or when it is the empty string; quotes
inside are doubled. NULL is an empty field without quotes, so the two differ wherever a reader asks:

    PostgreSQL  COPY ... (FORMAT csv, HEADER)          tells them apart as it is
    DuckDB      read_csv(..., allow_quoted_nulls=false)
    pandas, Python's csv                                see two empty texts

A file with one column is the exception: there a NULL is written as `""`, because its line would be
blank and most readers skip blank lines. A lost row is worse than a NULL read as an empty text.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Literal

import pyarrow as pa
from pydantic import BaseModel

from export_pipeline.errors import TransientFailure
from export_pipeline.formats.compression import SUFFIXES, Compression, compressed, decompressed
from export_pipeline.formats.formatter import blocks
from export_pipeline.formats.kernels import Text, chosen, contents, joined, pc
from export_pipeline.formats.layout import CsvLayout
from export_pipeline.formats.text import Characters, escaped, text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How records are spelled: what separates, what ends, and what a quoted value puts in place of what."""

    delimiter: str
    line_end: str
    escapes: Mapping[str, str]

    @property
    def awkward(self) -> Characters:
        """The characters that a value without quotes cannot hold."""
        return Characters("".join(dict.fromkeys([self.delimiter, '"', "\r", "\n", *self.escapes])))

    def quoted(self, column: Text) -> Text:
        """Each value as it stands in the file, quoted where it must be."""
        occurring = self.awkward.occurring(column)
        must = pc.equal(pc.binary_length(column), 0)
        if occurring:
            must = pc.or_(must, self.awkward.within(column))
        if not pc.any(must).as_py():
            return column
        quoted = joined('"', escaped(column, self.escapes, occurring), '"')
        return chosen(must, quoted, column)


RFC4180 = Dialect(delimiter=",", line_end="\r\n", escapes={'"': '""'})


class CsvFormat(BaseModel, frozen=True, extra="forbid"):
    """Comma-separated values (RFC 4180) with a header."""

    type: Literal["csv"] = "csv"
    compression: Compression = "gzip"

    @property
    def extension(self) -> str:
        return f"csv{SUFFIXES[self.compression]}"

    @property
    def layout(self) -> CsvLayout:
        return CsvLayout(compression=self.compression, delimiter=RFC4180.delimiter, line_end=RFC4180.line_end)

    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema, sink: BinaryIO) -> None:
        with compressed(sink, self.compression) as out:
            out.write(_header(schema, RFC4180))
            for block in blocks(batches, schema):
                out.write(_records(block, RFC4180))

    def count_rows(self, source: BinaryIO) -> int:
        lines = 0
        quoted = False
        last = b""
        for piece in decompressed(source, self.compression):
            # Quotes that meet cancel out: neither opens or closes anything around a line's end.
            marks = piece.translate(None, _NEITHER_QUOTE_NOR_LINE_END).replace(b'""', b"").split(b'"')
            lines += sum(part.count(b"\n") for part in marks[quoted::2])
            quoted ^= len(marks) % 2 == 0
            last = piece
        if not lines or quoted or not last.endswith(b"\n"):
            raise TransientFailure("the CSV file is cut off: its last record has no end; write it again")
        return lines - 1


_NEITHER_QUOTE_NOR_LINE_END = bytes(set(range(256)) - set(b'"\n'))


def _header(schema: pa.Schema, dialect: Dialect) -> bytes:
    names = dialect.quoted(pa.array(schema.names, pa.string()))
    return (dialect.delimiter.join(map(str, names)) + dialect.line_end).encode()


def _records(block: pa.RecordBatch, dialect: Dialect) -> memoryview:
    columns = []
    for column, field in zip(block.columns, block.schema, strict=True):
        text = text_of(column, field)
        # Numbers and times hold nothing that needs quotes, and are never empty.
        columns.append(dialect.quoted(text) if _may_need_quotes(column.type) else text)
    null = '""' if len(columns) == 1 else ""
    # A blank line would be skipped by most readers: see the top.
    null = '""' if len(columns) == 1 else ""
    columns[-1] = joined(columns[-1], dialect.line_end, null=null)
    return contents(joined(*columns, by=dialect.delimiter, null=null))


def _may_need_quotes(type_: pa.DataType) -> bool:
    return pa.types.is_string(type_) or pa.types.is_binary(type_)
