"""Open contribution sessions, and what each is to change once it is closed. Of a connector there is one."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from export_pipeline.contributions.ids import public_id
from export_pipeline.contributions.records import Record
from export_pipeline.contributions.sessions import Mode
from export_pipeline.store.contribution_schema import (
    CONTRIBUTION_SESSIONS,
    DATA_CONNECTORS,
    ENTITY_TYPES,
    STAGED_CHANGES,
)
from export_pipeline.store.data_connectors import DataConnector


@dataclass(frozen=True, slots=True, kw_only=True)
class ContributionSession:
    """A session that is open."""

    id: str
    connector: str
    mode: Mode
    opened_at: datetime
    last_used_at: datetime


def begin_session(
    connection: sa.Connection, connector: DataConnector, mode: Mode, now: datetime
) -> ContributionSession:
    """A new session; the one before is rolled back."""
    connection.execute(
        CONTRIBUTION_SESSIONS.delete().where(CONTRIBUTION_SESSIONS.c.connector == connector.id)
    )
    session = ContributionSession(
        id=str(uuid.uuid4()), connector=connector.id, mode=mode, opened_at=now, last_used_at=now
    )
    connection.execute(
        CONTRIBUTION_SESSIONS.insert().values(
            id=session.id, connector=connector.id, mode=mode.value, opened_at=now, last_used_at=now
        )
    )
    return session


def session_of(
    connection: sa.Connection, connector: DataConnector, *, locked: bool = False
) -> ContributionSession | None:
    """The connector's session, whether or not it is over by now; `locked`, nobody ends it meanwhile."""
    query = sa.select(CONTRIBUTION_SESSIONS).where(CONTRIBUTION_SESSIONS.c.connector == connector.id)
    row = connection.execute(query.with_for_update() if locked else query).one_or_none()
    if row is None:
        return None
    return ContributionSession(
        id=row.id,
        connector=row.connector,
        mode=Mode(row.mode),
        opened_at=row.opened_at,
        last_used_at=row.last_used_at,
    )


def note_session_use(connection: sa.Connection, session: ContributionSession, now: datetime) -> None:
    """Note that it was used."""
    connection.execute(
        CONTRIBUTION_SESSIONS.update()
        .where(CONTRIBUTION_SESSIONS.c.id == session.id)
        .values(last_used_at=now)
    )


def end_session(connection: sa.Connection, session: ContributionSession) -> None:
    """Forget a session and what it was to change."""
    connection.execute(CONTRIBUTION_SESSIONS.delete().where(CONTRIBUTION_SESSIONS.c.id == session.id))


def end_sessions_unused_since(
    connection: sa.Connection, moment: datetime, organization: str | None = None
) -> int:
    """Forget every session that nobody used since then, or the organization's; how many there were.

    One that is in somebody's hands, as it is being closed, is left to them, and not waited for.
    """
    sessions = CONTRIBUTION_SESSIONS.c
    unused = sa.select(sessions.id).where(sessions.last_used_at <= moment)
    if organization is not None:
        connectors = sa.select(DATA_CONNECTORS.c.id).join(ENTITY_TYPES)
        theirs = connectors.where(ENTITY_TYPES.c.organization == organization)
        unused = unused.where(sessions.connector.in_(theirs))
    ended = connection.scalars(unused.with_for_update(skip_locked=True)).all()
    if ended:
        each = CONTRIBUTION_SESSIONS.delete().where(sessions.id == sa.bindparam("ended"))
        connection.execute(each, [{"ended": id_} for id_ in ended])
    return len(ended)


def stage_upserts(
    connection: sa.Connection,
    session: ContributionSession,
    connector: DataConnector,
    records: Sequence[Record],
) -> None:
    """Have the session store records, each of which is there once."""
    rows = [
        {
            "session": session.id,
            "vendor_id": record.id,
            "public_id": public_id(connector.contribution_id, record.id),
            "name": record.name,
            "record": record.entity,
            "instance": record.instance,
            "digest": record.digest,
        }
        for record in records
    ]
    _stage(connection, session, rows)


def stage_deletions(
    connection: sa.Connection,
    session: ContributionSession,
    connector: DataConnector,
    vendor_ids: Sequence[str],
) -> None:
    """Have the session delete the records with those ids, each of which is there once."""
    nothing = dict.fromkeys(("name", "record", "instance", "digest"))
    rows = [
        {
            "session": session.id,
            "vendor_id": vendor_id,
            "public_id": public_id(connector.contribution_id, vendor_id),
            **nothing,
        }
        for vendor_id in vendor_ids
    ]
    _stage(connection, session, rows)


def _stage(connection: sa.Connection, session: ContributionSession, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    connection.execute(
        STAGED_CHANGES.delete().where(
            STAGED_CHANGES.c.session == session.id,
            STAGED_CHANGES.c.vendor_id.in_([row["vendor_id"] for row in rows]),
        )
    )
    connection.execute(STAGED_CHANGES.insert(), list(rows))
