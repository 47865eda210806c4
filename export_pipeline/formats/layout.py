"""What a loader must know of a file. Each format says it; the side files are made from it."""

from dataclasses import dataclass
from typing import TypeAlias

from export_pipeline.formats.compression import Compression


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvLayout:
    """Records of separated values, in the order of the columns.

    The first `header_lines` are no records. Inside a value between two `quote`s, `escape` stands before a
    quote. `null` is what a NULL looks like, without quotes.
    """

    compression: Compression
    delimiter: str = ","
    header_lines: int = 1
    quote: str = '"'
    escape: str = '"'
    null: str = ""
    line_end: str = "\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLinesLayout:
    """One JSON object per line, by the columns' names."""

    compression: Compression


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetLayout:
    """Parquet says all about itself."""


Layout: TypeAlias = CsvLayout | JsonLinesLayout | ParquetLayout
