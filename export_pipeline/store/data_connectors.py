"""Stored data connectors: by which third parties contribute, each with a digest of its token."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from export_pipeline.contributions.data_connectors import ConnectorProfile
from export_pipeline.errors import AlreadyExists, NotFound
from export_pipeline.store.contribution_schema import CONTRIBUTION_SESSIONS, DATA_CONNECTORS, ENTITY_TYPES
from export_pipeline.store.entity_types import EntityType


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConnector:
    """A data connector of an entity type. `session_used_at`: when its open session was used last, if it has
    one, which may have been over since.
    """

    id: str
    organization: str
    entity_type: str
    eid: str
    cid: str
    contribution_id: str
    profile: ConnectorProfile
    is_live: bool
    session_used_at: datetime | None
    created_at: datetime
    changed_at: datetime


def add_data_connector(
    connection: sa.Connection,
    entity: EntityType,
    cid: str,
    profile: ConnectorProfile,
    *,
    contribution_id: str,
    token_digest: str,
) -> DataConnector:
    """Store a data connector under a new id; it is not live. AlreadyExists when its entity type has one of
    that cid.
    """
    now = datetime.now(UTC)
    id_ = str(uuid.uuid4())
    try:
        connection.execute(
            DATA_CONNECTORS.insert().values(
                id=id_,
                entity_type=entity.id,
                cid=cid,
                contribution_id=contribution_id,
                token_digest=token_digest,
                is_live=False,
                created_at=now,
                changed_at=now,
                **_values(profile),
            )
        )
    except IntegrityError as error:
        raise AlreadyExists(
            f"there is a data connector {cid!r} of {entity.eid!r} already; change that, or choose another"
        ) from error
    return find_data_connector(connection, entity, cid)


def change_data_connector(connection: sa.Connection, id_: str, profile: ConnectorProfile) -> None:
    """Store another profile in the place of the one that is there."""
    connection.execute(
        DATA_CONNECTORS.update()
        .where(DATA_CONNECTORS.c.id == id_)
        .values(changed_at=datetime.now(UTC), **_values(profile))
    )


def set_live(connection: sa.Connection, id_: str, is_live: bool) -> None:
    """Have what it contributed seen by consumers and exports, or not any more."""
    connection.execute(
        DATA_CONNECTORS.update()
        .where(DATA_CONNECTORS.c.id == id_)
        .values(is_live=is_live, changed_at=datetime.now(UTC))
    )


def is_live(connection: sa.Connection, id_: str) -> bool:
    """Whether it is live now."""
    return bool(connection.scalar(sa.select(DATA_CONNECTORS.c.is_live).where(DATA_CONNECTORS.c.id == id_)))


def list_data_connectors(connection: sa.Connection, entity: EntityType) -> Sequence[DataConnector]:
    """The entity type's data connectors by cid."""
    found = _select(connection, DATA_CONNECTORS.c.entity_type == entity.id)
    return sorted(found, key=lambda one: one.cid)


def find_data_connector(connection: sa.Connection, entity: EntityType, cid: str) -> DataConnector:
    """The entity type's data connector of that cid."""
    found = _select(connection, DATA_CONNECTORS.c.entity_type == entity.id, DATA_CONNECTORS.c.cid == cid)
    if not found:
        raise NotFound(f"there is no data connector {cid!r} of {entity.eid!r}")
    return found[0]


def data_connector_with(connection: sa.Connection, token_digest: str) -> DataConnector | None:
    """The data connector whose token has that digest, whoever's it is."""
    found = _select(connection, DATA_CONNECTORS.c.token_digest == token_digest)
    return found[0] if found else None


def contributing_connector(
    connection: sa.Connection, organization: str, contribution_id: str
) -> DataConnector:
    """The organization's data connector that contributors know by that id."""
    found = _select(
        connection,
        ENTITY_TYPES.c.organization == organization,
        DATA_CONNECTORS.c.contribution_id == contribution_id,
    )
    if not found:
        raise NotFound(f"there is no data connector with the contribution id {contribution_id!r}")
    return found[0]


def lock_data_connector(connection: sa.Connection, id_: str) -> None:
    """Until the transaction ends nobody else opens, fills or closes a session of it. NotFound: it is gone."""
    query = sa.select(DATA_CONNECTORS.c.id).where(DATA_CONNECTORS.c.id == id_)
    if connection.scalar(query.with_for_update(key_share=True)) is None:
        raise NotFound("the data connector is deleted")


def delete_data_connector(connection: sa.Connection, id_: str) -> None:
    """Forget a data connector, with all that it contributed."""
    connection.execute(DATA_CONNECTORS.delete().where(DATA_CONNECTORS.c.id == id_))


def _values(profile: ConnectorProfile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "description": profile.description,
        "webhook": profile.webhook,
        "cache": profile.cache,
    }


def _select(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> Sequence[DataConnector]:
    query = (
        sa.select(
            DATA_CONNECTORS,
            ENTITY_TYPES.c.organization,
            ENTITY_TYPES.c.eid,
            CONTRIBUTION_SESSIONS.c.last_used_at.label("session_used_at"),
        )
        .join(ENTITY_TYPES, ENTITY_TYPES.c.id == DATA_CONNECTORS.c.entity_type)
        .outerjoin(CONTRIBUTION_SESSIONS, CONTRIBUTION_SESSIONS.c.connector == DATA_CONNECTORS.c.id)
        .where(*conditions)
    )
    return [_data_connector(row._mapping) for row in connection.execute(query)]


def _data_connector(row: sa.RowMapping) -> DataConnector:
    return DataConnector(
        id=row["id"],
        organization=row["organization"],
        entity_type=row["entity_type"],
        eid=row["eid"],
        cid=row["cid"],
        contribution_id=row["contribution_id"],
        profile=ConnectorProfile(
            name=row["name"], description=row["description"], webhook=row["webhook"], cache=row["cache"]
        ),
        is_live=row["is_live"],
        session_used_at=row["session_used_at"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
    )
