"""Answers hold as long as their connector says, failures are counted, and not too many are kept."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from export_pipeline.contributions.webhook import NOTHING, Answer
from export_pipeline.contributions.webhook_requests import Reason
from export_pipeline.store import webhook_answers
from export_pipeline.store.contribution_schema import DATA_CONNECTORS
from export_pipeline.store.data_connectors import lock_data_connector
from export_pipeline.store.database import reading, writing
from export_pipeline.store.webhook_answers import (
    LEFT_FOR_RUNS,
    Webhook,
    failures_of,
    forget_old_answers,
    keep_answers,
    kept_answers,
    records_to_ask_for,
    webhooks_of,
)
from export_pipeline.store.webhook_schema import WEBHOOK_ANSWERS
from export_pipeline_tests.builders import FIRST_HOUR, ORGANIZATION
from export_pipeline_tests.contributed import a_data_connector, a_record, an_entity_type, webhook_of
from export_pipeline_tests.control_databases import emptied

NOW = datetime(2026, 1, 5, 10, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def a_webhook(control: sa.Engine, cache: int = 60) -> Webhook:
    id_ = a_data_connector(control, an_entity_type(control), webhook="http://a.example", cache=cache)
    return webhook_of(id_, cache=cache)


def to_ask_for(control: sa.Engine, hook: Webhook, now: datetime) -> Sequence[str]:
    with reading(control) as connection:
        return records_to_ask_for(connection, hook, FIRST_HOUR, FIRST_HOUR + timedelta(hours=1), now)


def test_live_connectors_have_webhooks(control: sa.Engine) -> None:
    country = an_entity_type(control)
    asked = a_data_connector(control, country, "asked", webhook="http://a.example", cache=5)
    a_data_connector(control, country, "not-live", webhook="http://b.example", live=False)
    a_data_connector(control, country, "silent")
    others = an_entity_type(control, organization="others")
    a_data_connector(control, others, webhook="http://c.example")

    with reading(control) as connection:
        found = webhooks_of(connection, ORGANIZATION, "country")

    (one,) = found
    assert (one.connector, one.url, one.entity_type, one.cache) == (asked, "http://a.example", "country", 5)
    assert [of_it.name for of_it in one.properties] == ["population", "capital.name"]


def test_an_answer_holds_for_as_many_seconds_as_the_connector_says(control: sa.Engine) -> None:
    hook = a_webhook(control, cache=60)
    answer = Answer(entity={"é": [1]}, instance={"x": None})
    with writing(control) as connection:
        keep_answers(connection, hook, {"a": answer, "b": NOTHING}, NOW)

    with reading(control) as connection:
        assert kept_answers(connection, hook, ["a", "b", "c"], NOW) == {"a": answer, "b": NOTHING}
        assert kept_answers(connection, hook, ["a"], NOW + 59 * SECOND) == {"a": answer}
        assert kept_answers(connection, hook, ["a"], NOW + 60 * SECOND) == {}


def test_with_no_seconds_it_is_asked_every_time(control: sa.Engine) -> None:
    hook = a_webhook(control, cache=0)
    a_record(control, hook.connector, "a", {})
    with writing(control) as connection:
        keep_answers(connection, hook, {"a": NOTHING}, NOW)

    with reading(control) as connection:
        assert kept_answers(connection, hook, ["a"], NOW) == {}
    assert to_ask_for(control, hook, NOW) == ["a"]


def test_the_hours_records_are_asked_for_that_nothing_is_known_of(control: sa.Engine) -> None:
    hook = a_webhook(control)
    for vendor_id, minutes in (("known", 0), ("new", 59.9), ("old", 30), ("later", 60), ("earlier", -1)):
        a_record(control, hook.connector, vendor_id, {}, minutes=minutes)
    with writing(control) as connection:
        keep_answers(connection, hook, {"old": NOTHING}, NOW - 61 * SECOND)
        keep_answers(connection, hook, {"known": NOTHING}, NOW)

    assert sorted(to_ask_for(control, hook, NOW)) == ["new", "old"]


def test_a_connector_that_was_changed_is_asked_anew(control: sa.Engine) -> None:
    hook = a_webhook(control)
    a_record(control, hook.connector, "a", {})
    with writing(control) as connection:
        keep_answers(connection, hook, {"a": NOTHING}, NOW)
        connection.execute(DATA_CONNECTORS.update().values(changed_at=NOW + SECOND))

    assert to_ask_for(control, hook, NOW + 2 * SECOND) == ["a"]
    with reading(control) as connection:
        assert kept_answers(connection, hook, ["a"], NOW + 2 * SECOND) == {}


def test_a_new_answer_takes_the_place_of_the_one_before_and_no_answer_as_well(control: sa.Engine) -> None:
    hook = a_webhook(control)
    with writing(control) as connection:
        keep_answers(connection, hook, {"a": Answer(entity={"n": 1}), "b": Answer(entity={"n": 1})}, NOW)
        keep_answers(connection, hook, {"a": Answer(entity={"n": 2}), "b": Reason.TOO_SLOW}, NOW)

    with reading(control) as connection:
        assert kept_answers(connection, hook, ["a", "b"], NOW) == {"a": Answer(entity={"n": 2})}


def test_failures_are_counted_by_their_reasons(control: sa.Engine) -> None:
    hook = a_webhook(control)
    with writing(control) as connection:
        keep_answers(connection, hook, {"a": Reason.TOO_SLOW, "b": Reason.TOO_SLOW, "c": NOTHING}, NOW)
        keep_answers(connection, hook, {"a": Reason.TOO_SLOW, "b": Reason.UNREADABLE}, NOW)

    with reading(control) as connection:
        assert failures_of(connection, hook.connector) == {Reason.TOO_SLOW: 3, Reason.UNREADABLE: 1}


def test_of_a_connector_that_was_deleted_meanwhile_nothing_is_kept(control: sa.Engine) -> None:
    hook = a_webhook(control)
    with writing(control) as connection:
        connection.execute(DATA_CONNECTORS.delete().where(DATA_CONNECTORS.c.id == hook.connector))
        keep_answers(connection, hook, {"a": Answer(entity={"n": 1}), "b": Reason.TOO_SLOW}, NOW)

    with reading(control) as connection:
        assert connection.execute(sa.select(WEBHOOK_ANSWERS)).all() == []


def test_who_does_not_wait_for_a_session_that_is_closed_keeps_nothing(shared_postgres: sa.Engine) -> None:
    control = emptied(shared_postgres)
    hook = a_webhook(control)
    said: dict[str, Answer | Reason] = {"a": Answer(entity={"n": 1}), "b": Reason.TOO_SLOW}
    with writing(control) as closing:
        lock_data_connector(closing, hook.connector)
        with writing(control) as connection:
            connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
            keep_answers(connection, hook, said, NOW, wait=False)
            assert kept_answers(connection, hook, ["a"], NOW) == {}
            assert failures_of(connection, hook.connector) == {}
    with writing(control) as connection:
        keep_answers(connection, hook, said, NOW, wait=False)
        assert kept_answers(connection, hook, ["a"], NOW) == {"a": said["a"]}
        assert failures_of(connection, hook.connector) == {Reason.TOO_SLOW: 1}


def test_what_no_run_can_need_any_more_is_forgotten(control: sa.Engine) -> None:
    hook = a_webhook(control, cache=60)
    before = NOW - LEFT_FOR_RUNS
    with writing(control) as connection:
        keep_answers(connection, hook, {"a": NOTHING}, before - SECOND)
        keep_answers(connection, hook, {"b": NOTHING}, before)  # expired, but a run may be reading it
        forget_old_answers(connection, hook, NOW)
        left = connection.scalars(sa.select(WEBHOOK_ANSWERS.c.vendor_id)).all()

    assert left == ["b"]


def test_of_too_many_the_oldest_are_forgotten(control: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = a_webhook(control, cache=31_536_000)
    monkeypatch.setattr(webhook_answers, "MOST_KEPT", 3)
    with writing(control) as connection:
        for number in range(6):
            at = NOW - LEFT_FOR_RUNS - timedelta(seconds=10 - number)
            keep_answers(connection, hook, {f"a{number}": NOTHING}, at)
        forget_old_answers(connection, hook, NOW)
        left = connection.scalars(sa.select(WEBHOOK_ANSWERS.c.vendor_id)).all()

    assert sorted(left) == ["a3", "a4", "a5"]
