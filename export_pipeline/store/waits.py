"""Waits: hours that somebody wanted delivered while their connector was not running."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.store.connectors import StoredConnector
from export_pipeline.store.moments import Moment
from export_pipeline.store.schema import CONNECTORS, EXPORTS, WAITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """An hour that waits, since when it was first wanted.

    With `proven_since` it is to be delivered again by force, unless it was found in place since then.
    """

    export_id: str
    hour: datetime
    since: datetime
    proven_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A standing export with hours that wait no longer with reason: its connector runs, since when."""

    export_id: str
    running_since: datetime


def why_wait(connector: StoredConnector) -> str | None:
    """Why nothing goes through a connector at present, for a sentence: `connector 'a' is ...`."""
    if connector.state is ConnectorState.RUNNING:
        return None
    return f"connector {connector.name!r}, which is {connector.state}: {connector.reason}"


def note_wait(
    connection: sa.Connection,
    export_id: str,
    hour: datetime,
    *,
    now: datetime,
    proven_since: datetime | None = None,
) -> None:
    """Note that an hour waits. One that waits already keeps its time; what was asked by force stays so."""
    wait = Wait(export_id=export_id, hour=hour, since=now, proven_since=proven_since)
    try:
        with connection.begin_nested():
            connection.execute(WAITS.insert().values(asdict(wait)))
    except IntegrityError:
        if proven_since is not None:
            weaker = sa.or_(WAITS.c.proven_since.is_(None), WAITS.c.proven_since < proven_since)
            connection.execute(
                WAITS.update().where(*_key(export_id, hour), weaker).values(proven_since=proven_since)
            )


def wait_of(connection: sa.Connection, export_id: str, hour: datetime) -> Wait | None:
    """The wait of one hour, if it waits."""
    row = connection.execute(sa.select(WAITS).where(*_key(export_id, hour))).one_or_none()
    return Wait(**row._mapping) if row else None


def waits_of(connection: sa.Connection, export_id: str, limit: int | None = None) -> Sequence[Wait]:
    """The hours of an export that wait, the first `limit` of them by hour."""
    query = sa.select(WAITS).where(WAITS.c.export_id == export_id).order_by(WAITS.c.hour).limit(limit)
    return [Wait(**row._mapping) for row in connection.execute(query)]


def count_waits(connection: sa.Connection, organization: str) -> Mapping[str, int]:
    """How many hours wait, for each export of an organization that has some."""
    counted = (
        sa.select(WAITS.c.export_id, sa.func.count())
        .join(EXPORTS, EXPORTS.c.id == WAITS.c.export_id)
        .where(EXPORTS.c.organization == organization)
        .group_by(WAITS.c.export_id)
    )
    return {row[0]: row[1] for row in connection.execute(counted)}


def forget_wait(connection: sa.Connection, export_id: str, hour: datetime) -> None:
    """Note that an hour waits no more: a run has it, or it is delivered."""
    connection.execute(WAITS.delete().where(*_key(export_id, hour)))


def settle_wait(connection: sa.Connection, export_id: str, hour: datetime, proven_at: datetime) -> None:
    """An hour that some run had in hands since before it waited was found in place at that moment.

    It waits no more; but by force it does, for a run that reads it anew: this one had read it before.
    """
    forced = WAITS.c.proven_since.is_not(None)
    connection.execute(WAITS.delete().where(*_key(export_id, hour), ~forced))
    later = proven_at + timedelta(microseconds=1)
    connection.execute(WAITS.update().where(*_key(export_id, hour), forced).values(proven_since=later))


def forget_waits(connection: sa.Connection, export_id: str) -> None:
    """Note that nobody wants any hour of the export any more."""
    connection.execute(WAITS.delete().where(WAITS.c.export_id == export_id))


def ready_exports(connection: sa.Connection, *, besides: Collection[str], limit: int) -> Sequence[Ready]:
    """Standing exports with hours that wait though their connector runs, `besides` those; the one whose
    hour is the oldest comes first.
    """
    running_since = sa.func.coalesce(CONNECTORS.c.state_since, CONNECTORS.c.created_at, type_=Moment)
    query = (
        sa.select(EXPORTS.c.id, running_since)
        .join(WAITS, WAITS.c.export_id == EXPORTS.c.id)
        .join(CONNECTORS, CONNECTORS.c.id == EXPORTS.c.connector_id)
        .where(
            EXPORTS.c.standing,
            EXPORTS.c.deleted_at.is_(None),
            EXPORTS.c.id.not_in(besides),
            CONNECTORS.c.state == ConnectorState.RUNNING,
        )
        .group_by(EXPORTS.c.id, running_since)
        .order_by(sa.func.min(WAITS.c.hour), EXPORTS.c.id)
        .limit(limit)
    )
    return [Ready(export_id=id_, running_since=since) for id_, since in connection.execute(query)]


def _key(export_id: str, hour: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return WAITS.c.export_id == export_id, WAITS.c.hour == hour
