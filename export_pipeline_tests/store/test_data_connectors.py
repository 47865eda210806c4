"""Stored data connectors: an entity type's own, by their cids."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from export_pipeline.contributions.data_connectors import ConnectorProfile
from export_pipeline.contributions.sessions import Mode
from export_pipeline.errors import AlreadyExists, NotFound
from export_pipeline.store.contribution_sessions import begin_session
from export_pipeline.store.data_connectors import (
    DataConnector,
    add_data_connector,
    change_data_connector,
    contributing_connector,
    data_connector_with,
    delete_data_connector,
    find_data_connector,
    is_live,
    list_data_connectors,
    lock_data_connector,
    set_live,
)
from export_pipeline.store.database import reading, writing
from export_pipeline.store.entity_types import EntityType
from export_pipeline_tests.contributing import stored_entity

PROFILE = ConnectorProfile(name="Wikipedia", description="Of it", webhook="http://a.example/1", cache=60)


@pytest.fixture
def country(control: sa.Engine) -> EntityType:
    return stored_entity(control)


def stored(control: sa.Engine, entity: EntityType, cid: str = "wikipedia", token: str = "t") -> DataConnector:
    with writing(control) as connection:
        return add_data_connector(
            connection, entity, cid, PROFILE, contribution_id=f"c-{cid}", token_digest=token
        )


def test_a_connector_comes_back_as_it_was_written(control: sa.Engine, country: EntityType) -> None:
    made = stored(control, country)

    assert (made.profile, made.eid, made.is_live, made.session_used_at) == (PROFILE, "country", False, None)
    with reading(control) as connection:
        assert find_data_connector(connection, country, "wikipedia") == made
        assert data_connector_with(connection, "t") == made
        assert data_connector_with(connection, "u") is None
        assert contributing_connector(connection, country.organization, "c-wikipedia") == made
        with pytest.raises(NotFound):
            contributing_connector(connection, "other", "c-wikipedia")
        with pytest.raises(NotFound):
            find_data_connector(connection, country, "other")


def test_two_entity_types_may_have_one_of_a_name(control: sa.Engine, country: EntityType) -> None:
    stored(control, country)
    stored(control, stored_entity(control, "city"), token="u")

    with pytest.raises(AlreadyExists, match="'wikipedia' of 'country' already"):
        stored(control, country, token="v")


def test_they_are_listed_by_their_names(control: sa.Engine, country: EntityType) -> None:
    for number, cid in enumerate(("b-1", "a", "b1", "b")):
        stored(control, country, cid, token=str(number))

    with reading(control) as connection:
        assert [one.cid for one in list_data_connectors(connection, country)] == ["a", "b", "b-1", "b1"]


def test_it_is_changed_and_goes_live(control: sa.Engine, country: EntityType) -> None:
    made = stored(control, country)
    other = ConnectorProfile(name="n", description="d")
    with writing(control) as connection:
        change_data_connector(connection, made.id, other)
        set_live(connection, made.id, True)

    with reading(control) as connection:
        found = find_data_connector(connection, country, "wikipedia")
        assert is_live(connection, made.id)
    assert found == replace(made, profile=other, is_live=True, changed_at=found.changed_at)


def test_it_knows_when_its_session_was_used(control: sa.Engine, country: EntityType) -> None:
    made, now = stored(control, country), datetime.now(UTC)
    with writing(control) as connection:
        begin_session(connection, made, Mode.STREAM, now)

    with reading(control) as connection:
        assert find_data_connector(connection, country, "wikipedia").session_used_at == now


def test_what_is_deleted_is_not_there(control: sa.Engine, country: EntityType) -> None:
    made = stored(control, country)
    with writing(control) as connection:
        lock_data_connector(connection, made.id)
        delete_data_connector(connection, made.id)

    with writing(control) as connection:
        assert list_data_connectors(connection, country) == []
        assert not is_live(connection, made.id)
        with pytest.raises(NotFound, match="is deleted"):
            lock_data_connector(connection, made.id)
