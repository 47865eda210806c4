"""Proving what was delivered: each hour's receipt and files, read from the destination."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import sqlalchemy as sa

from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.export import Export
from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.receipts.verifying import Verification, verify
from export_pipeline.store.database import reading
from export_pipeline.store.ledger import LedgerEntry, latest_entries


def delivered_hours(
    control: sa.Engine, export: Export, since: datetime | None, until: datetime | None
) -> tuple[LedgerEntry, ...]:
    """The newest revision of each hour delivered, of those that start in `[since, until)`.

    Of an export with one file for a range: of each range that has hours in there.
    """
    if since is not None and until is not None and until <= since:
        raise InvalidRequest(
            f"until: {until.isoformat()} is not after the start, {since.isoformat()}", field="until"
        )
    end = until or export.definition.until or datetime.max.replace(tzinfo=export.created_at.tzinfo)
    begin = since or export.definition.first_hour
    with reading(control) as connection:
        if export.definition.layout is FileLayout.HOURLY:
            return tuple(latest_entries(connection, export.id, begin, end))
        entries = latest_entries(connection, export.id, export.definition.first_hour, end)
    return tuple(entry for entry in entries if entry.until > begin)


def verify_hours(
    connector: ConnectorConfig,
    entries: tuple[LedgerEntry, ...],
    *,
    hours_at_once: int,
    count_rows: bool = True,
) -> Generator[tuple[LedgerEntry, Verification], None, None]:
    """Each hour with what was found of it, in order of hours, as it is found.

    Without `count_rows` bytes and digests are compared, and the files are read once. Of an hour whose files
    have expired the receipt is. Whoever stops early
    waits only for the hours that are being read.
    """
    destination = connector.open()
    pool = ThreadPoolExecutor(hours_at_once)
    try:
        found = pool.map(
            lambda entry: verify(
                destination,
                entry.receipt_key,
                delivered=entry.receipt.encode(),
                count_rows=count_rows,
                files=entry.expired_at is None,
            ),
            entries,
        )
        yield from zip(entries, found, strict=True)
    finally:
        pool.shutdown(cancel_futures=True)
