"""A task's files as one zip with a file per table, made while it is sent: never in memory or on disk."""

from collections import Counter
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
    """A table in a zip: how its files are written, the first of them, if there is any, and how many."""

    table: str
    format: CsvFormat
    first: StoredFile | None
    files: int

    @property
    def name(self) -> str:
        """What it is called in the zip."""
        return f"{self.table}.{self.format.extension.removesuffix(SUFFIXES[self.format.compression])}"


def archive_of(
    control: sa.Engine, destination: Destination, export: Export, task: ExportTask
) -> Iterator[bytes]:
    """The zip's bytes, in pieces. An error in the middle leaves it without its end: nobody can open it.

    What the receipts tell is wrong is raised instead of the first piece: see `contents_of`.
    """
    sent = _Sent()
    contents = contents_of(receipts_of(control, export, task), export)
    with ZipFile(cast("BinaryIO", sent), "w", ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for one in contents:
            entry = ZipInfo(one.name, NO_TIME)
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with archive.open(entry, "w", force_zip64=True) as table:
                for piece in joined(destination, one.format, _alike(one, control, export, task)):
                    table.write(piece)
                    yield from sent.taken()
    yield from sent.taken()


def contents_of(receipts: Iterable[Receipt], export: Export) -> Sequence[Contents]:
    """The tables that were delivered with these receipts, as they were: the export may be another by now.

    InvalidRequest if they are not CSV; WrongState if files of a table differ, as the export was changed
    between two hours.
    """
    firsts: dict[str, StoredFile | None] = {}
    files = Counter[str]()
    for receipt in receipts:
        for table in receipt.tables:
            firsts.setdefault(table.name, None)
        for file in files_in(receipt):
            first = firsts[file.file.table]
            _check_alike(first or file, file)
            firsts[file.file.table] = first or file
            files[file.file.table] += 1
    written = next((format_from(first.file.format) for first in firsts.values() if first), None)
    of_no_file = csv_of(written or export.definition.format)
    return [
        Contents(
            table=table,
            format=csv_of(format_from(first.file.format)) if first else of_no_file,
            first=first,
            files=files[table],
        )
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


def _alike(contents: Contents, control: sa.Engine, export: Export, task: ExportTask) -> Iterator[ReceiptFile]:
    """The table's files, as long as they are written as they were when they were looked at, and as many."""
    left = contents.files
    for receipt in receipts_of(control, export, task):
        for file in files_in(receipt):
            if file.file.table == contents.table:
                _check_alike(contents.first or file, file)
                left -= 1
                yield file.file
    if left:
        raise TransientFailure(f"the files of {contents.table} were delivered anew meanwhile; ask again")


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
