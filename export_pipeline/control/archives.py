"""A task's files as one zip with a file per table, made while it is sent: never in memory or on disk."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import RawIOBase
from typing import Any, BinaryIO, cast
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import sqlalchemy as sa

from export_pipeline.connectors.destination import Destination
from export_pipeline.control.stored_files import Reader, StoredFile, bytes_of, files_in, receipts_of
from export_pipeline.errors import InvalidRequest, TransientFailure, WrongState
from export_pipeline.exports.export import Export
from export_pipeline.exports.task import ExportTask
from export_pipeline.formats.compression import SUFFIXES, decompressed
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.file_format import FileFormat, format_from
from export_pipeline.receipts.receipt import Receipt, ReceiptFile

# Whoever waits for a download waits for the compressor: the fastest level makes CSV a tenth larger.
LEVEL = 1

# The earliest that an entry of a zip can have. Nobody's moment: the same files give the same zip.
NO_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """A table in a zip, and how its files are written."""

    table: str
    format: CsvFormat

    @property
    def name(self) -> str:
        """What it is called in the zip."""
        return f"{self.table}.{self.format.extension.removesuffix(SUFFIXES[self.format.compression])}"


def archive_of(
    control: sa.Engine, destination: Destination, export: Export, task: ExportTask
) -> Iterator[bytes]:
    """The zip's bytes, in pieces. An error in the middle leaves it without its end: nobody can open it.

    What the receipts tell is wrong is raised instead of the first piece: see `contents_of`. TransientFailure
    if an hour is delivered anew meanwhile: the tables would not be of one delivery, or not all of them there.
    """
    sent = _Sent()
    looked_at = hashlib.sha256()
    contents = contents_of(_noted(receipts_of(control, export, task), looked_at), export)
    with ZipFile(cast("BinaryIO", sent), "w", ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for one in contents:
            entry = ZipInfo(one.name, NO_TIME)
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with archive.open(entry, "w", force_zip64=True) as table:
                read = hashlib.sha256()
                receipts = _noted(receipts_of(control, export, task), read)
                for piece in joined(destination, one.format, _files_of(one.table, receipts)):
                    table.write(piece)
                    yield from sent.taken()
                if read.digest() != looked_at.digest():
                    raise TransientFailure("hours were delivered anew meanwhile; ask again")
    yield from sent.taken()


def contents_of(receipts: Iterable[Receipt], export: Export) -> Sequence[Contents]:
    """The tables that were delivered with these receipts, as they were: the export may be another by now.

    InvalidRequest if they are not CSV; WrongState if files of a table differ, as the export was changed
    between two hours.
    """
    firsts: dict[str, StoredFile | None] = {}
    for receipt in receipts:
        for table in receipt.tables:
            firsts.setdefault(table.name, None)
        for file in files_in(receipt):
            first = firsts[file.file.table]
            _check_alike(first or file, file)
            firsts[file.file.table] = first or file
    written = next((format_from(first.file.format) for first in firsts.values() if first), None)
    of_no_file = csv_of(written or export.definition.format)
    return [
        Contents(table=table, format=csv_of(format_from(first.file.format)) if first else of_no_file)
        for table, first in firsts.items()
    ]


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


def _noted(receipts: Iterable[Receipt], digest: "hashlib._Hash") -> Iterator[Receipt]:
    """The receipts, each of which goes into the digest: two that are equal are of the same deliveries."""
    for receipt in receipts:
        digest.update(f"{receipt.hour} {receipt.revision} {receipt.delivered_at}\n".encode())
        yield receipt


def _files_of(table: str, receipts: Iterable[Receipt]) -> Iterator[ReceiptFile]:
    return (file for receipt in receipts for file in receipt.files if file.table == table)


def _check_alike(first: StoredFile, file: StoredFile) -> None:
    if not file.like(first):
        raise WrongState(
            f"the files of {file.file.table} differ in format or columns, as the export was changed in"
            " between; fetch them one by one",
            state="mixed",
            allowed=(),
        )


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
