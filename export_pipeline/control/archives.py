"""A task's files as one zip with a file per table, made while it is sent: never in memory or on disk."""

from collections.abc import Iterator, Sequence
from io import RawIOBase
from typing import Any, BinaryIO, cast
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import sqlalchemy as sa

from export_pipeline.connectors.destination import Destination
from export_pipeline.control.stored_files import Reader, StoredFile, bytes_of, files_of
from export_pipeline.errors import InvalidRequest, WrongState
from export_pipeline.exports.export import Export
from export_pipeline.exports.task import ExportTask
from export_pipeline.formats.compression import SUFFIXES, decompressed
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.file_format import FileFormat, format_from
from export_pipeline.receipts.receipt import ReceiptFile

# Whoever waits for a download waits for the compressor: the fastest level makes CSV a tenth larger.
LEVEL = 1

# The earliest that an entry of a zip can have. Nobody's moment: the same files give the same zip.
NO_TIME = (1980, 1, 1, 0, 0, 0)


def archive_of(
    control: sa.Engine, destination: Destination, export: Export, task: ExportTask
) -> Iterator[bytes]:
    """The zip's bytes, in pieces. An error in the middle leaves it without its end: nobody can open it."""
    sent = _Sent()
    with ZipFile(cast("BinaryIO", sent), "w", ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for choice in export.definition.tables:
            files = files_of(control, export, task, choice.name)
            first = next(files, None)
            # As it was delivered: the export may be defined otherwise by now.
            format_ = csv_of(format_from(first.file.format) if first else export.definition.format)
            extension = format_.extension.removesuffix(SUFFIXES[format_.compression])
            entry = ZipInfo(f"{choice.name}.{extension}", NO_TIME)
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            alike = _alike(choice.name, first, files) if first else iter(())
            with archive.open(entry, "w", force_zip64=True) as table:
                for piece in joined(destination, format_, alike):
                    table.write(piece)
                    yield from sent.taken()
    yield from sent.taken()


def csv_of(format_: FileFormat) -> CsvFormat:
    """The same. InvalidRequest unless its hours can be put one behind the other."""
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


def _alike(table: str, first: StoredFile, others: Iterator[StoredFile]) -> Iterator[ReceiptFile]:
    """The files, as long as they are written alike."""
    yield first.file
    for one in others:
        if (one.file.format, one.columns) != (first.file.format, first.columns):
            raise WrongState(
                f"the files of {table} differ in format or columns, as the export was changed in between;"
                " fetch them one by one",
                state="mixed",
                allowed=(),
            )
        yield one.file


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
