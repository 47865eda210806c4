"""Open sessions: one of each connector, with the last that was said of each record."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from export_pipeline.contributions.ids import public_id
from export_pipeline.contributions.records import Record
from export_pipeline.contributions.sessions import Mode
from export_pipeline.store.contribution_schema import STAGED_CHANGES
from export_pipeline.store.contribution_sessions import (
    begin_session,
    end_session,
    end_sessions_unused_since,
    note_session_use,
    session_of,
    stage_deletions,
    stage_upserts,
)
from export_pipeline.store.data_connectors import DataConnector
from export_pipeline.store.database import reading, writing
from export_pipeline_tests.contributing import stored_data_connector, stored_entity
from export_pipeline_tests.control_databases import emptied

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
BRITAIN = Record(id="GB", name="United Kingdom", entity={"area": 1}, instance={"note": "ü"})


@pytest.fixture
def wikipedia(control: sa.Engine) -> DataConnector:
    return stored_data_connector(control, stored_entity(control))


def staged(control: sa.Engine) -> list[tuple[str, str | None, object, object]]:
    with reading(control) as connection:
        rows = connection.execute(sa.select(STAGED_CHANGES).order_by(STAGED_CHANGES.c.vendor_id)).all()
    return [(row.vendor_id, row.name, row.record, row.instance) for row in rows]


def test_a_new_session_ends_the_one_before(control: sa.Engine, wikipedia: DataConnector) -> None:
    with writing(control) as connection:
        first = begin_session(connection, wikipedia, Mode.ACCRUE, NOON)
        stage_upserts(connection, first, wikipedia, [BRITAIN])
        second = begin_session(connection, wikipedia, Mode.REPLACE, NOON)

    assert first.id != second.id
    assert staged(control) == []
    with reading(control) as connection:
        assert session_of(connection, wikipedia) == second


def test_the_last_that_was_said_of_a_record_counts(control: sa.Engine, wikipedia: DataConnector) -> None:
    with writing(control) as connection:
        session = begin_session(connection, wikipedia, Mode.ACCRUE, NOON)
        stage_upserts(connection, session, wikipedia, [BRITAIN, Record(id="FR", name="France", entity={})])
        stage_deletions(connection, session, wikipedia, ["FR", "DE"])
        stage_upserts(connection, session, wikipedia, [Record(id="DE", name="Germany", entity={"a": [1]})])
        stage_upserts(connection, session, wikipedia, [])

    assert staged(control) == [
        ("DE", "Germany", {"a": [1]}, None),
        ("FR", None, None, None),
        ("GB", "United Kingdom", {"area": 1}, {"note": "ü"}),
    ]
    with reading(control) as connection:
        of_britain = STAGED_CHANGES.c.vendor_id == "GB"
        known_by = connection.scalar(sa.select(STAGED_CHANGES.c.public_id).where(of_britain))
    assert known_by == public_id(wikipedia.contribution_id, "GB")


def test_one_that_is_used_is_kept_and_one_that_is_not_is_ended(
    control: sa.Engine, wikipedia: DataConnector
) -> None:
    other = stored_data_connector(control, stored_entity(control, "city"))
    with writing(control) as connection:
        used = begin_session(connection, wikipedia, Mode.STREAM, NOON)
        begin_session(connection, other, Mode.STREAM, NOON)
        note_session_use(connection, used, NOON + timedelta(hours=2))
        assert end_sessions_unused_since(connection, NOON + timedelta(hours=1)) == 1

    with reading(control) as connection:
        kept = session_of(connection, wikipedia)
        assert kept is not None
        assert (kept.id, kept.last_used_at) == (used.id, NOON + timedelta(hours=2))
        assert session_of(connection, other) is None
    with writing(control) as connection:
        end_session(connection, kept)
        assert session_of(connection, wikipedia) is None


def test_an_organizations_are_ended_and_nobody_elses(control: sa.Engine, wikipedia: DataConnector) -> None:
    other = stored_data_connector(control, stored_entity(control, organization="other"))
    with writing(control) as connection:
        for one in (wikipedia, other):
            begin_session(connection, one, Mode.STREAM, NOON)
        assert end_sessions_unused_since(connection, NOON, "other") == 1

    with reading(control) as connection:
        assert session_of(connection, other) is None
        assert session_of(connection, wikipedia) is not None


def test_one_that_is_in_somebodys_hands_is_left_to_them_and_not_waited_for(
    shared_postgres: sa.Engine,
) -> None:
    control = emptied(shared_postgres)
    connector = stored_data_connector(control, stored_entity(control))
    with writing(control) as connection:
        begin_session(connection, connector, Mode.STREAM, NOON)

    with writing(control) as using, writing(control) as ending:
        assert session_of(using, connector, locked=True)
        ending.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
        assert end_sessions_unused_since(ending, NOON) == 0
    with writing(control) as ending:
        assert end_sessions_unused_since(ending, NOON) == 1
