"""What a loader must know of a file. Each format says it; the side files are made from it."""

from dataclasses import dataclass
from typing import TypeAlias

from export_pipeline.formats.compression import Compression
from export_pipeline.formats.text import BytesAs


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvLayout:
    """Records of separated values, in the order of the columns.

    The first `header_lines` are no records. Inside a value between two `quote`s, `escape` stands before each
    of the characters `escaped`. `null` is what a NULL looks like, without quotes; in a file of one column it
    stands in quotes if it is nothing, unless `blank_is_null`. `line_breaks` and `defused` say what of texts:
    whether they hold line breaks, and whether an apostrophe stands before what looks like a formula.
    """

    compression: Compression
    delimiter: str = ","
    header_lines: int = 1
    quote: str = '"'
    escape: str = '"'
    escaped: str = '"'
    null: str = ""
    blank_is_null: bool = False
    line_end: str = "\r\n"
    bytes_as: BytesAs = "base64"
    line_breaks: bool = True
    defused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLinesLayout:
    """One JSON object per line, by the columns' names. `nested`: dots in names are objects in objects."""

    compression: Compression
    nested: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonListLayout:
    """One JSON list of the objects that JSON Lines has: a line for each, between `[` and `]` on theirs."""

    compression: Compression
    nested: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetLayout:
    """Parquet says all about itself."""


Layout: TypeAlias = CsvLayout | JsonLinesLayout | JsonListLayout | ParquetLayout
