"""The ledger: every hour delivered, one row per export, hour and revision, and the hours that failed.

It is the truth for status, coverage and progress; Dagster's event log is the view of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from export_pipeline.errors import NotFound
from export_pipeline.store.pages import Page, PageRequest, read_page
from export_pipeline.store.schema import FAILURES, HOURS


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One delivered hour, or the part of it from `since` to `until` that was asked for.

    Or a range of so many `hours` whose files hold all of them: then `hour` is the first.
    `receipt` is the text of the receipt's file; `seconds` the work took; `in_doubt` says that a run began
    to put other files in the place of these: until it has, what lies there may be neither. `place` is a
    digest of where the files lie, None if that was not noted. `expired_at` is since when its files are to be
    had no more, and `removed_at` since when they are deleted.
    """

    export_id: str
    hour: datetime
    revision: int
    since: datetime
    until: datetime
    rows: int
    bytes: int
    seconds: float
    receipt_key: str
    receipt: str
    run_id: str
    delivered_at: datetime
    proven_at: datetime
    in_doubt: bool = False
    hours: int = 1
    place: str | None = None
    expired_at: datetime | None = None
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HourFailure:
    """Why an hour is not delivered. `kind` says what to do: retry, configure, or report a bug."""

    export_id: str
    hour: datetime
    stage: str
    kind: str
    message: str
    run_id: str
    failed_at: datetime


_THERE = {"expired_at": None, "removed_at": None}


def latest_entries(
    connection: sa.Connection, export_id: str, since: datetime, until: datetime
) -> Sequence[LedgerEntry]:
    """The newest revision of each delivered hour that starts in `[since, until)`, by hour."""
    newest = (
        sa.select(HOURS.c.hour, sa.func.max(HOURS.c.revision).label("revision"))
        .where(HOURS.c.export_id == export_id, HOURS.c.hour >= since, HOURS.c.hour < until)
        .group_by(HOURS.c.hour)
        .subquery()
    )
    rows = connection.execute(
        sa.select(HOURS)
        .join(newest, sa.and_(HOURS.c.hour == newest.c.hour, HOURS.c.revision == newest.c.revision))
        .where(HOURS.c.export_id == export_id)
        .order_by(HOURS.c.hour)
    )
    return [LedgerEntry(**row._mapping) for row in rows]


def latest_entries_page(
    connection: sa.Connection, export_id: str, since: datetime, until: datetime, asked: PageRequest
) -> Page[LedgerEntry]:
    """The same, in pages."""
    newer = HOURS.alias()
    superseded = sa.exists().where(
        newer.c.export_id == HOURS.c.export_id,
        newer.c.hour == HOURS.c.hour,
        newer.c.revision > HOURS.c.revision,
    )
    query = sa.select(HOURS).where(
        HOURS.c.export_id == export_id, HOURS.c.hour >= since, HOURS.c.hour < until, ~superseded
    )
    return read_page(
        connection, query, by=(HOURS.c.hour,), asked=asked, made=lambda row: LedgerEntry(**row._mapping)
    )


def find_entry(
    connection: sa.Connection, export_id: str, hour: datetime, revision: int | None
) -> LedgerEntry:
    """One revision of an hour, the newest if none is named."""
    query = sa.select(HOURS).where(HOURS.c.export_id == export_id, HOURS.c.hour == hour)
    if revision is not None:
        query = query.where(HOURS.c.revision == revision)
    row = connection.execute(query.order_by(HOURS.c.revision.desc()).limit(1)).one_or_none()
    if row is None:
        which = "" if revision is None else f"revision {revision} of "
        raise NotFound(f"{which}the hour {hour.isoformat()} is not delivered; its export's coverage says why")
    return LedgerEntry(**row._mapping)


def latest_entry(connection: sa.Connection, export_id: str, hour: datetime) -> LedgerEntry | None:
    """The newest revision of one hour."""
    row = connection.execute(_revisions(export_id, hour).limit(1)).one_or_none()
    return LedgerEntry(**row._mapping) if row else None


def every_revision(connection: sa.Connection, export_id: str, hour: datetime) -> Sequence[LedgerEntry]:
    """Every revision of one hour, the newest first."""
    return [LedgerEntry(**row._mapping) for row in connection.execute(_revisions(export_id, hour))]


def _revisions(export_id: str, hour: datetime) -> sa.Select[Any]:
    of_hour = HOURS.c.export_id == export_id, HOURS.c.hour == hour
    return sa.select(HOURS).where(*of_hour).order_by(HOURS.c.revision.desc())


