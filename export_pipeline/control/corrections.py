"""Hours that were delivered before what was contributed for them changed: they are to be delivered again.

A record that is deleted, or changed and so of another hour, leaves the hour that it was in, and so does every
record of a connector that is demoted. The hour's next revision says which receipt it takes the place of.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from export_pipeline.exports.export import Export
from export_pipeline.receipts.receipt import receipt_from
from export_pipeline.store.claims import claims_between
from export_pipeline.store.contributed_hours import TO_SETTLE
from export_pipeline.store.corrections import Change, changes_since
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import standing_exports
from export_pipeline.store.ledger import latest_entry
from export_pipeline.store.waits import note_wait
from export_pipeline.windows import BEGINNING_OF_TIME, ONE_HOUR

# Some hours never settle, as that of old records which a stream changes one by one for days: those are
# delivered again so long after they were read.
LONGEST_UNSETTLED = timedelta(minutes=10)


def note_corrections(control: sa.Engine, since: datetime | None, now: datetime) -> tuple[int, datetime]:
    """Have those hours of standing exports delivered again that were read before they changed.

    Looks at changes from `since` on (None: at all that there were), and returns how many hours there are and
    from when on to look the next time. One-off requests were of a moment, and stay what they were.
    """
    settled = now - TO_SETTLE
    with reading(control) as connection:
        changes = changes_since(connection, since or BEGINNING_OF_TIME)
        exports = standing_exports(connection) if changes else ()
        found = [
            (export.id, change.hour)
            for change in changes
            for export in exports
            if _holds(export, change) and _outdated(connection, export.id, change, now)
        ]
    for export_id, hour in found:
        with writing(control) as connection:
            note_wait(connection, export_id, hour, now=now, proven_since=now)
    return len(found), settled


def _holds(export: Export, change: Change) -> bool:
    """Whether it is an export of what changed."""
    return export.organization == change.organization and export.definition.holds(change.eid)


def _outdated(connection: sa.Connection, export_id: str, change: Change, now: datetime) -> bool:
    """Whether the export delivered the hour as it was before, and it is time to say so."""
    settled = change.changed_at < now - TO_SETTLE
    if not settled and change.changing_since >= now - LONGEST_UNSETTLED:
        return False
    # In this order: who gives up a claim has made an entry before.
    in_flight = bool(claims_between(connection, export_id, change.hour, change.hour + ONE_HOUR))
    entry = latest_entry(connection, export_id, change.hour)
    if entry is None:
        return in_flight and settled  # it may have been read already
    if entry.expired_at is not None:  # whoever wants its files has them delivered anew
        return False
    read_at = receipt_from(entry.receipt.encode(), entry.receipt_key).read_at
    if not settled:
        return not in_flight and read_at < now - LONGEST_UNSETTLED
    # A change is dated before it is stored, and a run that reads in between does not see it. No session takes
    # so long to close.
    return read_at < change.changed_at + TO_SETTLE
