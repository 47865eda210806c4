"""Stored entity types: what third parties contribute records of."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from export_pipeline.contributions.entity_types import EntityProfile
from export_pipeline.errors import AlreadyExists, NotFound
from export_pipeline.store.contribution_schema import ENTITY_TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityType:
    """An entity type of an organization, which knows it by its `eid`."""

    id: str
    organization: str
    eid: str
    profile: EntityProfile
    created_at: datetime
    changed_at: datetime


def add_entity_type(
    connection: sa.Connection, organization: str, eid: str, profile: EntityProfile
) -> EntityType:
    """Store an entity type under a new id. AlreadyExists when the organization has one of that eid."""
    now = datetime.now(UTC)
    entity = EntityType(
        id=str(uuid.uuid4()),
        organization=organization,
        eid=eid,
        profile=profile,
        created_at=now,
        changed_at=now,
    )
    try:
        connection.execute(
            ENTITY_TYPES.insert().values(
                id=entity.id,
                organization=organization,
                eid=eid,
                created_at=now,
                changed_at=now,
                **_values(profile),
            )
        )
    except IntegrityError as error:
        raise AlreadyExists(
            f"there is an entity type {eid!r} already; change that, or choose another"
        ) from error
    return entity


def change_entity_type(connection: sa.Connection, id_: str, profile: EntityProfile) -> None:
    """Store another profile in the place of the one that is there."""
    connection.execute(
        ENTITY_TYPES.update()
        .where(ENTITY_TYPES.c.id == id_)
        .values(changed_at=datetime.now(UTC), **_values(profile))
    )


def list_entity_types(connection: sa.Connection, organization: str) -> Sequence[EntityType]:
    """The organization's entity types by eid."""
    return _select(connection, ENTITY_TYPES.c.organization == organization)


def find_entity_type(connection: sa.Connection, organization: str, eid: str) -> EntityType:
    """The organization's entity type of that eid."""
    found = _select(connection, ENTITY_TYPES.c.organization == organization, ENTITY_TYPES.c.eid == eid)
    if not found:
        raise NotFound(f"there is no entity type {eid!r}")
    return found[0]


def get_entity_type(connection: sa.Connection, id_: str) -> EntityType:
    """The entity type with that id, whoever's it is."""
    found = _select(connection, ENTITY_TYPES.c.id == id_)
    if not found:
        raise NotFound(f"there is no entity type with the id {id_!r}")
    return found[0]


def lock_entity_type(connection: sa.Connection, id_: str) -> None:
    """Until the transaction ends nobody else changes what hangs together in the entity type."""
    # The weaker lock: connectors can be added meanwhile.
    query = sa.select(ENTITY_TYPES.c.id).where(ENTITY_TYPES.c.id == id_)
    connection.execute(query.with_for_update(key_share=True))


def delete_entity_type(connection: sa.Connection, id_: str) -> None:
    """Forget an entity type, with its connectors and all that they contributed."""
    connection.execute(ENTITY_TYPES.delete().where(ENTITY_TYPES.c.id == id_))


def _values(profile: EntityProfile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "description": profile.description,
        "schema": dict(profile.schema),
        "tags": list(profile.tags),
        "icon": profile.icon,
        "timeseries": dict(profile.timeseries),
    }


def _select(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> Sequence[EntityType]:
    rows = connection.execute(sa.select(ENTITY_TYPES).where(*conditions))
    return sorted((_entity_type(row._mapping) for row in rows), key=lambda one: one.eid)


def _entity_type(row: sa.RowMapping) -> EntityType:
    return EntityType(
        id=row["id"],
        organization=row["organization"],
        eid=row["eid"],
        profile=EntityProfile(
            name=row["name"],
            description=row["description"],
            schema=row["schema"],
            tags=tuple(row["tags"]),
            icon=row["icon"] or "",
            timeseries=row["timeseries"],
        ),
        created_at=row["created_at"],
        changed_at=row["changed_at"],
    )
