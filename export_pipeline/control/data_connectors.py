"""What people may do with data connectors, and whose a contributor's token is."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from export_pipeline.contributions.data_connectors import ConnectorProfile
from export_pipeline.contributions.ids import contribution_id, slug_mistakes
from export_pipeline.contributions.mistakes import reject
from export_pipeline.control import looks
from export_pipeline.control.audit import audited
from export_pipeline.control.keys import secret_digest
from export_pipeline.store.contributed_hours import note_hours
from export_pipeline.store.contributed_records import hours_of
from export_pipeline.store.data_connectors import (
    DataConnector,
    add_data_connector,
    change_data_connector,
    data_connector_with,
    delete_data_connector,
    find_data_connector,
    lock_data_connector,
    set_live,
)
from export_pipeline.store.entity_types import find_entity_type, lock_entity_type


@dataclass(frozen=True, slots=True)
class NewDataConnector:
    """A data connector and its token, which nobody can be shown again."""

    connector: DataConnector
    token: str

    def __repr__(self) -> str:
        return f"NewDataConnector({self.connector.id})"


@audited("data_connector.create", looks.data_connector)
def create_data_connector(
    connection: sa.Connection,
    *,
    organization: str,
    eid: str,
    cid: str,
    profile: ConnectorProfile,
    salt: str,
) -> NewDataConnector:
    """Accept a data connector of an entity type. Nobody sees what it contributes before it is live."""
    reject(slug_mistakes(cid))
    entity = find_entity_type(connection, organization, eid)
    token = ".".join(str(uuid.uuid4()) for _ in range(3))
    connector = add_data_connector(
        connection,
        entity,
        cid,
        profile,
        contribution_id=contribution_id(eid, cid, salt),
        token_digest=secret_digest(token),
    )
    return NewDataConnector(connector, token)


@audited("data_connector.replace", looks.data_connector)
def replace_data_connector(
    connection: sa.Connection, *, organization: str, eid: str, cid: str, profile: ConnectorProfile
) -> None:
    """Accept another profile for a data connector."""
    change_data_connector(connection, _found(connection, organization, eid, cid).id, profile)


def promote_data_connector(connection: sa.Connection, organization: str, eid: str, cid: str) -> None:
    """Have consumers see, and exports hold, what it contributed. One that is live stays so."""
    if not _found(connection, organization, eid, cid).is_live:
        _promote(connection, organization=organization, eid=eid, cid=cid)


def demote_data_connector(connection: sa.Connection, organization: str, eid: str, cid: str) -> None:
    """Have nobody see it any more. One that is not live stays so."""
    if _found(connection, organization, eid, cid).is_live:
        _demote(connection, organization=organization, eid=eid, cid=cid)


@audited("data_connector.delete", looks.data_connector)
def remove_data_connector(connection: sa.Connection, organization: str, eid: str, cid: str) -> None:
    """Delete a data connector and all that it contributed; a session of it ends."""
    found = _found(connection, organization, eid, cid)
    lock_entity_type(connection, found.entity_type)
    hours = hours_of(connection, found) if found.is_live else ()
    delete_data_connector(connection, found.id)
    note_hours(connection, found.entity_type, hours, datetime.now(UTC))  # dated last, as sessions' changes


def contributor_with(connection: sa.Connection, token: str) -> DataConnector | None:
    """Whose token it is, if it is one."""
    return data_connector_with(connection, secret_digest(token))


@audited("data_connector.promote", looks.data_connector)
def _promote(connection: sa.Connection, *, organization: str, eid: str, cid: str) -> None:
    found = _found(connection, organization, eid, cid)
    set_live(connection, found.id, True)
    _note_all(connection, found)


@audited("data_connector.demote", looks.data_connector)
def _demote(connection: sa.Connection, *, organization: str, eid: str, cid: str) -> None:
    found = _found(connection, organization, eid, cid)
    set_live(connection, found.id, False)
    _note_all(connection, found)


def _found(connection: sa.Connection, organization: str, eid: str, cid: str) -> DataConnector:
    """The data connector, which nobody else changes or contributes by until the transaction ends."""
    entity = find_entity_type(connection, organization, eid)
    lock_data_connector(connection, find_data_connector(connection, entity, cid).id)
    return find_data_connector(connection, entity, cid)


def _note_all(connection: sa.Connection, connector: DataConnector) -> None:
    """Every hour with a record of its is another from now on."""
    lock_entity_type(connection, connector.entity_type)
    note_hours(connection, connector.entity_type, hours_of(connection, connector), datetime.now(UTC))
