"""Which hours of entity types changed: what was delivered of them before is to be corrected."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from export_pipeline.store.contribution_schema import CONTRIBUTED_HOURS

# As many as a database takes in one statement, with room to spare.
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class ChangedHour:
    """So many transactions changed it, the last of them then."""

    changes: int
    changed_at: datetime


def note_hours(
    connection: sa.Connection, entity_type: str, hours: Collection[datetime], now: datetime
) -> None:
    """Note that this transaction, which has locked the entity type, changed those hours."""
    table = CONTRIBUTED_HOURS
    ordered = sorted(hours)
    for first in range(0, len(ordered), AT_ONCE):
        some = ordered[first : first + AT_ONCE]
        there = table.c.entity_type == entity_type, table.c.hour.in_(some)
        known = {*connection.scalars(sa.select(table.c.hour).where(*there))}
        connection.execute(table.update().where(*there).values(changes=table.c.changes + 1, changed_at=now))
        new = [hour for hour in some if hour not in known]
        if new:
            row = {"entity_type": entity_type, "changes": 1, "changed_at": now}
            connection.execute(table.insert(), [row | {"hour": hour} for hour in new])


def changed_hours(
    connection: sa.Connection, entity_type: str, since: datetime, until: datetime
) -> Mapping[datetime, ChangedHour]:
    """The hours in `[since, until)` that changed ever, those in which something stands among them."""
    table = CONTRIBUTED_HOURS
    rows = connection.execute(
        sa.select(table.c.hour, table.c.changes, table.c.changed_at)
        .where(table.c.entity_type == entity_type, table.c.hour >= since, table.c.hour < until)
        .order_by(table.c.hour)
    )
    return {row.hour: ChangedHour(row.changes, row.changed_at) for row in rows}
