"""What contributors may do: open a session, send records and deletions, and close it.

Everything that counts is done in one transaction. A process that is killed, or a contributor who is never
heard of again, leaves what was there before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from export_pipeline.contributions.entity_types import schema_of
from export_pipeline.contributions.ids import public_id
from export_pipeline.contributions.records import Record, deletions_of, records_of
from export_pipeline.contributions.schemas import Unusable
from export_pipeline.contributions.sessions import Action, Mode, lapsed
from export_pipeline.errors import Unauthenticated
from export_pipeline.store.contributed_hours import note_hours
from export_pipeline.store.contributed_records import accept_staged
from export_pipeline.store.contribution_sessions import (
    ContributionSession,
    begin_session,
    end_session,
    end_sessions_unused_since,
    note_session_use,
    session_of,
    stage_deletions,
    stage_upserts,
)
from export_pipeline.store.data_connectors import DataConnector, is_live, lock_data_connector
from export_pipeline.store.entity_types import get_entity_type, lock_entity_type


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent in one piece, checked. `unchecked` says why the entity type's schema was passed over."""

    upserts: Sequence[Record] = ()
    deletions: Sequence[str] = ()
    unchecked: str | None = None


def open_session(connection: sa.Connection, connector: DataConnector, mode: Mode, idle: timedelta) -> str:
    """Open a session and give its id. The connector's session before is rolled back, as is every one of its
    organization's that nobody used for `idle`.
    """
    lock_data_connector(connection, connector.id)
    now = datetime.now(UTC)
    # First: its session may be another's to roll back, who is waited for, and must not wait for this one.
    session = begin_session(connection, connector, mode, now)
    end_sessions_unused_since(connection, now - idle, connector.organization)
    return session.id


def check_session(connection: sa.Connection, connector: DataConnector, sid: str, idle: timedelta) -> None:
    """Unauthenticated unless it is the connector's open session."""
    _check(session_of(connection, connector), sid, idle)


def read_sent(connection: sa.Connection, connector: DataConnector, action: Action, body: Any) -> Sent:
    """What a body says is to be done. Rejected names everything that is wrong with it."""
    if action is Action.DELETE:
        return Sent(deletions=deletions_of(body))
    document = get_entity_type(connection, connector.entity_type).profile.schema
    try:
        schema, problem = schema_of(document), None
    except Unusable as error:
        schema, problem = None, str(error)
    return Sent(upserts=records_of(body, schema), unchecked=problem)


def send(
    connection: sa.Connection, connector: DataConnector, sid: str, sent: Sent, idle: timedelta
) -> Mapping[str, str]:
    """Do in the session what was sent; for each id of the contributor's, the record's public one."""
    lock_data_connector(connection, connector.id)
    session = _session(connection, connector, sid, idle)
    now = datetime.now(UTC)
    note_session_use(connection, session, now)
    stage_upserts(connection, session, connector, sent.upserts)
    stage_deletions(connection, session, connector, sent.deletions)
    if session.mode is Mode.STREAM:
        _accept(connection, connector, session)
    vendor_ids = [*(record.id for record in sent.upserts), *sent.deletions]
    return {vendor_id: public_id(connector.contribution_id, vendor_id) for vendor_id in vendor_ids}


def close_session(
    connection: sa.Connection, connector: DataConnector, sid: str, *, commit: bool, idle: timedelta
) -> None:
    """Close a session. What it was to change is done now with `commit`, and otherwise never."""
    lock_data_connector(connection, connector.id)
    session = _session(connection, connector, sid, idle)
    if commit and session.mode is not Mode.STREAM:
        _accept(connection, connector, session)
    end_session(connection, session)


def in_session(connector: DataConnector, idle: timedelta) -> bool:
    """Whether the connector has a session that is not over."""
    used = connector.session_used_at
    return used is not None and not lapsed(used, datetime.now(UTC), idle)


def _session(
    connection: sa.Connection, connector: DataConnector, sid: str, idle: timedelta
) -> ContributionSession:
    """The session, which nobody ends until the transaction does: not for its age either."""
    return _check(session_of(connection, connector, locked=True), sid, idle)


def _check(session: ContributionSession | None, sid: str, idle: timedelta) -> ContributionSession:
    if session is None or session.id != sid or lapsed(session.last_used_at, datetime.now(UTC), idle):
        raise Unauthenticated("the session is not open; open one")
    return session


def _accept(connection: sa.Connection, connector: DataConnector, session: ContributionSession) -> None:
    lock_entity_type(connection, connector.entity_type)
    # Not before: while it waited, an hour may have been delivered that has passed since.
    now = datetime.now(UTC)
    hours = accept_staged(connection, session, replace=session.mode is Mode.REPLACE, now=now)
    if is_live(connection, connector.id):  # now, and not when its token was looked up
        # Dated last: a large session takes minutes, and who corrects hours looks back for two.
        note_hours(connection, connector.entity_type, hours, datetime.now(UTC))
