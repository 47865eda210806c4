r"""Values as text, a column at a time: what CSV and JSON have in common.

    boolean           true, false
    integers          all digits
    decimal           all digits, as many after the point as declared, never an exponent
    floats            the shortest text that reads back as the same number; nan, inf, -inf
    date              2013-01-01
    time              05:00:00.000000
    timestamp         2013-01-01T05:00:00.000000Z     (always microseconds: texts sort as times do)
    timestamp_local   2013-01-01T05:00:00.000000
    bytes             base64 (RFC 4648, with padding); or hexadecimal, with PostgreSQL's \x before it or not
    interval          ISO 8601, P1Y2M3DT4H5M6.5S
    string, uuid, json  as they are

Everything is done by Arrow's kernels; no Python runs per row.
"""

import re
from binascii import b2a_base64, b2a_hex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.errors import PermanentFailure
from export_pipeline.formats.kernels import (
    TO_THE_END,
    Field,
    Mask,
    Text,
    Values,
    chosen,
    contents,
    joined,
    pc,
    replaced,
    spliced,
)

# How bytes are written: `bytea` is PostgreSQL's hexadecimal, \xdeadbeef.
BytesAs = Literal["base64", "hex", "bytea"]

# Arrow writes a decimal with an exponent only when it begins with more zeros than this.
ZEROS_WITHOUT_EXPONENT = 6


def declared_type(field: Field) -> ColumnType:
    """The type that the field's column was declared with."""
    assert field.metadata is not None, f"{field.name} does not say how it was declared"
    return ColumnType.parse(field.metadata[b"type"].decode())


def declared_kind(field: Field) -> Kind:
    """The kind that the field's column was declared with."""
    return declared_type(field).kind


def text_of(column: Values, field: Field, *, bytes_as: BytesAs = "base64") -> Text:
    """The column's values as text; NULL stays NULL.

    PermanentFailure when a date or time has no text that every reader takes.
    """
    type_ = column.type
    if pa.types.is_string(type_):
        return column
    if pa.types.is_binary(type_):
        return _base64(column) if bytes_as == "base64" else _hex(column, "\\x" if bytes_as == "bytea" else "")
    if pa.types.is_decimal(type_):
        return _digits(column)
    if pa.types.is_date(type_) or pa.types.is_time(type_):
        _check(column, field)
        return column.cast(pa.string())
    if pa.types.is_timestamp(type_):
        _check(column, field)
        return _iso(column, zone="Z" if type_.tz else "")
    return column.cast(pa.string())


@dataclass(frozen=True, slots=True)
class _Range:
    first: int
    last: int
    words: str


# The counts that Arrow holds for days, and for microseconds of an instant and of a day. Arrow's own
# texts for other values are no ISO 8601, or say "value out of range" in the place of the value.
_YEARS = "years 0001 to 9999"
_DAYS = _Range(-719_162, 2_932_896, _YEARS)
_INSTANTS = _Range(-62_135_596_800_000_000, 253_402_300_799_999_999, _YEARS)
_TIMES = _Range(0, 86_399_999_999, "times before 24:00:00")


def _check(column: Values, field: Field) -> None:
    if pa.types.is_date(column.type):
        ends, range_ = pc.min_max(column.cast(pa.int32())), _DAYS
    else:
        ends = pc.min_max(column.cast(pa.int64()))
        range_ = _TIMES if pa.types.is_time(column.type) else _INSTANTS
    first, last = ends["min"].as_py(), ends["max"].as_py()
    if first is not None and not range_.first <= first <= last <= range_.last:
        raise PermanentFailure(
            f"column {field.name!r} holds a {declared_kind(field)} outside of {range_.words}, "
            "which text cannot say; leave those rows out with a filter, or export Parquet"
        )


def _iso(column: Values, *, zone: str) -> Text:
    # The local reading first: with a zone, Arrow looks for the system's time zone database,
    # which small containers do not have.
    text = column.cast(pa.timestamp("us")).cast(pa.string())
    text = spliced(text, 10, 11, "T")
    return joined(text, zone) if zone else text


def _digits(column: Values) -> Text:
    text = column.cast(pa.string())
    scale = column.type.scale
    if scale <= ZEROS_WITHOUT_EXPONENT or not pc.any(pc.match_substring(text, "E")).as_py():
        return text
    # The same bytes read as whole numbers; their digits get their point by hand.
    whole = pa.Array.from_buffers(
        pa.decimal128(38, 0), len(column), column.buffers(), offset=column.offset
    ).cast(pa.string())
    digits = pc.ascii_lpad(pc.ascii_ltrim(whole, "-"), scale + 1, "0")
    sign = chosen(pc.starts_with(whole, "-"), "-", "")
    return joined(sign, spliced(digits, -scale, -scale, "."))


def _base64(column: Values) -> Text:
    # Three bytes become four characters. Once every value is filled up to a multiple of three, the
    # whole buffer can be encoded in one call, and no value's characters touch another's.
    values = pc.fill_null(column, b"")
    length = pc.binary_length(values)
    beyond = pc.subtract(length, pc.multiply(pc.divide(length, 3), 3))
    filled = pc.binary_join_element_wise(values, pc.choose(beyond, b"", b"\0\0", b"\0"), b"")
    ends = pa.Array.from_buffers(pa.int32(), len(filled) + 1, [None, filled.buffers()[1]])
    encoded = pa.StringArray.from_buffers(
        len(filled),
        pc.multiply(pc.divide(ends, 3), 4).cast(pa.int32()).buffers()[1],
        pa.py_buffer(b2a_base64(contents(filled), newline=False)),
    )
    text = pc.choose(
        beyond, encoded, spliced(encoded, -2, TO_THE_END, "=="), spliced(encoded, -1, TO_THE_END, "=")
    )
    return chosen(column.is_valid(), text, None)


def _hex(column: Values, before: str) -> Text:
    # Every byte becomes two characters: the whole buffer is encoded in one call, and the ends are doubled.
    values = pc.binary_join_element_wise(pc.fill_null(column, b""), b"")
    ends = pa.Array.from_buffers(pa.int32(), len(values) + 1, [None, values.buffers()[1]])
    encoded: Text = pa.StringArray.from_buffers(
        len(values),
        pc.multiply(ends, 2).cast(pa.int32()).buffers()[1],
        pa.py_buffer(b2a_hex(contents(values))),
    )
    return chosen(column.is_valid(), joined(before, encoded) if before else encoded, None)


@dataclass(frozen=True, slots=True)
class Characters:
    """A set of ASCII characters to look for in columns of text."""

    characters: str

    def occurring(self, column: Text) -> frozenset[str]:
        """Those that occur in any value (or in what lies under a NULL): one pass over the bytes.

        Most blocks hold few of the awkward characters, and what does not occur need not be replaced.
        """
        found = bytes(contents(column)).translate(None, self._others)
        return frozenset(map(chr, frozenset(found)))

    def within(self, column: Text) -> Mask:
        """For each value, whether it holds any of them; NULL for NULL."""
        mask: Mask = pc.match_substring_regex(column, f"[{re.escape(self.characters)}]")
        return mask

    @property
    def _others(self) -> bytes:
        return bytes(set(range(256)) - set(self.characters.encode("ascii")))


def escaped(column: Text, escapes: Mapping[str, str], occurring: frozenset[str]) -> Text:
    """Each of the `occurring` characters replaced, in the order of `escapes`: escape the escape first."""
    return replaced(column, {what: by for what, by in escapes.items() if what in occurring})
