"""The states of stored connectors: what was done to them, what checks said of them, when the next is due."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from export_pipeline.connectors.checking import CheckStep
from export_pipeline.connectors.lifecycle import (
    CHECKED,
    FIRST_WAIT,
    ConnectorState,
    Verdict,
    after_check,
    verdict_of,
    wait_after,
)
from export_pipeline.errors import NotFound
from export_pipeline.store.claims import in_flight
from export_pipeline.store.connectors import StoredConnector, get_connector, select_connectors
from export_pipeline.store.schema import CONNECTORS

PASSED = "Its check passed."


def change_state(
    connection: sa.Connection, id_: str, state: ConnectorState, reason: str, *, now: datetime
) -> StoredConnector:
    """Move a connector to a state; what was being checked meanwhile counts no more.

    One that starts does so without a past: what its last check said is forgotten, and it is checked at once.
    """
    values: dict[str, object] = {
        "state": state,
        "reason": reason,
        "state_since": now,
        "generation": CONNECTORS.c.generation + 1,
        "next_check_at": None,
        "failed_checks": 0,
    }
    if state is ConnectorState.STARTING:
        values |= {"checked_at": None, "check_steps": None}
    connection.execute(CONNECTORS.update().where(CONNECTORS.c.id == id_).values(values))
    return get_connector(connection, id_)


def note_check(
    connection: sa.Connection,
    checked: StoredConnector,
    steps: Sequence[CheckStep],
    *,
    now: datetime,
    spread: float,
) -> StoredConnector | None:
    """What the check of a connector, as it was read before the check, makes of it.

    None, and nothing is stored, if it was changed, checked by another or deleted in the meantime.
    `spread` is as for `wait_after`.
    """
    try:
        present = get_connector(connection, checked.id, locked=True)
    except NotFound:
        return None
    if present.generation != checked.generation:
        return None
    verdict = verdict_of(steps)
    state = after_check(present.state, verdict, always_there=present.always_there)
    before = connection.scalar(sa.select(CONNECTORS.c.failed_checks).where(CONNECTORS.c.id == checked.id))
    failed = 0 if verdict is Verdict.PASSED else (before or 0) + 1
    wait = wait_after(failed, spread, leaves=any(step.leaves for step in steps))
    values: dict[str, object] = {
        "generation": present.generation + 1,
        "checked_at": now,
        "failed_checks": failed,
        "next_check_at": now + wait if state in CHECKED else None,
        "check_steps": json.dumps([asdict(step) for step in steps]),
    }
    if present.state in CHECKED:
        values["reason"] = next((step.message for step in steps if not step.ok), PASSED)
    if state is not present.state:
        values |= {"state": state, "state_since": now}
    connection.execute(CONNECTORS.update().where(CONNECTORS.c.id == checked.id).values(values))
    return get_connector(connection, checked.id)


def last_check(connection: sa.Connection, id_: str) -> Sequence[CheckStep]:
    """The steps of a connector's last check; none if its configuration was never checked."""
    text = connection.scalar(sa.select(CONNECTORS.c.check_steps).where(CONNECTORS.c.id == id_))
    return [CheckStep(**step) for step in json.loads(text or "[]")]


def connectors_to_check(connection: sa.Connection, now: datetime, limit: int) -> Sequence[StoredConnector]:
    """The connectors, whoever's they are, whose check is due, those that have waited longest first."""
    due = sa.or_(CONNECTORS.c.next_check_at.is_(None), CONNECTORS.c.next_check_at <= now)
    # However often somebody asks for a check: no store is called on all the time.
    rested = sa.or_(CONNECTORS.c.checked_at.is_(None), CONNECTORS.c.checked_at <= now - FIRST_WAIT * 0.75)
    # Where NULLs are in the order differs from database to database.
    longest = sa.func.coalesce(CONNECTORS.c.next_check_at, CONNECTORS.c.created_at)
    return select_connectors(
        connection, CONNECTORS.c.state.in_(CHECKED), due, rested, by=longest, limit=limit
    )


def ask_for_check(connection: sa.Connection, id_: str, *, now: datetime) -> None:
    """Have a running connector checked soon: something that went through it failed.

    One that starts is being checked already, and keeps the pace of that.
    """
    connection.execute(
        CONNECTORS.update()
        .where(CONNECTORS.c.id == id_, CONNECTORS.c.state == ConnectorState.RUNNING)
        .values(next_check_at=now)
    )


def settle_stopping(connection: sa.Connection, now: datetime) -> Sequence[StoredConnector]:
    """Stop for good the connectors that are stopping and through which nothing goes any more."""
    stopping = CONNECTORS.c.state == ConnectorState.STOPPING
    settled = []
    for connector in select_connectors(connection, stopping, by=CONNECTORS.c.created_at):
        present = get_connector(connection, connector.id, locked=True)
        if present.state is ConnectorState.STOPPING and not in_flight(connection, present.id, now):
            settled.append(
                change_state(connection, present.id, ConnectorState.STOPPED, present.reason, now=now)
            )
    return settled
