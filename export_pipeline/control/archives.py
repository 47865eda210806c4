"""A task's files as one zip with a file per table, made while it is sent: never in memory or on disk."""

from collections.abc import Iterator, Sequence
from io import RawIOBase
from typing import Any, BinaryIO, cast
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import sqlalchemy as sa

from export_pipeline.connectors.destination import Destination
from export_pipeline.control.stored_files import Reader, bytes_of, files_of
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.export import Export
from export_pipeline.exports.task import ExportTask
from export_pipeline.formats.compression import SUFFIXES, decompressed
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.receipts.receipt import ReceiptFile

# Whoever waits for a download waits for the compressor: the fastest level makes CSV a tenth larger.
LEVEL = 1

# The earliest that an entry of a zip can have. Nobody's moment: the same files give the same zip.
NO_TIME = (1980, 1, 1, 0, 0, 0)


def archive_of(
    control: sa.Engine, destination: Destination, export: Export, task: ExportTask
) -> Iterator[bytes]:
    """The zip's bytes, in pieces. An error in the middle leaves it without its end: nobody can open it."""
    format_ = csv_of(export)
    extension = format_.extension.removesuffix(SUFFIXES[format_.compression])
    sent = _Sent()
    with ZipFile(cast("BinaryIO", sent), "w", ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for choice in export.definition.tables:
            entry = ZipInfo(f"{choice.name}.{extension}", NO_TIME)
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            files = files_of(control, task, choice.name)
            with archive.open(entry, "w", force_zip64=True) as table:
                for piece in joined(destination, format_, files):
                    table.write(piece)
                    yield from sent.taken()
    yield from sent.taken()


def csv_of(export: Export) -> CsvFormat:
    """The export's format. InvalidRequest unless its hours can be put one behind the other."""
    format_ = export.definition.format
    if not isinstance(format_, CsvFormat):
        raise InvalidRequest(
            f"format: files of the format {format_.type} are not joined; fetch them one by one",
            field="format",
        )
    return format_


def joined(destination: Destination, format_: CsvFormat, files: Iterator[ReceiptFile]) -> Iterator[bytes]:
    """The files' lines one behind the other; those of the header once."""
    above = format_.layout.header_lines
    for number, file in enumerate(files):
        stored = cast("BinaryIO", Reader(bytes_of(destination, file)))
        lines = decompressed(stored, format_.compression)
        yield from _without_lines(lines, above) if number else lines


def _without_lines(pieces: Iterator[bytes], lines: int) -> Iterator[bytes]:
    """What comes after the first lines. No name in them holds a line break: declarations refuse that."""
    for piece in pieces:
        rest = piece
        while lines and rest:
            _, end, rest = rest.partition(b"\n")
            lines -= bool(end)
        if rest:
            yield rest


class _Sent(RawIOBase):
    """What the archive writes, until it is taken. There is no going back in what is sent."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._waiting.append(bytes(data))
        return len(data)

    def taken(self) -> Sequence[bytes]:
        """What was written since the last time."""
        waiting, self._waiting = self._waiting, []
        return [b"".join(waiting)] if waiting else []
