"""Contributed records: what sessions make of them, and who sees which."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from export_pipeline.contributions.records import Record
from export_pipeline.contributions.sessions import Mode
from export_pipeline.contributions.webhook import Answer
from export_pipeline.errors import NotFound
from export_pipeline.store.contributed_records import (
    accept_staged,
    find_record,
    hours_of,
    list_records,
    records_of_connector,
)
from export_pipeline.store.contribution_sessions import begin_session, stage_deletions, stage_upserts
from export_pipeline.store.data_connectors import DataConnector, set_live
from export_pipeline.store.database import reading, writing
from export_pipeline.store.entity_types import EntityType
from export_pipeline.store.webhook_answers import keep_answers
from export_pipeline.store.webhook_schema import WEBHOOK_ANSWERS
from export_pipeline_tests.contributed import webhook_of
from export_pipeline_tests.contributing import stored_data_connector, stored_entity

TEN = datetime(2026, 1, 5, 10, tzinfo=UTC)
ELEVEN = TEN + timedelta(hours=1)
A, B, C = (Record(id=name, name=name, entity={"n": 1}) for name in "abc")
A_CHANGED = Record(id="a", name="a", entity={"n": 2})


@pytest.fixture
def country(control: sa.Engine) -> EntityType:
    return stored_entity(control)


@pytest.fixture
def wikipedia(control: sa.Engine, country: EntityType) -> DataConnector:
    return stored_data_connector(control, country)


def accepted(
    control: sa.Engine,
    connector: DataConnector,
    *records: Record,
    delete: tuple[str, ...] = (),
    replace: bool = False,
    now: datetime = TEN,
) -> set[datetime]:
    with writing(control) as connection:
        session = begin_session(connection, connector, Mode.ACCRUE, now)
        stage_upserts(connection, session, connector, records)
        stage_deletions(connection, session, connector, delete)
        return {*accept_staged(connection, session, replace=replace, now=now)}


def there(control: sa.Engine, connector: DataConnector) -> list[tuple[str, object, datetime]]:
    with reading(control) as connection:
        found = records_of_connector(connection, connector)
    return [(one.vendor_id, one.entity, one.accepted_at) for one in found]


def test_records_come_into_their_hour(control: sa.Engine, wikipedia: DataConnector) -> None:
    late = TEN + timedelta(minutes=59, microseconds=1)

    assert accepted(control, wikipedia, A, B, now=late) == {TEN}
    assert there(control, wikipedia) == [("a", {"n": 1}, late), ("b", {"n": 1}, late)]


def test_a_changed_record_leaves_its_hour_for_another(control: sa.Engine, wikipedia: DataConnector) -> None:
    accepted(control, wikipedia, A, B)

    assert accepted(control, wikipedia, A_CHANGED, now=ELEVEN) == {TEN, ELEVEN}
    assert there(control, wikipedia) == [("a", {"n": 2}, ELEVEN), ("b", {"n": 1}, TEN)]


@pytest.mark.parametrize("replace", [False, True])
def test_what_a_webhook_said_goes_with_the_record_and_stays_with_a_changed_one(
    control: sa.Engine, wikipedia: DataConnector, replace: bool
) -> None:
    accepted(control, wikipedia, A, B, C)
    hook = webhook_of(wikipedia.id, cache=60)
    said = {name: Answer(entity={"said": name}) for name in "abc"}
    with writing(control) as connection:
        keep_answers(connection, hook, said, TEN)

    accepted(control, wikipedia, A_CHANGED, C, delete=("b",), replace=replace)

    with reading(control) as connection:
        assert {*connection.scalars(sa.select(WEBHOOK_ANSWERS.c.vendor_id))} == {"a", "c"}


@pytest.mark.parametrize("replace", [False, True])
def test_a_record_that_is_the_same_stays_where_it_is(
    control: sa.Engine, wikipedia: DataConnector, replace: bool
) -> None:
    accepted(control, wikipedia, A)

    assert accepted(control, wikipedia, A, replace=replace, now=ELEVEN) == set()
    assert there(control, wikipedia) == [("a", {"n": 1}, TEN)]


def test_a_deleted_record_leaves_its_hour(control: sa.Engine, wikipedia: DataConnector) -> None:
    accepted(control, wikipedia, A, B)

    assert accepted(control, wikipedia, delete=("a", "never"), now=ELEVEN) == {TEN}
    assert there(control, wikipedia) == [("b", {"n": 1}, TEN)]


def test_a_replacement_has_everything_else_go(control: sa.Engine, wikipedia: DataConnector) -> None:
    accepted(control, wikipedia, A, B)

    assert accepted(control, wikipedia, A, C, replace=True, now=ELEVEN) == {TEN, ELEVEN}
    assert [name for name, _, _ in there(control, wikipedia)] == ["a", "c"]
    assert accepted(control, wikipedia, replace=True) == {TEN, ELEVEN}
    assert there(control, wikipedia) == []


def test_others_records_are_left_alone(
    control: sa.Engine, wikipedia: DataConnector, country: EntityType
) -> None:
    other = stored_data_connector(control, country, "factbook")
    accepted(control, other, A, B)
    accepted(control, wikipedia, A)
    accepted(control, wikipedia, replace=True)
    accepted(control, wikipedia, delete=("a",))

    assert [name for name, _, _ in there(control, other)] == ["a", "b"]
    with reading(control) as connection:
        assert hours_of(connection, other) == {TEN}
        assert not hours_of(connection, wikipedia)


def test_consumers_see_those_of_live_connectors_and_those_they_ask_for(
    control: sa.Engine, wikipedia: DataConnector, country: EntityType
) -> None:
    live = stored_data_connector(control, country, "factbook")
    accepted(control, wikipedia, A)
    accepted(control, live, B)
    with writing(control) as connection:
        set_live(connection, live.id, True)

    def seen(*staged: str) -> list[str]:
        found = list_records(connection, country, staged=staged, offset=0, limit=9)
        return sorted(one.vendor_id for one in found)

    with reading(control) as connection:
        assert seen() == ["b"]
        assert seen(wikipedia.contribution_id) == ["a", "b"]
        assert seen("unknown") == ["b"]
        (staged,) = records_of_connector(connection, wikipedia)
        (shown,) = records_of_connector(connection, live)
        assert find_record(connection, country, shown.public_id, staged=()) == shown
        with pytest.raises(NotFound):
            find_record(connection, country, staged.public_id, staged=())
        assert (
            find_record(connection, country, staged.public_id, staged=(wikipedia.contribution_id,)) == staged
        )


def test_they_are_seen_in_pages(control: sa.Engine, wikipedia: DataConnector, country: EntityType) -> None:
    accepted(control, wikipedia, A, B, C)
    asked = (wikipedia.contribution_id,)

    with reading(control) as connection:
        whole = list_records(connection, country, staged=asked, offset=0, limit=9)
        pages = [list_records(connection, country, staged=asked, offset=n, limit=1)[0] for n in range(3)]
        assert pages == whole
        assert list_records(connection, country, staged=asked, offset=3, limit=1) == []
