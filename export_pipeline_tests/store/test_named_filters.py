"""Stored named filters: an organization's own, by names that tell upper from lower case."""

import pytest
import sqlalchemy as sa

from export_pipeline.errors import AlreadyExists, NotFound
from export_pipeline.filters.grammar import parse
from export_pipeline.store.database import reading, writing
from export_pipeline.store.named_filters import (
    StoredFilter,
    add_named_filter,
    change_named_filter,
    delete_named_filter,
    find_named_filter,
    list_named_filters,
    named_filters,
)
from export_pipeline.store.organizations import ensure_organization
from export_pipeline_tests.builders import ORGANIZATION


def stored(
    control: sa.Engine, name: str, text: str = "a == 1", organization: str = ORGANIZATION
) -> StoredFilter:
    with writing(control) as connection:
        ensure_organization(connection, organization)
        return add_named_filter(connection, organization, name, text)


def names(control: sa.Engine) -> list[str]:
    with reading(control) as connection:
        return [filter_.name for filter_ in list_named_filters(connection, ORGANIZATION)]


def test_a_filter_comes_back_as_it_was_written(control: sa.Engine) -> None:
    text = "a == 'Ä\\'B' AND\n  $B"
    made = stored(control, "A", text)

    with reading(control) as connection:
        assert find_named_filter(connection, ORGANIZATION, "A") == made
    assert (made.text, made.created_at) == (text, made.changed_at)


def test_filters_are_listed_by_name(control: sa.Engine) -> None:
    for name in ("C", "A", "B"):
        stored(control, name)

    assert names(control) == ["A", "B", "C"]


def test_a_name_is_given_once(control: sa.Engine) -> None:
    stored(control, "A")

    with pytest.raises(AlreadyExists, match=r"named filter \$A already; replace it, or choose another name"):
        stored(control, "A", "a == 2")

    with reading(control) as connection:
        assert find_named_filter(connection, ORGANIZATION, "A").text == "a == 1"


def test_names_in_other_case_are_other_names(control: sa.Engine) -> None:
    stored(control, "bots", "a == 1")
    stored(control, "BOTS", "a == 2")

    with reading(control) as connection:
        assert find_named_filter(connection, ORGANIZATION, "bots").text == "a == 1"


def test_organizations_do_not_see_each_others_filters(control: sa.Engine) -> None:
    stored(control, "A", organization="other")

    assert names(control) == []
    with (
        reading(control) as connection,
        pytest.raises(NotFound, match=r"no named filter \$A; there are none"),
    ):
        find_named_filter(connection, ORGANIZATION, "A")
    stored(control, "A", "a == 2")
    with reading(control) as connection:
        assert find_named_filter(connection, "other", "A").text == "a == 1"


def test_an_unknown_name_is_answered_with_the_nearest_one(control: sa.Engine) -> None:
    stored(control, "BOTS")

    with reading(control) as connection, pytest.raises(NotFound, match="did you mean 'BOTS'"):
        find_named_filter(connection, ORGANIZATION, "bot")


def test_a_changed_filter_keeps_its_id_and_its_birth(control: sa.Engine) -> None:
    made = stored(control, "A")

    with writing(control) as connection:
        changed = change_named_filter(connection, made, "a == 2")

    with reading(control) as connection:
        assert find_named_filter(connection, ORGANIZATION, "A") == changed
    assert (changed.id, changed.created_at, changed.text) == (made.id, made.created_at, "a == 2")
    assert changed.changed_at > made.changed_at


def test_a_deleted_filter_is_gone_and_its_name_free(control: sa.Engine) -> None:
    made = stored(control, "A")

    with writing(control) as connection:
        delete_named_filter(connection, made.id)

    assert names(control) == []
    assert stored(control, "A").id != made.id


def test_names_stand_for_what_is_stored(control: sa.Engine) -> None:
    stored(control, "A", "a == 1")
    stored(control, "B", "$A OR b == 2")
    stored(control, "A", "a == 3", organization="other")

    with reading(control) as connection:
        named = named_filters(connection, ORGANIZATION)
    assert dict(named) == {"A": parse("a == 1"), "B": parse("$A OR b == 2")}
