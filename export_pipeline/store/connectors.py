"""Stored connectors. Their configurations are sealed whole; opening one needs the key."""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from export_pipeline.connectors.connector import ConnectorConfig, config_from
from export_pipeline.connectors.direct_download import DIRECT_DOWNLOAD
from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.connectors.secret import reveal
from export_pipeline.errors import AlreadyExists, NotFound
from export_pipeline.store.encryption import SecretKey
from export_pipeline.store.moments import Moment
from export_pipeline.store.pages import Page, PageRequest, read_page
from export_pipeline.store.schema import CONNECTORS, ORGANIZATIONS
from export_pipeline.store.sealing import seal

NOT_CHECKED = "It has not been checked yet."
DECLARED = (
    "It has not been checked since it was declared so; Dagster does that within a minute, or the next run"
    " does before its first hour."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConnector:
    """A connector as it is listed: everything but its configuration.

    `reason` is a sentence on why it is in its state; `generation` rises with every change and every check;
    without a time for its next check it is checked at once, if its state is one that is checked. Of one that
    is `declared` no configuration is stored: that is what tells it from others; `declaration` is a digest of
    what its section said when somebody looked last, None if nobody has. `properties` are kept for whoever
    made it.
    """

    id: str
    organization: str
    name: str
    type: str
    created_at: datetime
    state: ConnectorState
    reason: str
    state_since: datetime
    generation: int
    configuration: int = 1
    checked_at: datetime | None
    next_check_at: datetime | None
    declared: bool = False
    declaration: str | None = None
    properties: Mapping[str, Any] | None = None

    @property
    def always_there(self) -> bool:
        """Whether it is the operator's, who says where it leads, and mends it."""
        return self.declared or self.type == DIRECT_DOWNLOAD


_LISTED = [
    *(CONNECTORS.c[name] for name in ("id", "organization", "name", "type", "created_at", "state", "reason")),
    sa.func.coalesce(CONNECTORS.c.state_since, CONNECTORS.c.created_at, type_=Moment).label("state_since"),
    *(CONNECTORS.c[name] for name in ("generation", "configuration", "checked_at", "next_check_at")),
    CONNECTORS.c.declaration,
    CONNECTORS.c.properties,
    CONNECTORS.c.sealed_config.is_(None).label("declared"),
]
_THERE = CONNECTORS.c.deleted_at.is_(None)


def add_connector(
    connection: sa.Connection,
    key: SecretKey,
    organization: str,
    name: str,
    config: ConnectorConfig,
    *,
    state: ConnectorState = ConnectorState.STARTING,
    reason: str = NOT_CHECKED,
    properties: Mapping[str, Any] | None = None,
) -> StoredConnector:
    """Store a connector under a new id. AlreadyExists when the organization has one of that name;
    IntegrityError: there is no such organization.
    """
    sealed = seal(connection, key, reveal(config))
    return _add(
        connection, organization, name, config.type, sealed, state=state, reason=reason, properties=properties
    )


def ensure_connector(
    connection: sa.Connection, key: SecretKey, organization: str, name: str, config: ConnectorConfig
) -> None:
    """Store a connector that runs from the start, unless the organization has one of that name."""
    # Another process that starts at the same moment may store it first.
    with suppress(AlreadyExists):
        state, reason = ConnectorState.RUNNING, "It is there from the start."
        add_connector(connection, key, organization, name, config, state=state, reason=reason)


def declare_connector(
    connection: sa.Connection, organization: str, name: str, type_: str, declaration: str
) -> bool:
    """Give a declared connector an id that exports can refer to. False if the organization has that name."""
    with suppress(AlreadyExists):
        state = ConnectorState.STARTING
        made = _add(connection, organization, name, type_, None, state=state, reason=DECLARED)
        note_declaration(connection, made.id, declaration)
        return True
    return False


def lock_declared(connection: sa.Connection) -> None:
    """Nobody else compares the declared connectors with their declaration until the transaction ends."""
    declared = CONNECTORS.c.sealed_config.is_(None), _THERE
    connection.execute(
        sa.select(CONNECTORS.c.id).where(*declared).order_by(CONNECTORS.c.id).with_for_update()
    )


def organizations_without(connection: sa.Connection, name: str) -> Sequence[str]:
    """The organizations that have no connector of that name."""
    named = CONNECTORS.c.organization == ORGANIZATIONS.c.id, CONNECTORS.c.name == name
    lacking = ~sa.exists().where(*named, _THERE)
    return connection.scalars(sa.select(ORGANIZATIONS.c.id).where(lacking).order_by(ORGANIZATIONS.c.id)).all()


def check_key(connection: sa.Connection, key: SecretKey) -> None:
    """Raise ExportPipelineError if what is stored was sealed with another key."""
    sealed = connection.scalar(
        sa.select(CONNECTORS.c.sealed_config).where(CONNECTORS.c.sealed_config.is_not(None), _THERE).limit(1)
    )
    if sealed is not None:
        key.unseal(sealed)


def list_connectors(connection: sa.Connection, organization: str) -> Sequence[StoredConnector]:
    """The organization's connectors by name."""
    return select_connectors(connection, CONNECTORS.c.organization == organization, by=CONNECTORS.c.name)


def connectors_page(
    connection: sa.Connection, organization: str, asked: PageRequest
) -> Page[StoredConnector]:
    """The same, in pages."""
    query = sa.select(*_LISTED).where(CONNECTORS.c.organization == organization, _THERE)
    return read_page(connection, query, by=(CONNECTORS.c.name,), asked=asked, made=_stored)


def declared_or_named(connection: sa.Connection, names: Sequence[str]) -> Sequence[StoredConnector]:
    """Every organization's connectors that were declared, and may be so no more, or have one of the names."""
    meant = sa.or_(CONNECTORS.c.sealed_config.is_(None), CONNECTORS.c.name.in_(names))
    return select_connectors(connection, meant, by=CONNECTORS.c.created_at)


def every_connector(connection: sa.Connection) -> Sequence[StoredConnector]:
    """Every organization's connectors, in the order in which they were made."""
    return select_connectors(connection, by=CONNECTORS.c.created_at)


def select_connectors(
    connection: sa.Connection,
    *conditions: sa.ColumnElement[bool],
    by: sa.ColumnElement[Any],
    limit: int | None = None,
) -> Sequence[StoredConnector]:
    """The connectors for which the conditions hold, whoever's they are, the first `limit` in order."""
    rows = connection.execute(sa.select(*_LISTED).where(*conditions, _THERE).order_by(by).limit(limit))
    return [_stored(row) for row in rows]


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
    return _stored(row)


def find_connector_by_id(connection: sa.Connection, organization: str, id_: str) -> StoredConnector:
    """The organization's connector with that id."""
    there = CONNECTORS.c.organization == organization, CONNECTORS.c.id == id_
    found = select_connectors(connection, *there, by=CONNECTORS.c.id)
    if not found:
        raise NotFound(f"there is no connector with the id {id_!r}")
    return found[0]


def get_connector(connection: sa.Connection, id_: str, *, locked: bool = False) -> StoredConnector:
    """The connector with that id, whoever's it is; `locked`: as in `find_connector`."""
    query = sa.select(*_LISTED).where(CONNECTORS.c.id == id_, _THERE)
    row = connection.execute(query.with_for_update() if locked else query).one_or_none()
    if row is None:
        raise NotFound(f"there is no connector with the id {id_!r}")
    return _stored(row)


def connector_config(connection: sa.Connection, key: SecretKey, id_: str) -> ConnectorConfig:
    """The configuration of the connector with that id, credentials and all."""
    sealed = connection.scalar(sa.select(CONNECTORS.c.sealed_config).where(CONNECTORS.c.id == id_, _THERE))
    if sealed is None:
        raise NotFound(f"there is no connector with the id {id_!r}")
    return config_from(key.unseal(sealed))


def replace_config(connection: sa.Connection, key: SecretKey, id_: str, config: ConnectorConfig) -> None:
    """Give a connector another configuration. It has to start anew with that, see `change_state`."""
    connection.execute(
        CONNECTORS.update()
        .where(CONNECTORS.c.id == id_)
        .values(
            type=config.type,
            sealed_config=seal(connection, key, reveal(config)),
            configuration=CONNECTORS.c.configuration + 1,
        )
    )


def note_declaration(connection: sa.Connection, id_: str, declaration: str) -> None:
    """Note what is declared of a connector, of which that was not known."""
    connection.execute(CONNECTORS.update().where(CONNECTORS.c.id == id_).values(declaration=declaration))


def redeclare_connector(connection: sa.Connection, id_: str, type_: str, declaration: str) -> None:
    """Note that something else is declared of a connector now. It has to start anew, see `change_state`."""
    connection.execute(
        CONNECTORS.update()
        .where(CONNECTORS.c.id == id_)
        .values(
            type=type_,
            declaration=declaration,
            configuration=CONNECTORS.c.configuration + 1,
            generation=CONNECTORS.c.generation + 1,  # what is being checked is what was declared before
        )
    )


def hide_connector(connection: sa.Connection, id_: str) -> None:
    """Delete a connector: it is listed no more, its name is free, its credentials are gone."""
    connection.execute(
        CONNECTORS.update()
        .where(CONNECTORS.c.id == id_)
        .values(deleted_at=datetime.now(UTC), sealed_config=None)
    )


def _add(
    connection: sa.Connection,
    organization: str,
    name: str,
    type_: str,
    sealed: bytes | None,
    *,
    state: ConnectorState,
    reason: str,
    properties: Mapping[str, Any] | None = None,
) -> StoredConnector:
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "organization": organization,
        "name": name,
        "type": type_,
        "created_at": now,
        "state": state,
        "reason": reason,
        "state_since": now,
        "generation": 1,
        "checked_at": None,
        "next_check_at": None,
        "properties": properties if properties is not None else sa.null(),
    }
    try:
        with connection.begin_nested():
            connection.execute(CONNECTORS.insert().values({**values, "sealed_config": sealed}))
    except IntegrityError as error:
        if name not in {one.name for one in list_connectors(connection, organization)}:
            raise
        raise AlreadyExists(f"there is a connector {name!r} already; choose another name") from error
    return StoredConnector(**values | {"properties": properties}, declared=sealed is None)


def _stored(row: sa.Row[Any]) -> StoredConnector:
    values = dict(row._mapping)
    return StoredConnector(**values | {"state": ConnectorState(values["state"])})
