"""How much of an export is delivered: counted in the ledger."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from export_pipeline.store.schema import HOURS
from export_pipeline.windows import floor


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The hours delivered, and the rows and bytes in their newest revisions. No hours: no first and last.

    `proven_at` is when the last of them was found in place; `expired` are those whose files are to be had no
    more.
    """

    hours: int
    rows: int
    bytes: int
    first_hour: datetime | None
    last_hour: datetime | None
    proven_at: datetime | None
    expired: int = 0


def delivered(
    connection: sa.Connection,
    export_id: str,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Delivered:
    """Everything delivered of the export so far, in one look at the ledger; or of its hours that start in
    `[since, until)`. Hours in doubt are not.
    """
    meant = [HOURS.c.export_id == export_id]
    if since is not None:
        meant.append(HOURS.c.hour >= since)
    if until is not None:
        meant.append(HOURS.c.hour < until)
    newest = (
        sa.select(HOURS.c.hour, sa.func.max(HOURS.c.revision).label("revision"))
        .where(*meant)
        .group_by(HOURS.c.hour)
        .subquery()
    )
    row = connection.execute(
        sa.select(
            sa.func.coalesce(sa.func.sum(HOURS.c.hours), 0),
            sa.func.coalesce(sa.func.sum(HOURS.c.rows), 0),
            sa.func.coalesce(sa.func.sum(HOURS.c.bytes), 0),
            sa.func.min(HOURS.c.hour),
            sa.func.max(HOURS.c.until),
            sa.func.max(HOURS.c.proven_at),
            sa.func.coalesce(
                sa.func.sum(sa.case((HOURS.c.expired_at.is_not(None), HOURS.c.hours), else_=0)), 0
            ),
        )
        .select_from(HOURS)
        .join(newest, sa.and_(HOURS.c.hour == newest.c.hour, HOURS.c.revision == newest.c.revision))
        .where(*meant, ~HOURS.c.in_doubt)
    ).one()
    hours, rows, size, first, end, proven, expired = row
    return Delivered(
        hours=hours,
        rows=int(rows),  # PostgreSQL sums up bigints as decimals
        bytes=int(size),
        first_hour=first,
        last_hour=None if end is None else floor(end - timedelta.resolution),
        proven_at=proven,
        expired=int(expired),
    )
