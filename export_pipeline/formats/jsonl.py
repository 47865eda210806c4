"""JSON Lines: one object per line, UTF-8, keys in the order of the columns, every key in every line.

boolean, integers       as JSON has them; 64-bit integers with all their digits (a reader that
                        turns numbers into doubles, like JavaScript, loses some beyond 2^53)
decimal                 a string with all digits: as numbers, most readers would round them
floats                  the shortest number that reads back the same; "NaN", "Infinity" and
                        "-Infinity" as strings, since JSON has no numbers for them
date, time, timestamp   strings, ISO 8601 (see text)
bytes                   a string, base64
string, uuid            strings
json                    the value itself, embedded; its text as a string if it is not valid JSON
                        (RFC 8259, nested at most 200 deep, no lone surrogates)
NULL                    null, and so is a json column's own null
"""

import json
from collections.abc import Iterable
from typing import BinaryIO, Literal

import pyarrow as pa
from pydantic import BaseModel
from pydantic_core import from_json

from export_pipeline.dataset.types import Kind
from export_pipeline.errors import TransientFailure
from export_pipeline.formats.compression import SUFFIXES, Compression, compressed, decompressed
from export_pipeline.formats.formatter import blocks
from export_pipeline.formats.kernels import Field, Text, Values, chosen, contents, joined, pc
from export_pipeline.formats.layout import JsonLinesLayout
from export_pipeline.formats.text import Characters, declared_kind, escaped, text_of

# Backslash first: what the others put in must not be escaped again.
ESCAPES = {
    "\\": "\\\\",
    '"': '\\"',
    **{chr(code): f"\\u{code:04x}" for code in range(0x20)},
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
ESCAPED = Characters("".join(ESCAPES))
LINE_BREAKS = Characters("\r\n")

BARE = frozenset({Kind.BOOLEAN, Kind.INT16, Kind.INT32, Kind.INT64, Kind.UINT64})
FLOATS = frozenset({Kind.FLOAT32, Kind.FLOAT64})
TEXTS = frozenset({Kind.STRING, Kind.UUID})


class JsonlFormat(BaseModel, frozen=True, extra="forbid"):
    """JSON Lines: one JSON object per row."""

    type: Literal["jsonl"] = "jsonl"
    compression: Compression = "gzip"

    @property
    def extension(self) -> str:
        return f"jsonl{SUFFIXES[self.compression]}"

    @property
    def layout(self) -> JsonLinesLayout:
        return JsonLinesLayout(compression=self.compression)

    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema, sink: BinaryIO) -> None:
        with compressed(sink, self.compression) as out:
            for block in blocks(batches, schema):
                out.write(_lines(block))

    def count_rows(self, source: BinaryIO) -> int:
        lines = 0
        last = b"\n"
        for piece in decompressed(source, self.compression):
            lines += piece.count(b"\n")
            last = piece
        if not last.endswith(b"\n"):
            raise TransientFailure("the JSON Lines file is cut off: its last line has no end; write it again")
        return lines


def _lines(block: pa.RecordBatch) -> memoryview:
    # Columns of JSON texts with the constant text before each; quotes around a column without NULLs
    # are part of that constant text, which saves copying the column.
    parts: list[Text | str] = []
    before = "{"
    for column, field in zip(block.columns, block.schema, strict=True):
        text, quoted = _json_text(column, field)
        if quoted and text.null_count:
            text, quoted = _quoted(text), False
        quote = '"' if quoted else ""
        parts += [f"{before}{json.dumps(field.name, ensure_ascii=False)}:{quote}", text]
        before = f"{quote},"
    parts.append(f"{quote}}}\n")
    return contents(joined(*parts, null="null"))


def _json_text(column: Values, field: Field) -> tuple[Text, bool]:
    """The column's values as JSON, and whether each still lacks its quotes."""
    text = text_of(column, field)
    kind = declared_kind(field)
    if kind in BARE:
        return text, False
    if kind in FLOATS:
        return _numbers(column, text), False
    if kind is Kind.JSON:
        return _embedded(text), False
    return _escaped(text) if kind in TEXTS else text, True


def _quoted(text: Text) -> Text:
    return joined('"', text, '"')


def _escaped(text: Text) -> Text:
    return escaped(text, ESCAPES, ESCAPED.occurring(text))


def _numbers(column: Values, text: Text) -> Text:
    if pc.all(pc.is_finite(column)).as_py() is not False:
        return text
    named = chosen(pc.less(column, 0), '"-Infinity"', '"Infinity"')
    named = chosen(pc.is_nan(column), '"NaN"', named)
    return chosen(pc.is_finite(column), text, named)


def _embedded(text: Text) -> Text:
    # Each different text is parsed once; rows repeat themselves.
    encoded = text.dictionary_encode()
    valid = pa.array([_is_json(str(value)) for value in encoded.dictionary.to_pylist()], pa.bool_())
    if not pc.all(valid).as_py():
        text = chosen(valid.take(encoded.indices), text, _quoted(_escaped(text)))
    # Valid JSON has line breaks between its tokens only, where a blank means the same.
    return escaped(text, {"\r": " ", "\n": " "}, LINE_BREAKS.occurring(text))


def _is_json(text: str) -> bool:
    try:
        from_json(text, allow_inf_nan=False, cache_strings="none")
    except ValueError:
        return False
    return True
