"""CSV: RFC 4180 unless told otherwise, UTF-8 without a mark. `dialects` says what may be told.

By default there is a header of API names, commas, lines that end in CR LF; a value is quoted when it holds a
comma, a quote, CR or LF, or when it is the empty text; quotes inside are doubled. NULL is an empty field
without quotes, so the two differ wherever a reader asks:

    PostgreSQL  COPY ... (FORMAT csv, HEADER)          tells them apart as it is
    DuckDB      read_csv(..., allow_quoted_nulls=false)
    pandas, Python's csv                                see two empty texts

A file with one column is the exception: there a NULL is written as `""`, because its line would be
blank and most readers skip blank lines. A lost row is worse than a NULL read as an empty text. Where the
option `null` is a text, or the dialect's reader does not skip blank lines, there is no exception. A text of
spaces and tabs is quoted there too.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO, Literal

import pyarrow as pa
from pydantic import BaseModel, Field, ValidationInfo, field_validator, model_validator

from export_pipeline.dataset.tables import Column
from export_pipeline.errors import TransientFailure
from export_pipeline.formats.compression import SUFFIXES, Compression, compressed, decompressed
from export_pipeline.formats.dialects import (
    DIALECTS,
    DialectName,
    LineEnd,
    Quoting,
    wrong_delimiter,
    wrong_null,
)
from export_pipeline.formats.file_columns import Constants, FileColumns
from export_pipeline.formats.formatter import blocks
from export_pipeline.formats.layout import CsvLayout
from export_pipeline.formats.spelling import Spelling
from export_pipeline.formats.text import BytesAs

_RFC4180 = DIALECTS["rfc4180"].defaults

LINE_ENDS: Mapping[LineEnd, str] = {"crlf": "\r\n", "lf": "\n"}


class CsvFormat(BaseModel, frozen=True, extra="forbid"):
    """Comma-separated values. A dialect presets the five options after it; `docs/formats.md` has them all."""

    type: Literal["csv"] = "csv"
    compression: Compression = "gzip"
    dialect: DialectName = "rfc4180"
    delimiter: str = _RFC4180.delimiter
    line_end: LineEnd = _RFC4180.line_end
    quoting: Quoting = _RFC4180.quoting
    null: str = Field(_RFC4180.null, max_length=64)
    bytes_as: BytesAs = _RFC4180.bytes_as
    header: Literal["api", "display", "none"] = "api"
    header_prefix: str = Field("", max_length=255)
    sep_line: bool = False
    defuse_formulas: bool = False
    prepend_columns: Constants = ()
    append_columns: Constants = ()

    @model_validator(mode="before")
    @classmethod
    def _as_the_dialect_presets(cls, data: Any) -> Any:
        # Written down where it is stored: a preset that is mended later changes no export that exists.
        name = data.get("dialect") if isinstance(data, Mapping) else None
        if isinstance(name, str) and name in DIALECTS:
            return {**DIALECTS[name].defaults.as_options(), **data}  # type: ignore[index]  # it is in there
        return data

    @field_validator("delimiter")
    @classmethod
    def _separates(cls, delimiter: str) -> str:
        # A tab cannot be typed everywhere.
        delimiter = "\t" if delimiter == "\\t" else delimiter
        if wrong := wrong_delimiter(delimiter):
            raise ValueError(wrong)
        return delimiter

    @field_validator("null")
    @classmethod
    def _is_no_value(cls, null: str, info: ValidationInfo) -> str:
        delimiter, dialect = info.data.get("delimiter", ","), info.data.get("dialect", "rfc4180")
        if wrong := wrong_null(null, delimiter, DIALECTS[dialect]):
            raise ValueError(wrong)
        return null

    @field_validator("header_prefix")
    @classmethod
    def _stands_before_names(cls, prefix: str, info: ValidationInfo) -> str:
        if prefix and info.data.get("header") != "api":
            raise ValueError(f"goes before API names, and header is {info.data.get('header')}; leave one out")
        if not prefix.isprintable():
            raise ValueError("holds a line break or another control character; leave it out")
        return prefix

    @property
    def extension(self) -> str:
        return f"csv{SUFFIXES[self.compression]}"

    @property
    def layout(self) -> CsvLayout:
        dialect = DIALECTS[self.dialect]
        return CsvLayout(
            compression=self.compression,
            delimiter=self.delimiter,
            header_lines=self._header_lines,
            escape=dialect.escape,
            escaped="".join(dialect.escapes),
            null=self.null,
            blank_is_null=dialect.blank_is_null,
            line_end=LINE_ENDS[self.line_end],
            bytes_as=self.bytes_as,
            line_breaks=dialect.keeps_line_breaks,
            defused=self.defuse_formulas,
        )

    def check(self, columns: Sequence[Column]) -> None:
        self._file_columns.check(columns)

    def file_schema(self, schema: pa.Schema) -> pa.Schema:
        return self._file_columns.schema(schema)

    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema, sink: BinaryIO) -> None:
        file_columns, spelling = self._file_columns, self._spelling
        schema = self.file_schema(schema)
        with compressed(sink, self.compression) as out:
            if self.sep_line:
                out.write(f"sep={self.delimiter}{spelling.line_end}".encode())
            if self.header != "none":
                out.write(spelling.header(schema.names))
            for block in blocks(file_columns.batches(batches), schema):
                out.write(spelling.records(block))

    def count_rows(self, source: BinaryIO) -> int:
        lines = 0
        quoted = False
        waiting = last = b""
        pairs = [pair.encode() for pair in DIALECTS[self.dialect].pairs if pair != '""']
        for piece in decompressed(source, self.compression):
            last = piece
            marks = waiting + piece.translate(None, _NO_MARKS)
            for pair in pairs:
                marks = marks.replace(pair, b"")
            # The first half of a pair whose other half is in the next piece.
            waiting = marks[-1:] if any(marks.endswith(pair[:1]) for pair in pairs) else b""
            marks = marks[: len(marks) - len(waiting)]
            # Quotes that meet cancel out: neither opens or closes anything around a line's end.
            parts = marks.replace(b'""', b"").split(b'"')
            lines += sum(part.count(b"\n") for part in parts[quoted::2])
            quoted ^= len(parts) % 2 == 0
        above = self._header_lines
        if quoted or lines < above or not (last.endswith(b"\n") or (last == b"" and not above)):
            raise TransientFailure("the CSV file is cut off: its last record has no end; write it again")
        return lines - above

    @property
    def _header_lines(self) -> int:
        return self.sep_line + (self.header != "none")

    @property
    def _file_columns(self) -> FileColumns:
        return FileColumns(
            before=self.prepend_columns,
            after=self.append_columns,
            naming=None if self.header == "none" else self.header,
            prefix=self.header_prefix,
            option="header",
        )

    @property
    def _spelling(self) -> Spelling:
        return Spelling(
            dialect=DIALECTS[self.dialect],
            delimiter=self.delimiter,
            line_end=LINE_ENDS[self.line_end],
            quoting=self.quoting,
            null=self.null,
            bytes_as=self.bytes_as,
            defuse_formulas=self.defuse_formulas,
        )


# All but quotes, line ends and backslashes, which are escaped or escape in some dialects.
_NO_MARKS = bytes(set(range(256)) - set(b'"\n\\'))
