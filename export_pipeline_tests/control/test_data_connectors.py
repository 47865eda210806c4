"""Data connectors: made with a token that is kept nowhere, changed, live, gone."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from export_pipeline.contributions.data_connectors import ConnectorProfile
from export_pipeline.contributions.mistakes import Rejected
from export_pipeline.control.data_connectors import (
    NewDataConnector,
    contributor_with,
    create_data_connector,
    demote_data_connector,
    promote_data_connector,
    remove_data_connector,
    replace_data_connector,
)
from export_pipeline.errors import AlreadyExists, NotFound
from export_pipeline.store.audit import audit_page
from export_pipeline.store.contributed_hours import changed_hours
from export_pipeline.store.data_connectors import find_data_connector
from export_pipeline.store.database import reading, writing
from export_pipeline.store.entity_types import EntityType
from export_pipeline.store.pages import PageRequest
from export_pipeline_tests.builders import ORGANIZATION
from export_pipeline_tests.contributing import (
    SALT,
    a_record,
    contributed,
    stored_data_connector,
    stored_entity,
    there,
)

PROFILE = ConnectorProfile(name="Wikipedia", description="Of it")
WIKIPEDIA = (ORGANIZATION, "country", "wikipedia")


def made(control: sa.Engine, cid: str = "wikipedia", eid: str = "country") -> NewDataConnector:
    with writing(control) as connection:
        return create_data_connector(
            connection, organization=ORGANIZATION, eid=eid, cid=cid, profile=PROFILE, salt=SALT
        )


def changes(control: sa.Engine, entity: EntityType) -> int:
    """How often any hour of it changed."""
    with reading(control) as connection:
        now = datetime.now(UTC)
        around = now - timedelta(days=1), now + timedelta(days=1)
        return sum(one.changes for one in changed_hours(connection, entity.id, *around).values())


def test_the_token_is_shown_once_and_known_again(control: sa.Engine) -> None:
    stored_entity(control)
    new = made(control)

    assert [len(part) for part in new.token.split(".")] == [36, 36, 36]
    assert new.token not in repr(new)
    with reading(control) as connection:
        assert contributor_with(connection, new.token) == new.connector
        assert contributor_with(connection, "\ud800") is None
        tables = sa.inspect(control).get_table_names()
        stored = [connection.execute(sa.text(f"select * from {name}")).all() for name in tables]
    assert new.token not in repr(stored)


def test_made_again_it_has_its_id_again_and_another_token(control: sa.Engine) -> None:
    stored_entity(control)
    first = made(control)
    with writing(control) as connection:
        remove_data_connector(connection, *WIKIPEDIA)
    second = made(control)

    assert first.connector.contribution_id == "9afcf3235500836c6fcd9e82110dbc05ffbb734b"
    assert second.connector.contribution_id == first.connector.contribution_id
    with reading(control) as connection:
        assert contributor_with(connection, first.token) is None


def test_a_name_is_taken_within_its_entity_type(control: sa.Engine) -> None:
    stored_entity(control)
    stored_entity(control, "city")
    made(control)
    made(control, eid="city")

    with pytest.raises(AlreadyExists):
        made(control)
    with pytest.raises(Rejected, match="slug: "):
        made(control, "Wikipedia")
    with pytest.raises(NotFound):
        made(control, eid="river")


def test_it_is_changed_as_a_whole(control: sa.Engine) -> None:
    entity = stored_entity(control)
    connector = stored_data_connector(control, entity, webhook="http://a.example", cache=3)
    assert connector.profile.webhook
    with writing(control) as connection:
        replace_data_connector(
            connection, organization=ORGANIZATION, eid="country", cid="wikipedia", profile=PROFILE
        )
        found = find_data_connector(connection, entity, "wikipedia")
    assert (found.profile, found.contribution_id) == (PROFILE, connector.contribution_id)


def test_going_live_and_back_changes_every_hour_it_has_and_only_once(control: sa.Engine) -> None:
    entity = stored_entity(control)
    connector = stored_data_connector(control, entity)
    contributed(control, connector, a_record())
    assert changes(control, entity) == 0

    for change, expected in (
        (promote_data_connector, 1),
        (promote_data_connector, 1),
        (demote_data_connector, 2),
        (demote_data_connector, 2),
    ):
        with writing(control) as connection:
            change(connection, *WIKIPEDIA)
        assert changes(control, entity) == expected


def test_one_that_goes_takes_its_records_along_and_leaves_word_of_it(control: sa.Engine) -> None:
    entity = stored_entity(control)
    connector = stored_data_connector(control, entity, live=True)
    contributed(control, connector, a_record())
    assert changes(control, entity) == 1

    with writing(control) as connection:
        remove_data_connector(connection, *WIKIPEDIA)

    assert changes(control, entity) == 2
    assert there(control, connector) == {}


def test_anothers_is_not_there(control: sa.Engine) -> None:
    stored_data_connector(control, stored_entity(control, organization="other"))
    stored_entity(control)
    for change in (promote_data_connector, demote_data_connector, remove_data_connector):
        with pytest.raises(NotFound), writing(control) as connection:
            change(connection, *WIKIPEDIA)


def test_every_change_is_noted_without_the_token(control: sa.Engine) -> None:
    stored_entity(control)
    token = made(control).token
    with writing(control) as connection:
        for change in (promote_data_connector, promote_data_connector, demote_data_connector):
            change(connection, *WIKIPEDIA)
        remove_data_connector(connection, *WIKIPEDIA)

    with reading(control) as connection:
        noted = [*reversed(audit_page(connection, ORGANIZATION, PageRequest()).items)][1:]
    assert [(one.action, one.subject) for one in noted] == [
        ("data_connector.create", "country/wikipedia"),
        ("data_connector.promote", "country/wikipedia"),
        ("data_connector.demote", "country/wikipedia"),
        ("data_connector.delete", "country/wikipedia"),
    ]
    assert token not in repr(noted)
