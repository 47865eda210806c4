"""What belongs to an entity type goes with it, in either database."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.store.contribution_schema import (
    CONTRIBUTED_HOURS,
    CONTRIBUTED_RECORDS,
    CONTRIBUTION_SESSIONS,
    DATA_CONNECTORS,
    ENTITY_TYPES,
    STAGED_CHANGES,
)
from export_pipeline.store.database import writing
from export_pipeline.store.organizations import ensure_organization
from export_pipeline_tests.builders import ORGANIZATION

NOW = datetime(2026, 1, 5, 10, 30, tzinfo=UTC)

RECORD: dict[str, Any] = {"vendor_id": "a", "public_id": "p", "name": "A", "record": {"x": 1}, "digest": "d"}

ROWS: dict[sa.Table, dict[str, Any]] = {
    ENTITY_TYPES: {
        "id": "country",
        "organization": ORGANIZATION,
        "eid": "country",
        "name": "Country",
        "description": "A country",
        "schema": {},
        "tags": [],
        "timeseries": {},
        "created_at": NOW,
        "changed_at": NOW,
    },
    DATA_CONNECTORS: {
        "id": "wikipedia",
        "entity_type": "country",
        "cid": "wikipedia",
        "contribution_id": "c",
        "token_digest": "t",
        "name": "Wikipedia",
        "description": "Of Wikipedia",
        "cache": 0,
        "is_live": False,
        "created_at": NOW,
        "changed_at": NOW,
    },
    CONTRIBUTION_SESSIONS: {
        "id": "s",
        "connector": "wikipedia",
        "mode": "accrue",
        "opened_at": NOW,
        "last_used_at": NOW,
    },
    STAGED_CHANGES: {"session": "s", **RECORD},
    CONTRIBUTED_RECORDS: {"connector": "wikipedia", "accepted_at": NOW, **RECORD},
    CONTRIBUTED_HOURS: {"entity_type": "country", "hour": NOW, "changes": 1, "changed_at": NOW},
}


@pytest.fixture
def filled(control: sa.Engine) -> sa.Engine:
    """A row in each table."""
    with writing(control) as connection:
        ensure_organization(connection, ORGANIZATION)
        for table, row in ROWS.items():
            connection.execute(table.insert().values(row))
    return control


def left(control: sa.Engine) -> list[str]:
    with writing(control) as connection:
        return [table.name for table in ROWS if connection.execute(sa.select(table)).all()]


def test_everything_goes_with_an_entity_type(filled: sa.Engine) -> None:
    with writing(filled) as connection:
        connection.execute(ENTITY_TYPES.delete())

    assert left(filled) == []


def test_what_a_connector_contributed_goes_with_it(filled: sa.Engine) -> None:
    with writing(filled) as connection:
        connection.execute(DATA_CONNECTORS.delete())

    assert left(filled) == ["entity_types", "contributed_hours"]


def test_a_connector_has_one_session_at_most(filled: sa.Engine) -> None:
    another = ROWS[CONTRIBUTION_SESSIONS] | {"id": "t"}
    with pytest.raises(sa.exc.IntegrityError), writing(filled) as connection:
        connection.execute(CONTRIBUTION_SESSIONS.insert().values(another))


def test_no_object_and_an_empty_object_are_two_things(filled: sa.Engine) -> None:
    with writing(filled) as connection:
        connection.execute(STAGED_CHANGES.update().values(record={}, instance=None))
        kept = connection.execute(sa.select(STAGED_CHANGES.c.record, STAGED_CHANGES.c.instance)).one()
        unset = connection.scalar(sa.select(STAGED_CHANGES.c.instance.is_(None)))

    assert (*kept, unset) == ({}, None, True)
