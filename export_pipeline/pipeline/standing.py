"""The receipt that stands for an hour before it is delivered again."""

from dataclasses import dataclass

from export_pipeline.connectors.destination import EXPORT_ID, Destination
from export_pipeline.errors import NotFound, PermanentFailure, Unreadable
from export_pipeline.exports.export import Export
from export_pipeline.receipts.receipt import Receipt, digest_of, receipt_from
from export_pipeline.receipts.verifying import receipt_bytes
from export_pipeline.store.ledger import LedgerEntry
from export_pipeline.windows import HourWindow


@dataclass(frozen=True, slots=True)
class StandingReceipt:
    """A receipt and the bytes of its file, by which the next one names it."""

    receipt: Receipt
    data: bytes

    @property
    def digest(self) -> str:
        return digest_of(self.data)


def keys_of(entry: LedgerEntry) -> set[str]:
    """What the export has written of an entry, as the ledger knows: the files and the receipt."""
    receipt = receipt_from(entry.receipt.encode(), entry.receipt_key)
    return {entry.receipt_key, *(file.key for file in receipt.files)}


def standing_receipt(
    entry: LedgerEntry | None, destination: Destination, key: str, export: Export, window: HourWindow
) -> StandingReceipt | None:
    """The newest receipt of the hour: the ledger's, or one at `key` that the ledger has not heard of.

    Whoever is killed between the receipt and the ledger has told the customer of a revision; the next one
    must not have the same number. What lies at `key` and is no receipt of this export's hour does not count.
    """
    known = _known(entry)
    found = _found(destination, key, export, window)
    if known is None or (found is not None and found.receipt.revision > known.receipt.revision):
        return found
    return known


def _known(entry: LedgerEntry | None) -> StandingReceipt | None:
    if entry is None:
        return None
    data = entry.receipt.encode()
    return StandingReceipt(receipt_from(data, entry.receipt_key), data)


def _found(destination: Destination, key: str, export: Export, window: HourWindow) -> StandingReceipt | None:
    try:
        there = destination.head(key)
    except Unreadable:
        return None
    if there is None or there.metadata.get(EXPORT_ID) != export.identity:
        return None
    try:
        data = receipt_bytes(destination, key)
        receipt = receipt_from(data, key)
    except (NotFound, PermanentFailure):
        return None  # damaged: it is written anew
    named = (receipt.organization, receipt.export, receipt.hour)
    if named != (export.organization, export.slug, window.start):
        return None
    return StandingReceipt(receipt, data)
