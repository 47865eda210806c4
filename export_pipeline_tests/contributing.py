"""Entity types and data connectors for the tests, and sessions without a face."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from export_pipeline.contributions.data_connectors import connector_profile
from export_pipeline.contributions.entity_types import entity_profile
from export_pipeline.contributions.sessions import Action, Mode
from export_pipeline.control.contribution_sessions import close_session, open_session, read_sent, send
from export_pipeline.control.data_connectors import create_data_connector, promote_data_connector
from export_pipeline.control.entity_types import create_entity_type
from export_pipeline.store.contributed_records import ContributedRecord, records_of_connector
from export_pipeline.store.data_connectors import DataConnector
from export_pipeline.store.database import reading, writing
from export_pipeline.store.entity_types import EntityType
from export_pipeline.store.organizations import ensure_organization
from export_pipeline_tests.builders import ORGANIZATION

SALT = "a-long-secret-string"
IDLE = timedelta(days=1)

COUNTRIES: dict[str, Any] = {"name": "Countries", "description": "All the countries in the world"}
WIKIPEDIA: dict[str, Any] = {"name": "Wikipedia", "description": "Country information from Wikipedia"}


def stored_entity(
    control: sa.Engine, eid: str = "country", organization: str = ORGANIZATION, **changes: Any
) -> EntityType:
    """An entity type of an organization, which is made if need be."""
    with writing(control) as connection:
        ensure_organization(connection, organization)
        return create_entity_type(
            connection,
            organization=organization,
            eid=eid,
            profile=entity_profile(COUNTRIES | changes),
            tables=(),
        )


def stored_data_connector(
    control: sa.Engine, entity: EntityType, cid: str = "wikipedia", *, live: bool = False, **changes: Any
) -> DataConnector:
    """A data connector of an entity type."""
    with writing(control) as connection:
        made = create_data_connector(
            connection,
            organization=entity.organization,
            eid=entity.eid,
            cid=cid,
            profile=connector_profile(WIKIPEDIA | changes, timeseries={}),
            salt=SALT,
        )
        if live:
            promote_data_connector(connection, entity.organization, entity.eid, cid)
    return made.connector


def a_record(vendor_id: str = "GB", name: str = "United Kingdom", **entity: Any) -> dict[str, Any]:
    return {"id": vendor_id, "name": name, "entity": entity}


def opened(control: sa.Engine, connector: DataConnector, mode: str = "stream") -> str:
    """The id of a new session."""
    with writing(control) as connection:
        return open_session(connection, connector, Mode(mode), IDLE)


def sent(
    control: sa.Engine,
    connector: DataConnector,
    sid: str,
    *records: dict[str, Any],
    delete: Sequence[str] = (),
) -> dict[str, str]:
    """Records sent into a session, and then deletions."""
    told: dict[str, str] = {}
    for action, body in ((Action.UPSERT, list(records)), (Action.DELETE, list(delete))):
        if body:
            with writing(control) as connection:
                what = read_sent(connection, connector, action, body)
                told |= send(connection, connector, sid, what, IDLE)
    return told


def closed(control: sa.Engine, connector: DataConnector, sid: str, *, commit: bool = True) -> None:
    with writing(control) as connection:
        close_session(connection, connector, sid, commit=commit, idle=IDLE)


def contributed(
    control: sa.Engine, connector: DataConnector, *records: dict[str, Any], mode: str = "accrue"
) -> None:
    """Records, in a session of their own."""
    sid = opened(control, connector, mode)
    sent(control, connector, sid, *records)
    closed(control, connector, sid)


def there(control: sa.Engine, connector: DataConnector) -> dict[str, ContributedRecord]:
    """What the connector contributed, by its own ids."""
    with reading(control) as connection:
        return {record.vendor_id: record for record in records_of_connector(connection, connector)}
