"""Stored connectors. Their configurations are sealed whole; opening one needs the key."""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from export_pipeline.connectors.connector import ConnectorConfig, config_from
from export_pipeline.connectors.secret import reveal
from export_pipeline.errors import AlreadyExists, NotFound
from export_pipeline.store.encryption import SecretKey
from export_pipeline.store.schema import CONNECTORS, ORGANIZATIONS
from export_pipeline.store.sealing import seal


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConnector:
    """A connector as it is listed: everything but its configuration."""

    id: str
    organization: str
    name: str
    type: str
    created_at: datetime


_LISTED = [CONNECTORS.c[name] for name in ("id", "organization", "name", "type", "created_at")]
_THERE = CONNECTORS.c.deleted_at.is_(None)


def add_connector(
    connection: sa.Connection, key: SecretKey, organization: str, name: str, config: ConnectorConfig
) -> StoredConnector:
    """Store a connector under a new id. AlreadyExists when the organization has one of that name."""
    stored = StoredConnector(
        id=str(uuid.uuid4()),
        organization=organization,
        name=name,
        type=config.type,
        created_at=datetime.now(UTC),
    )
    try:
        connection.execute(
            CONNECTORS.insert().values(
                id=stored.id,
                organization=organization,
                name=name,
                type=stored.type,
                sealed_config=seal(connection, key, reveal(config)),
                created_at=stored.created_at,
            )
        )
    except IntegrityError as error:
        raise AlreadyExists(f"there is a connector {name!r} already; choose another name") from error
    return stored


def ensure_connector(
    connection: sa.Connection, key: SecretKey, organization: str, name: str, config: ConnectorConfig
) -> None:
    """Store a connector, unless the organization has one of that name."""
    # Another process that starts at the same moment may store it first.
    with suppress(AlreadyExists), connection.begin_nested():
        add_connector(connection, key, organization, name, config)


def organizations_without(connection: sa.Connection, name: str) -> Sequence[str]:
    """The organizations that have no connector of that name."""
    named = CONNECTORS.c.organization == ORGANIZATIONS.c.id, CONNECTORS.c.name == name
    lacking = ~sa.exists().where(*named, _THERE)
    return connection.scalars(sa.select(ORGANIZATIONS.c.id).where(lacking).order_by(ORGANIZATIONS.c.id)).all()


def check_key(connection: sa.Connection, key: SecretKey) -> None:
    """Raise ExportPipelineError if what is stored was sealed with another key."""
    sealed = connection.scalar(sa.select(CONNECTORS.c.sealed_config).where(_THERE).limit(1))
    if sealed is not None:
        key.unseal(sealed)


def list_connectors(connection: sa.Connection, organization: str) -> Sequence[StoredConnector]:
    """The organization's connectors by name."""
    rows = connection.execute(
        sa.select(*_LISTED)
        .where(CONNECTORS.c.organization == organization, _THERE)
        .order_by(CONNECTORS.c.name)
    )
    return [StoredConnector(**row._mapping) for row in rows]


def find_connector(
    connection: sa.Connection, organization: str, name: str, *, locked: bool = False
) -> StoredConnector:
    """The organization's connector of that name; `locked`: nobody else changes what goes through it until
    the transaction ends.
    """
    query = sa.select(*_LISTED).where(
        CONNECTORS.c.organization == organization, CONNECTORS.c.name == name, _THERE
    )
    row = connection.execute(query.with_for_update() if locked else query).one_or_none()
    if row is None:
        known = ", ".join(connector.name for connector in list_connectors(connection, organization))
        raise NotFound(f"there is no connector {name!r}; there are: {known or 'none'}")
    return StoredConnector(**row._mapping)


def get_connector(connection: sa.Connection, id_: str) -> StoredConnector:
    """The connector with that id, whoever's it is."""
    row = connection.execute(sa.select(*_LISTED).where(CONNECTORS.c.id == id_, _THERE)).one_or_none()
    if row is None:
        raise NotFound(f"there is no connector with the id {id_!r}")
    return StoredConnector(**row._mapping)


def connector_config(connection: sa.Connection, key: SecretKey, id_: str) -> ConnectorConfig:
    """The configuration of the connector with that id, credentials and all."""
    sealed = connection.scalar(sa.select(CONNECTORS.c.sealed_config).where(CONNECTORS.c.id == id_, _THERE))
    if sealed is None:
        raise NotFound(f"there is no connector with the id {id_!r}")
    return config_from(key.unseal(sealed))


def hide_connector(connection: sa.Connection, id_: str) -> None:
    """Delete a connector: it is listed no more, its name is free, its credentials are gone."""
    connection.execute(
        CONNECTORS.update()
        .where(CONNECTORS.c.id == id_)
        .values(deleted_at=datetime.now(UTC), sealed_config=None)
    )
