"""The last step of an hour: the ledger, in the same transaction as a look at the claim."""

from datetime import UTC, datetime

import sqlalchemy as sa

from export_pipeline.errors import Conflict
from export_pipeline.exports.export import Export
from export_pipeline.pipeline.hours import DeliveredHour
from export_pipeline.pipeline.standing import keys_of
from export_pipeline.store.begun_objects import note_begun, settle_begun
from export_pipeline.store.claims import holds_claim
from export_pipeline.store.connectors import get_connector
from export_pipeline.store.database import writing
from export_pipeline.store.ledger import LedgerEntry, every_revision, write_entry
from export_pipeline.store.waits import settle_wait


class Overtaken(Conflict):
    """The hour lies where its connector led when the run began, and not where it leads now."""


def record_hour(
    control: sa.Engine,
    export: Export,
    delivered: DeliveredHour,
    run_id: str,
    configuration: int | None = None,
    *,
    place: str,
) -> LedgerEntry:
    """Enter the hour in the ledger. Conflict when another run took the hour over in the meantime.

    `configuration` is that of the connector by which it was delivered, and `place` where that led; Overtaken
    when another has its place.
    """
    receipt = delivered.receipt
    entry = LedgerEntry(
        export_id=export.id,
        hour=delivered.window.start,
        revision=receipt.revision,
        since=receipt.since,
        until=receipt.until,
        hours=len(delivered.window.hours),
        rows=receipt.rows,
        bytes=sum(file.bytes for file in receipt.files),
        seconds=delivered.seconds,
        receipt_key=delivered.receipt_key,
        receipt=delivered.receipt_text,
        run_id=run_id,
        delivered_at=receipt.delivered_at,
        proven_at=datetime.now(UTC),
        place=place,
    )
    with writing(control) as connection:
        if not holds_claim(connection, export.id, entry.hour, run_id):
            raise Conflict(
                f"{delivered.window.key}: the claim lapsed while the hour was delivered, and another run"
                " may have it; it will be found in place, or delivered, by the next run"
            )
        connector = get_connector(connection, export.connector_id, locked=True)
        if configuration not in (None, connector.configuration):
            raise Overtaken(f"{delivered.window.key}: its connector was replaced while it was delivered")
        _note_left_behind(connection, entry)
        write_entry(connection, entry)
        settle_begun(connection, export.id, entry.hour, place, [*keys_of(entry)])
        settle_wait(connection, export.id, entry.hour, entry.proven_at)  # wanted once more while in flight
    return entry


def _note_left_behind(connection: sa.Connection, entry: LedgerEntry) -> None:
    """The ledger is about to say of a revision that it lies elsewhere: keep what it says until now."""
    for before in every_revision(connection, entry.export_id, entry.hour):
        if before.revision != entry.revision or before.place in (None, entry.place):
            continue
        for key in keys_of(before):
            note_begun(connection, entry.export_id, entry.hour, before.place, key, now=entry.proven_at)
