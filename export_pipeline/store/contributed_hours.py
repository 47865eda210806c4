"""Which hours of entity types changed: what was delivered of them before is to be corrected."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from export_pipeline.store.contribution_schema import CONTRIBUTED_HOURS
from export_pipeline.store.moments import Moment

# Changes of an hour that follow each other sooner are one to whoever delivered it.
TO_SETTLE = timedelta(minutes=2)

# As many as a database takes in one statement, with room to spare.
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class ChangedHour:
    """So many transactions changed it, the last of them then; they follow soon upon each other since."""

    changes: int
    changed_at: datetime
    changing_since: datetime | None


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
        settled = table.c.changed_at < now - TO_SETTLE
        connection.execute(
            table.update()
            .where(*there)
            .values(
                changes=table.c.changes + 1,
                changed_at=now,
                changing_since=sa.case(
                    (settled, now), else_=sa.func.coalesce(table.c.changing_since, now, type_=Moment)
                ),
            )
        )
        new = [hour for hour in some if hour not in known]
        if new:
            row = {"entity_type": entity_type, "changes": 1, "changed_at": now, "changing_since": now}
            connection.execute(table.insert(), [row | {"hour": hour} for hour in new])


def changed_hours(
    connection: sa.Connection, entity_type: str, since: datetime, until: datetime
) -> Mapping[datetime, ChangedHour]:
    """The hours in `[since, until)` that changed ever, those in which something stands among them."""
    table = CONTRIBUTED_HOURS
    rows = connection.execute(
        sa.select(table.c.hour, table.c.changes, table.c.changed_at, table.c.changing_since)
        .where(table.c.entity_type == entity_type, table.c.hour >= since, table.c.hour < until)
        .order_by(table.c.hour)
    )
    return {row.hour: ChangedHour(row.changes, row.changed_at, row.changing_since) for row in rows}
