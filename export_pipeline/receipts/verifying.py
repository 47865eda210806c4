"""Proving an hour with nothing but what lies at the destination."""

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

from export_pipeline.connectors.destination import Destination
from export_pipeline.connectors.pacing import paced
from export_pipeline.errors import ExportPipelineError, NotFound, PermanentFailure
from export_pipeline.formats.file_format import format_from
from export_pipeline.receipts.receipt import Receipt, ReceiptFile, receipt_from

# Up to here a file read back stays in memory, above it goes to disk: Parquet is read from its end.
IN_MEMORY_BYTES = 16 * 1024 * 1024

# A receipt of a hundred wide tables stays below; somebody else's object need not be read to its end.
MAX_RECEIPT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found of one hour: its receipt, if there is a readable one, and a sentence per fault.

    `damaged`: the receipt or a file is missing, unreadable or not the one that was delivered.
    `miscounted`: numbers of rows at the source, in the receipt and in a file differ.
    """

    key: str
    receipt: Receipt | None
    damaged: tuple[str, ...] = ()
    miscounted: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        return self.damaged + self.miscounted

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(
    destination: Destination,
    key: str,
    *,
    delivered: bytes | None = None,
    count_rows: bool = True,
    files: bool = True,
) -> Verification:
    """Read the receipt at `key` and every file it names; compare sizes, digests and numbers of rows.

    `delivered` is the receipt as it was written, where that is known from elsewhere (the ledger). Counting
    reads the files once more; without it only bytes and digests are compared. Without `files` the receipt is
    read alone, as that of an hour whose files are to be there no more.
    """
    try:
        data = receipt_bytes(destination, key)
        receipt = receipt_from(data, key)
    except ExportPipelineError as error:
        return Verification(key=key, receipt=None, damaged=(str(error),))
    damaged: list[str] = []
    if delivered is not None and data != delivered:
        damaged.append(f"{key}: is not the receipt that was delivered")
    miscounted = [*receipt.unreconciled]
    for file in receipt.files if files else ():
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as copy:
            damage = _damage(destination, file, copy)
            if damage is not None:
                damaged.append(damage)
            elif count_rows:
                copy.seek(0)
                try:
                    miscounted += _miscounted(cast(BinaryIO, copy), file)
                except ExportPipelineError as error:
                    damaged.append(f"{file.key}: its rows cannot be counted: {error}")
    return Verification(key=key, receipt=receipt, damaged=tuple(damaged), miscounted=tuple(miscounted))


def read_receipt(destination: Destination, key: str) -> Receipt:
    """The receipt at `key`. NotFound when there is none, PermanentFailure when it is not one."""
    return receipt_from(receipt_bytes(destination, key), key)


def receipt_bytes(destination: Destination, key: str) -> bytes:
    """The object at `key`, if it is small enough to be a receipt; NotFound, PermanentFailure if not."""
    data = bytearray()
    for piece in destination.get(key):
        data += piece
        if len(data) > MAX_RECEIPT_BYTES:
            raise PermanentFailure(f"{key!r} is no receipt: it is larger than {MAX_RECEIPT_BYTES:,} bytes")
    return bytes(data)


def _damage(destination: Destination, file: ReceiptFile, copy: IO[bytes]) -> str | None:
    digest, size = hashlib.sha256(), 0
    try:
        for piece in paced(destination.get(file.key), file.bytes):
            digest.update(piece)
            size += len(piece)
            copy.write(piece)
    except NotFound:
        return f"{file.key}: is not there"
    except ExportPipelineError as error:
        return f"{file.key}: {error}"
    if (size, digest.hexdigest()) != (file.bytes, file.sha256):
        return (
            f"{file.key}: {size} bytes, sha256 {digest.hexdigest()};"
            f" the receipt says {file.bytes} bytes, sha256 {file.sha256}"
        )
    return None


def _miscounted(source: BinaryIO, file: ReceiptFile) -> Iterator[str]:
    rows = format_from(file.format).count_rows(source)
    if rows != file.rows:
        yield f"{file.key}: {rows} rows; the receipt says {file.rows}"
