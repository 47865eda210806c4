"""Stage three: an hour's files to the destination, read back; then, last of all, its receipt."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from platform import python_version

from export_pipeline.connectors.destination import Destination, Proof
from export_pipeline.exports.export import Export
from export_pipeline.exports.naming import object_key, receipt_key
from export_pipeline.pipeline.hours import DeliveredFile, DeliveredHour, FormattedFile, FormattedHour
from export_pipeline.pipeline.placing import Begun, BytesContent, FileContent, place
from export_pipeline.pipeline.progress import Cancelled, Progress
from export_pipeline.pipeline.side_files import folder_of_side_files
from export_pipeline.pipeline.standing import StandingReceipt, keys_of, standing_receipt
from export_pipeline.receipts.receipt import Receipt, ReceiptFile, ReceiptHour
from export_pipeline.store.ledger import LedgerEntry


def deliver_hour(
    formatted: FormattedHour,
    export: Export,
    destination: Destination,
    known: Sequence[LedgerEntry],
    *,
    still_ours: Callable[[], None],
    before_change: Callable[[], None],
    where: str,
    begun: Begun,
    progress: Progress,
) -> DeliveredHour:
    """Put the hour's files in place and read them back; then write the receipt, unless it stands already.

    `known` are the ledger's entries of the hour, the newest first. The same files again are the same
    revision: what is missing of it at the destination is put back, and nothing else changes there.
    `still_ours` raises when the hour is another run's by now. `before_change` is called before the files of a
    delivered revision make room for those of the next. `begun` is as for `place`.
    `where` is a digest of where the destination leads: what the ledger knows of elsewhere is not ours here.
    """
    started = time.monotonic()
    # The same for every revision and table.
    key_of_receipt = receipt_key(export.definition.path, export.key_context("", formatted.window))
    before = standing_receipt(
        known[0] if known else None, destination, key_of_receipt, export, formatted.window
    )
    unchanged = before if before and _same(before.receipt, formatted, export) else None
    revision = unchanged.receipt.revision if unchanged else (before.receipt.revision if before else 0) + 1
    if before and not unchanged:
        before_change()
    delivered = {key for entry in known if entry.place == where for key in keys_of(entry)}
    total = sum(file.bytes for file in formatted.files)
    done = 0
    files: list[DeliveredFile] = []
    for file in formatted.files:
        earlier = done
        key = object_key(export.definition.path, export.key_context(file.table, formatted.window, revision))
        content = FileContent(file.path, file.bytes, file.sha256)

        def note(sent: int, earlier: int = earlier, begun: bool = bool(files)) -> None:
            try:
                progress(earlier + sent, total)
            except Cancelled:
                if not begun:
                    raise
                # One of the hour's files can be seen: the hour is made whole.

        proof = place(
            destination,
            key,
            content,
            export.identity,
            still_ours=still_ours,
            after_piece=note,
            ours=key in delivered,
            begun=begun,
        )
        done += file.bytes
        files.append(_delivered(file, key, proof))
    if unchanged:
        receipt, data = unchanged.receipt, unchanged.data
    else:
        receipt = _receipt(formatted, export, tuple(files), revision, before)
        data = receipt.to_bytes()
    place(
        destination,
        key_of_receipt,
        BytesContent(data),
        export.identity,
        still_ours=still_ours,
        after_piece=_unnoted,
        ours=key_of_receipt in delivered,
        begun=begun,
    )
    return DeliveredHour(
        window=formatted.window,
        files=tuple(files),
        receipt=receipt,
        receipt_key=key_of_receipt,
        receipt_text=data.decode(),
        changed=unchanged is None,
        seconds=formatted.staged.seconds + formatted.seconds + time.monotonic() - started,
    )


def _same(before: Receipt, formatted: FormattedHour, export: Export) -> bool:
    """Whether the standing receipt already says exactly what a new one would say of rows and files."""
    expected = {
        (
            object_key(
                export.definition.path, export.key_context(file.table, formatted.window, before.revision)
            ),
            file.sha256,
            file.rows,
        )
        for file in formatted.files
    }
    return (
        {(file.key, file.sha256, file.rows) for file in before.files} == expected
        and before.tables == tuple(staged.table for staged in formatted.staged.tables)
        and [_counted(hour) for hour in before.hours] == [_counted(hour) for hour in _hours(formatted)]
        and before.export_id == export.id
        and (before.since, before.until) == (formatted.window.since, formatted.window.until)
    )


def _hours(formatted: FormattedHour) -> tuple[ReceiptHour, ...]:
    """The hours of a range, one by one."""
    return tuple(
        ReceiptHour(
            hour=part.hour,
            read_at=part.read_at,
            rows_at_source=dict(part.rows_at_source),
            rows={file.table: file.rows_of_parts[number] for file in formatted.files},
        )
        for number, part in enumerate(formatted.staged.parts)
    )


def _counted(hour: ReceiptHour) -> object:
    """What an hour has that is the same whenever it is read again."""
    return hour.hour, hour.rows_at_source, hour.rows


def _delivered(file: FormattedFile, key: str, proof: Proof) -> DeliveredFile:
    return DeliveredFile(
        table=file.table, key=key, rows=file.rows, bytes=file.bytes, sha256=file.sha256, proof=proof
    )


def _receipt(
    formatted: FormattedHour,
    export: Export,
    files: tuple[DeliveredFile, ...],
    revision: int,
    before: StandingReceipt | None,
) -> Receipt:
    staged = formatted.staged
    options = export.definition.format.model_dump(mode="json")
    side_files = {file.table: folder_of_side_files(export, file, staged.window) for file in formatted.files}
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
        row_limit=export.definition.row_limit,
        tables=tuple(table.table for table in staged.tables),
        hours=_hours(formatted),
        files=tuple(
            ReceiptFile(
                table=file.table,
                key=file.key,
                rows=file.rows,
                bytes=file.bytes,
                sha256=file.sha256,
                format=options,
                side_files=side_files[file.table],
                proof=file.proof,
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
