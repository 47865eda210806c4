"""Stage three: an hour's files to the destination, read back; then, last of all, its receipt."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from platform import python_version

from export_pipeline.connectors.destination import Destination
from export_pipeline.exports.export import Export
from export_pipeline.exports.naming import KeyContext, object_key, receipt_key
from export_pipeline.pipeline.hours import DeliveredFile, DeliveredHour, FormattedFile, FormattedHour
from export_pipeline.pipeline.placing import BytesContent, FileContent, place
from export_pipeline.pipeline.progress import Progress
from export_pipeline.receipts.receipt import Receipt, ReceiptFile, receipt_from
from export_pipeline.store.ledger import LedgerEntry


def deliver_hour(
    formatted: FormattedHour,
    export: Export,
    destination: Destination,
    standing: LedgerEntry | None,
    *,
    still_ours: Callable[[], None],
    progress: Progress,
) -> DeliveredHour:
    """Put the hour's files in place and read them back; then write the receipt, unless it stands already.

    `standing` is the ledger's newest entry of the hour. The same files again are the same revision: what is
    missing of it at the destination is put back, and nothing else changes there. `still_ours` raises when
    the hour is another run's by now.
    """
    started = time.monotonic()
    before = receipt_from(standing.receipt.encode(), standing.receipt_key) if standing else None
    changed = before is None or not _same(before, formatted, export)
    revision = (before.revision if before else 0) + changed
    total = sum(file.bytes for file in formatted.files)
    done = 0
    files = []
    for file in formatted.files:
        earlier = done
        key = object_key(export.definition.path, _context(export, formatted, file.table, revision))
        content = FileContent(file.path, file.bytes, file.sha256)

        def note(sent: int, earlier: int = earlier) -> None:
            progress(earlier + sent, total)

        place(destination, key, content, export.identity, still_ours=still_ours, after_piece=note)
        done += file.bytes
        files.append(_delivered(file, key))
    if before is None or changed:
        receipt = _receipt(formatted, export, tuple(files), revision, before)
        text = receipt.to_bytes().decode()
    else:
        assert standing is not None
        receipt, text = before, standing.receipt
    key = receipt_key(export.definition.path, _context(export, formatted, "", revision))
    place(
        destination,
        key,
        BytesContent(text.encode()),
        export.identity,
        still_ours=still_ours,
        after_piece=_unnoted,
    )
    return DeliveredHour(
        window=formatted.window,
        files=tuple(files),
        receipt=receipt,
        receipt_key=key,
        receipt_text=text,
        changed=changed,
        seconds=formatted.staged.seconds + formatted.seconds + time.monotonic() - started,
    )


def _same(before: Receipt, formatted: FormattedHour, export: Export) -> bool:
    """Whether the standing receipt already says exactly what a new one would say of rows and files."""
    expected = {
        (
            object_key(export.definition.path, _context(export, formatted, file.table, before.revision)),
            file.sha256,
            file.rows,
        )
        for file in formatted.files
    }
    return (
        {(file.key, file.sha256, file.rows) for file in before.files} == expected
        and before.tables == tuple(staged.table for staged in formatted.staged.tables)
        and (before.since, before.until) == (formatted.window.since, formatted.window.until)
    )


def _context(export: Export, formatted: FormattedHour, table: str, revision: int) -> KeyContext:
    return KeyContext(
        organization=export.organization,
        export=export.slug,
        table=table,
        extension=export.definition.format.extension,
        window=formatted.window,
        revision=revision,
    )


def _delivered(file: FormattedFile, key: str) -> DeliveredFile:
    return DeliveredFile(table=file.table, key=key, rows=file.rows, bytes=file.bytes, sha256=file.sha256)


def _receipt(
    formatted: FormattedHour,
    export: Export,
    files: tuple[DeliveredFile, ...],
    revision: int,
    before: Receipt | None,
) -> Receipt:
    staged = formatted.staged
    options = export.definition.format.model_dump(mode="json")
    return Receipt(
        organization=export.organization,
        export=export.slug,
        export_id=export.id,
        hour=staged.window.start,
        since=staged.window.since,
        until=staged.window.until,
        revision=revision,
        supersedes=before.digest if before else None,
        snapshot=staged.snapshot,
        read_at=staged.read_at,
        delivered_at=datetime.now(UTC),
        tables=tuple(table.table for table in staged.tables),
        files=tuple(
            ReceiptFile(
                table=file.table,
                key=file.key,
                rows=file.rows,
                bytes=file.bytes,
                sha256=file.sha256,
                format=options,
            )
            for file in files
        ),
        software={
            "export-pipeline": version("export-pipeline"),
            "pyarrow": version("pyarrow"),
            "python": python_version(),
        },
    )


def _unnoted(_sent: int) -> None:
    """A receipt is too small to be worth noting."""
