"""The files of a task as they lie in its connector's store: which there are, and their bytes, proven."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from export_pipeline.connectors.destination import Destination
from export_pipeline.errors import Gone, NotFound, TransientFailure
from export_pipeline.exports.export import Export
from export_pipeline.exports.task import ExportTask
from export_pipeline.receipts.receipt import Receipt, ReceiptColumn, ReceiptFile, receipt_from
from export_pipeline.store.database import reading
from export_pipeline.store.ledger import latest_entries

# Receipts are read for so many hours at once: a year of them would be fifty megabytes.
AT_ONCE = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of a table's, and the columns that it was written with."""

    file: ReceiptFile
    columns: tuple[ReceiptColumn, ...]

    def like(self, other: "StoredFile") -> bool:
        """Whether both are written alike, so that one may stand behind the other."""
        return (self.file.format, self.columns) == (other.file.format, other.columns)


def receipts_of(control: sa.Engine, export: Export, task: ExportTask) -> Iterator[Receipt]:
    """The receipts of the task's hours, in their order."""
    since, until = task.ledger_hours(export.definition.layout)
    while since < until:
        with reading(control) as connection:
            entries = latest_entries(connection, task.export_id, since, min(since + AT_ONCE, until))
        since += AT_ONCE
        for entry in entries:
            yield receipt_from(entry.receipt.encode(), entry.receipt_key)


def files_in(receipt: Receipt) -> Iterator[StoredFile]:
    """The files that a receipt is for."""
    columns = {one.name: one.columns for one in receipt.tables}
    for file in receipt.files:
        yield StoredFile(file=file, columns=columns[file.table])


def bytes_of(destination: Destination, file: ReceiptFile) -> Iterator[bytes]:
    """The file's bytes. Gone when it is there no more; TransientFailure when it is not what was delivered."""
    digest, size = hashlib.sha256(), 0
    try:
        for piece in destination.get(file.key):
            digest.update(piece)
            size += len(piece)
            yield piece
    except NotFound as error:
        raise Gone(f"{file.key!r} was deleted, or has expired; ask for its hours anew") from error
    if (size, digest.hexdigest()) != (file.bytes, file.sha256):
        raise TransientFailure(f"{file.key!r} is not as it was delivered, or was replaced; ask again")


@dataclass(slots=True)
class Reader:
    """Pieces of bytes, to be read like a file."""

    pieces: Iterator[bytes]
    _left: bytes = b""

    def read(self, size: int) -> bytes:
        """At most so many bytes; none at the end."""
        while not self._left:
            piece = next(self.pieces, None)
            if piece is None:
                return b""
            self._left = piece
        data, self._left = self._left[:size], self._left[size:]
        return data
