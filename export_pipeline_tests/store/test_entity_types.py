"""Stored entity types: an organization's own, by their eids."""

import pytest
import sqlalchemy as sa

from export_pipeline.contributions.entity_types import EntityProfile, entity_profile
from export_pipeline.errors import AlreadyExists, NotFound
from export_pipeline.store.database import reading, writing
from export_pipeline.store.entity_types import (
    EntityType,
    add_entity_type,
    change_entity_type,
    delete_entity_type,
    find_entity_type,
    get_entity_type,
    list_entity_types,
    lock_entity_type,
)
from export_pipeline.store.organizations import ensure_organization
from export_pipeline_tests.builders import ORGANIZATION

WHOLE = entity_profile(
    {
        "name": "Länder",
        "description": "All of them",
        "schema": {"type": "object", "properties": {"b": {}, "a": {}}},
        "tags": ["z", "a"],
        "icon": "globe",
        "timeseries": {"population": {"period": "P1Y", "value": "people", "unit": "x1000"}},
    }
)
PLAIN = entity_profile({"name": "n", "description": "d"})


def stored(
    control: sa.Engine, eid: str, profile: EntityProfile = PLAIN, organization: str = ORGANIZATION
) -> EntityType:
    with writing(control) as connection:
        ensure_organization(connection, organization)
        return add_entity_type(connection, organization, eid, profile)


def test_an_entity_type_comes_back_as_it_was_written(control: sa.Engine) -> None:
    made = stored(control, "country", WHOLE)

    with reading(control) as connection:
        found = find_entity_type(connection, ORGANIZATION, "country")
        assert found == made == get_entity_type(connection, made.id)
    assert [*found.profile.schema["properties"]] == ["b", "a"]


def test_two_organizations_may_have_one_of_a_name(control: sa.Engine) -> None:
    ours, theirs = stored(control, "country"), stored(control, "country", organization="other")

    with reading(control) as connection:
        assert find_entity_type(connection, ORGANIZATION, "country").id == ours.id
        assert find_entity_type(connection, "other", "country").id == theirs.id
    with pytest.raises(AlreadyExists, match="'country' already"):
        stored(control, "country")


def test_they_are_listed_by_their_names(control: sa.Engine) -> None:
    for eid in ("b-1", "a", "b1", "b"):
        stored(control, eid)

    with reading(control) as connection:
        assert [one.eid for one in list_entity_types(connection, ORGANIZATION)] == ["a", "b", "b-1", "b1"]


def test_another_profile_takes_the_place_of_the_first(control: sa.Engine) -> None:
    made = stored(control, "country", WHOLE)
    with writing(control) as connection:
        lock_entity_type(connection, made.id)
        change_entity_type(connection, made.id, PLAIN)

    with reading(control) as connection:
        found = find_entity_type(connection, ORGANIZATION, "country")
    assert (found.profile, found.created_at) == (PLAIN, made.created_at)
    assert found.changed_at >= made.changed_at


def test_what_is_deleted_is_not_there(control: sa.Engine) -> None:
    made = stored(control, "country")
    with writing(control) as connection:
        delete_entity_type(connection, made.id)

    with reading(control) as connection:
        with pytest.raises(NotFound):
            find_entity_type(connection, ORGANIZATION, "country")
        with pytest.raises(NotFound):
            get_entity_type(connection, made.id)
