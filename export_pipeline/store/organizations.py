"""Organizations: who owns connectors, exports and tasks."""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from export_pipeline.store.schema import ORGANIZATIONS


def ensure_organization(connection: sa.Connection, id_: str) -> None:
    """Add the organization unless it is there. Who adds it at the same time waits for the first to commit."""
    known = connection.scalar(sa.select(ORGANIZATIONS.c.id).where(ORGANIZATIONS.c.id == id_))
    if known is None:
        with suppress(IntegrityError), connection.begin_nested():
            connection.execute(ORGANIZATIONS.insert().values(id=id_, created_at=datetime.now(UTC)))


def external_id_of(connection: sa.Connection, id_: str) -> str:
    """By what the trust policies of the organization's roles tell it from our other customers. It stays."""
    there = ORGANIZATIONS.c.id == id_
    made = ORGANIZATIONS.update().where(there, ORGANIZATIONS.c.external_id.is_(None))
    connection.execute(made.values(external_id=f"ep-{uuid.uuid4()}"))  # who comes second waits, and finds it
    return connection.scalars(sa.select(ORGANIZATIONS.c.external_id).where(there)).one() or ""


def lock_organization(connection: sa.Connection, id_: str) -> None:
    """Until the transaction ends nobody else changes what belongs together in the organization."""
    # The weaker lock: rows that only refer to the organization can be added meanwhile.
    query = sa.select(ORGANIZATIONS.c.id).where(ORGANIZATIONS.c.id == id_)
    connection.execute(query.with_for_update(key_share=True))


def list_organizations(connection: sa.Connection) -> Sequence[str]:
    """The names of all organizations, in order."""
    return connection.scalars(sa.select(ORGANIZATIONS.c.id).order_by(ORGANIZATIONS.c.id)).all()
