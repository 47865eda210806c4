"""Rows as JSON objects: keys in the order of the columns, every key in every object, no line breaks.

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

`nested` makes objects of the dots in names: `a.b` and `a.c` are {"a":{"b":...,"c":...}}. The object stands
where the first of its columns does.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pydantic import BaseModel, ValidationInfo, field_validator

from export_pipeline.dataset.documents import is_json
from export_pipeline.dataset.tables import Column
from export_pipeline.dataset.types import Kind
from export_pipeline.formats.compression import Compression
from export_pipeline.formats.file_columns import Constants, FileColumns, Naming
from export_pipeline.formats.formatter import still_possible
from export_pipeline.formats.kernels import Field, Text, Values, chosen, contents, joined, pc
from export_pipeline.formats.nesting import Tree, tree_of
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


class ObjectsFormat(BaseModel, frozen=True, extra="forbid"):
    """What the formats have in common whose rows are JSON objects."""

    compression: Compression = "gzip"
    names: Naming = "api"
    nested: bool = False
    prepend_columns: Constants = ()
    append_columns: Constants = ()

    @field_validator("nested")
    @classmethod
    def _nests_api_names(cls, nested: bool, info: ValidationInfo) -> bool:
        if nested and info.data.get("names") == "display":
            raise ValueError("goes by the dots in API names; leave it out, or choose names=api")
        return nested

    @property
    def file_columns(self) -> FileColumns:
        return FileColumns(before=self.prepend_columns, after=self.append_columns, naming=self.names)

    def check(self, columns: Sequence[Column]) -> None:
        shape_of(self.file_columns.check(columns), nested=self.nested)

    def file_schema(self, schema: pa.Schema) -> pa.Schema:
        return self.file_columns.schema(schema)

    def shape(self, schema: pa.Schema) -> "Shape":
        """The shape of the objects of a file of this schema."""
        with still_possible():
            return shape_of(schema.names, nested=self.nested)


@dataclass(frozen=True, slots=True)
class Shape:
    """An object's constant texts: `before[i]` goes before the value of the column `order[i]`, `end` last."""

    order: tuple[int, ...]
    before: tuple[str, ...]
    end: str

    def objects(self, block: pa.RecordBatch, *, before: str = "", after: str = "") -> memoryview:
        """An object for each row, with a text before and after it."""
        # Quotes around a column without NULLs are part of the constant text, which saves copying the column.
        parts: list[Text | str] = []
        waiting = before
        for position, constant in zip(self.order, self.before, strict=True):
            text, quoted = _json_text(block.column(position), block.schema.field(position))
            if quoted and text.null_count:
                text, quoted = _quoted(text), False
            quote = '"' if quoted else ""
            parts += [f"{waiting}{constant}{quote}", text]
            waiting = quote
        parts.append(f"{waiting}{self.end}{after}")
        return contents(joined(*parts, null="null"))


def shape_of(names: Sequence[str], *, nested: bool) -> Shape:
    """The shape of objects with these names. InvalidRequest when one name is both a value and an object."""
    order, before, waiting = [], [], ""
    for token in _tokens(tree_of(names, nested=nested)):
        if isinstance(token, int):
            order.append(token)
            before.append(waiting)
            waiting = ""
        else:
            waiting += token
    return Shape(tuple(order), tuple(before), waiting)


def _tokens(tree: Tree) -> Iterator[str | int]:
    yield "{"
    for number, (key, below) in enumerate(tree.items()):
        yield f"{',' if number else ''}{json.dumps(key, ensure_ascii=False)}:"
        if isinstance(below, int):
            yield below
        else:
            yield from _tokens(below)
    yield "}"


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
    valid = pa.array([is_json(str(value)) for value in encoded.dictionary.to_pylist()], pa.bool_())
    if not pc.all(valid).as_py():
        text = chosen(valid.take(encoded.indices), text, _quoted(_escaped(text)))
    # Valid JSON has line breaks between its tokens only, where a blank means the same.
    return escaped(text, {"\r": " ", "\n": " "}, LINE_BREAKS.occurring(text))