def count_delivered(
    connection: sa.Connection,
    export_id: str,
    since: datetime,
    until: datetime,
    *,
    proven_since: datetime | None = None,
    wanted_at: datetime | None = None,
) -> int:
    """How many hours that start in `[since, until)` are delivered, or were found in place since then.

    One in doubt is not; nor, for whoever wants it since `wanted_at`, one whose files had expired by then.
    """
    query = sa.select(sa.func.count(HOURS.c.hour.distinct())).where(
        HOURS.c.export_id == export_id,
        HOURS.c.hour >= since,
        HOURS.c.hour < until,
        _proven(proven_since, wanted_at),
    )
    return connection.scalar(query) or 0


def count_failed(
    connection: sa.Connection,
    export_id: str,
    since: datetime,
    until: datetime,
    *,
    failed_since: datetime,
    proven_since: datetime | None = None,
    wanted_at: datetime | None = None,
) -> int:
    """How many hours failed since then, of those that `count_delivered` does not count."""
    delivered = sa.exists().where(
        HOURS.c.export_id == FAILURES.c.export_id,
        HOURS.c.hour == FAILURES.c.hour,
        _proven(proven_since, wanted_at),
    )
    query = (
        sa.select(sa.func.count())
        .select_from(FAILURES)
        .where(
            FAILURES.c.export_id == export_id,
            FAILURES.c.hour >= since,
            FAILURES.c.hour < until,
            FAILURES.c.failed_at >= failed_since,
            ~delivered,
        )
    )
    return connection.scalar(query) or 0


def _proven(since: datetime | None, wanted_at: datetime | None) -> sa.ColumnElement[bool]:
    conditions = [~HOURS.c.in_doubt]
    if since is not None:
        conditions.append(HOURS.c.proven_at >= since)
    if wanted_at is not None:
        conditions.append(sa.or_(HOURS.c.expired_at.is_(None), HOURS.c.expired_at > wanted_at))
    return sa.and_(*conditions)


def doubt_entry(connection: sa.Connection, export_id: str, hour: datetime) -> None:
    """Note that a run is about to put other files in the place of those that were delivered."""
    connection.execute(
        HOURS.update().where(HOURS.c.export_id == export_id, HOURS.c.hour == hour).values(in_doubt=True)
    )


def write_entry(connection: sa.Connection, entry: LedgerEntry) -> None:
    """Enter a new revision, or note anew when and where the one that is there was proven; the hour failed no
    more."""
    key = (
        HOURS.c.export_id == entry.export_id,
        HOURS.c.hour == entry.hour,
        HOURS.c.revision == entry.revision,
    )
    noted = {"proven_at": entry.proven_at, "in_doubt": False, "place": entry.place, **_THERE}
    proven = connection.execute(HOURS.update().where(*key).values(noted))
    if not proven.rowcount:
        connection.execute(
            HOURS.insert().values({name: getattr(entry, name) for name in LedgerEntry.__slots__})
        )
    forget_failures(connection, entry.export_id, [entry.hour])


def write_failure(connection: sa.Connection, failure: HourFailure) -> None:
    """Note the latest reason why an hour is not delivered."""
    values = {name: getattr(failure, name) for name in HourFailure.__slots__}
    key = (FAILURES.c.export_id == failure.export_id, FAILURES.c.hour == failure.hour)
    if connection.execute(FAILURES.update().where(*key).values(values)).rowcount:
        return
    try:
        with connection.begin_nested():
            connection.execute(FAILURES.insert().values(values))
    except IntegrityError:  # another run noted its own in between
        connection.execute(FAILURES.update().where(*key).values(values))


def forget_failures(connection: sa.Connection, export_id: str, hours: Sequence[datetime]) -> None:
    """Note that the hours are being tried again, or are delivered."""
    connection.execute(FAILURES.delete().where(FAILURES.c.export_id == export_id, FAILURES.c.hour.in_(hours)))


def failures_between(
    connection: sa.Connection,
    export_id: str,
    since: datetime,
    until: datetime,
    *,
    failed_since: datetime | None = None,
) -> Sequence[HourFailure]:
    """The failures of hours that start in `[since, until)`, by hour."""
    query = sa.select(FAILURES).where(
        FAILURES.c.export_id == export_id, FAILURES.c.hour >= since, FAILURES.c.hour < until
    )
    if failed_since is not None:
        query = query.where(FAILURES.c.failed_at >= failed_since)
    return [HourFailure(**row._mapping) for row in connection.execute(query.order_by(FAILURES.c.hour))]
