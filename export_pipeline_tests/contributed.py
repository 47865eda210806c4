"""What was contributed, put into a control database as an accepted contribution would be."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from export_pipeline.store.contributed_hours import note_hours
from export_pipeline.store.contribution_schema import (
    CONTRIBUTED_RECORDS,
    DATA_CONNECTORS,
    ENTITY_TYPES,
)
from export_pipeline.store.database import writing
from export_pipeline.store.organizations import ensure_organization
from export_pipeline.store.webhook_answers import Webhook
from export_pipeline_tests.builders import FIRST_HOUR, ORGANIZATION

LONG_AGO = datetime(2012, 1, 1, tzinfo=UTC)

COUNTRY: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "population": {"type": "integer"},
        "capital": {"type": "object", "properties": {"name": {"type": "string"}}},
    },
}


def an_entity_type(
    control: sa.Engine, eid: str = "country", *, schema: Any = COUNTRY, organization: str = ORGANIZATION
) -> str:
    """The id of a new entity type."""
    id_ = str(uuid.uuid4())
    with writing(control) as connection:
        ensure_organization(connection, organization)
        connection.execute(
            ENTITY_TYPES.insert().values(
                id=id_,
                organization=organization,
                eid=eid,
                name=eid,
                description=eid,
                schema=schema,
                tags=[],
                timeseries={},
                created_at=LONG_AGO,
                changed_at=LONG_AGO,
            )
        )
    return id_


def a_data_connector(
    control: sa.Engine,
    entity_type: str,
    cid: str = "wikipedia",
    *,
    live: bool = True,
    webhook: str | None = None,
    cache: int = 0,
) -> str:
    """The id of a new data connector."""
    id_ = str(uuid.uuid4())
    with writing(control) as connection:
        connection.execute(
            DATA_CONNECTORS.insert().values(
                id=id_,
                entity_type=entity_type,
                cid=cid,
                contribution_id=id_.replace("-", ""),
                token_digest=id_,
                name=cid,
                description=cid,
                webhook=webhook,
                cache=cache,
                is_live=live,
                created_at=LONG_AGO,
                changed_at=LONG_AGO,
            )
        )
    return id_


def a_record(
    control: sa.Engine,
    connector: str,
    vendor_id: str,
    entity: Mapping[str, Any],
    *,
    instance: Mapping[str, Any] | None = None,
    minutes: float = 0,
    since: datetime = FIRST_HOUR,
) -> None:
    """A record that was accepted so many minutes after that."""
    with writing(control) as connection:
        connection.execute(
            CONTRIBUTED_RECORDS.insert().values(
                connector=connector,
                vendor_id=vendor_id,
                public_id=hashlib.sha1(f"{connector}:{vendor_id}".encode()).hexdigest(),
                name=vendor_id.upper(),
                record=entity,
                instance=instance,
                digest=hashlib.sha256(json.dumps(entity).encode()).hexdigest(),
                accepted_at=since + timedelta(minutes=minutes),
            )
        )


def webhook_of(connector: str, *, cache: int) -> Webhook:
    """The webhook of a data connector of `country`."""
    return Webhook(
        organization=ORGANIZATION,
        connector=connector,
        url="http://a.example",
        entity_type="country",
        properties=(),
        cache=cache,
    )


def a_record_is_deleted(control: sa.Engine, connector: str, vendor_id: str) -> None:
    """As its contributor asks for."""
    record = CONTRIBUTED_RECORDS.c
    with writing(control) as connection:
        connection.execute(
            CONTRIBUTED_RECORDS.delete().where(record.connector == connector, record.vendor_id == vendor_id)
        )


def a_connector_is_live(control: sa.Engine, connector: str, *, live: bool) -> None:
    """Or is not any more."""
    with writing(control) as connection:
        mine = DATA_CONNECTORS.c.id == connector
        connection.execute(DATA_CONNECTORS.update().where(mine).values(is_live=live))


def an_hour_changed(control: sa.Engine, entity_type: str, hour: datetime, at: datetime) -> None:
    """It is noted that the hour changed then, last."""
    with writing(control) as connection:
        note_hours(connection, entity_type, [hour], at)
