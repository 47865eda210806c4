"""What becomes of records with what their connector's service says of them."""

import inspect
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipeline.connectors.addresses import allow
from export_pipeline.contributions.columns import properties_of
from export_pipeline.contributions.webhook import (
    AT_ONCE,
    FAILURES_IN_A_ROW,
    NOTHING,
    Answer,
    address_of,
    ask,
    ask_all,
    enriched,
)
from export_pipeline.contributions.webhook_requests import SECONDS, Reason, Unanswered
from export_pipeline_tests.builders import ORGANIZATION
from export_pipeline_tests.contributions.webhook_servers import (
    answering,
    hanging_up,
    saying,
    saying_of_each,
    service,
    silent,
)
from export_pipeline_tests.servers.ports import free_port


@pytest.fixture(autouse=True)
def this_machine_is_allowed() -> Iterator[None]:
    allow([ip_network("127.0.0.0/8")])
    yield
    allow([])


@pytest.mark.parametrize(
    ("webhook", "vendor_id", "address"),
    [
        ("http://a.example/connectors/1", "GB", "http://a.example/connectors/1/entity/country/GB"),
        ("http://a.example", "a/b ?#%&", "http://a.example/entity/country/a%2Fb%20%3F%23%25%26"),
        ("http://a.example/", "é", "http://a.example/entity/country/%C3%A9"),
        ("http://a.example/x?token=1#part", "1", "http://a.example/x/entity/country/1?token=1"),
        ("http://a.example", "..", "http://a.example/entity/country/%2E%2E"),
        ("http://a.example", "../../admin", "http://a.example/entity/country/..%2F..%2Fadmin"),
        ("http://a.example", "x\r\nHost: b", "http://a.example/entity/country/x%0D%0AHost%3A%20b"),
    ],
)
def test_a_record_has_its_address(webhook: str, vendor_id: str, address: str) -> None:
    assert address_of(webhook, "country", vendor_id) == address


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ({"entity": {"a": 1}, "instance": {"b": [2]}}, Answer(entity={"a": 1}, instance={"b": [2]})),
        ({"entity": {"a": None}}, Answer(entity={"a": None})),
        ({"instance": None, "entity": None}, NOTHING),
        ({"id": "GB", "name": "x"}, NOTHING),
    ],
)
def test_an_answer_has_two_parts(said: Any, answer: Answer) -> None:
    with service(saying(said)) as running:
        assert ask(f"{running.url}/hook", "country", "GB", organization=ORGANIZATION) == answer
    assert running.asked == ["/hook/entity/country/GB"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"null",
        b'"text"',
        b'{"entity": []}',
        b'{"entity": "x"}',
        b'{"instance": 5}',
        b'{"entity": {"a": NaN}}',
        b'{"entity": {"a": Infinity}}',
        b'{"entity": {"a": 1e999}}',
        b'{"entity": {"a": "\\ud800"}}',
        b'{"entity": {"a\\u0000": 1}}',
        b'{"entity": {"a": ["\\u0000"]}}',
        b"\xff\xfe",
        b'{"entity": {"a": ' + b"9" * 5000 + b"}}",
        b'{"entity": {"a": ' + b"[" * 50 + b"]" * 50 + b"}}",
        b"[" * 100_000,
        b'{"entity": ' * 20_000,
    ],
)
def test_what_is_no_answer_is_unreadable(body: bytes) -> None:
    with service(answering(body)) as running, pytest.raises(Unanswered) as caught:
        ask(running.url, "country", "GB", organization=ORGANIZATION)
    assert caught.value.reason is Reason.UNREADABLE


@pytest.mark.parametrize("webhook", ["http://[::1", "", "no address", "ftp://a.example"])
def test_a_webhook_that_is_no_address_is_not_reached(webhook: str) -> None:
    with pytest.raises(Unanswered):
        ask(webhook, "country", "GB", organization=ORGANIZATION)


def test_what_was_said_takes_the_place_of_what_was_contributed() -> None:
    answer = Answer(entity={"b": 3}, instance={"c": 4})

    assert enriched({"a": 1, "b": 2}, None, answer) == ({"a": 1, "b": 3}, {"c": 4})
    assert enriched({"a": 1}, {"c": 1, "d": 2}, answer) == ({"a": 1, "b": 3}, {"c": 4, "d": 2})


texts = st.dictionaries(st.text(max_size=3), st.integers())


@given(entity=texts, instance=st.none() | texts)
def test_a_record_of_which_nothing_is_said_stays_as_it_is(
    entity: dict[str, int], instance: dict[str, int] | None
) -> None:
    assert enriched(entity, instance, NOTHING) == (entity, instance)


def test_an_answer_fits_the_columns() -> None:
    population = properties_of({"properties": {"population": {"type": "integer"}}})
    with service(saying({"entity": {"population": "many"}})) as running:
        assert dict(ask_all(running.url, "country", ["GB"], population, organization=ORGANIZATION)) == {
            "GB": Reason.UNFIT
        }
    with service(saying({"entity": {"population": 5}, "instance": {"population": "many"}})) as running:
        assert ask(running.url, "country", "GB", population, organization=ORGANIZATION).entity == {
            "population": 5
        }


def test_many_are_asked_several_at_once_and_answered_in_order() -> None:
    ids = [f"id {number}" for number in range(100)]

    def said(target: str) -> Any:
        name = target.rpartition("/")[2]
        return {"entity": {"asked": name}}

    with service(saying_of_each(said)) as running:
        answers = list(ask_all(running.url, "country", ids, organization=ORGANIZATION))

    assert [id_ for id_, _ in answers] == ids
    assert all(answer == Answer(entity={"asked": id_.replace(" ", "%20")}) for id_, answer in answers), (
        answers[:3]
    )
    assert len(running.asked) == 100
    assert running.most_at_once <= AT_ONCE


def test_one_that_fails_costs_no_other_its_answer() -> None:
    def said(target: str) -> Any:
        return "no record" if target.endswith("3") else {"entity": {"a": 1}}

    with service(saying_of_each(said)) as running:
        answers = dict(
            ask_all(running.url, "country", [str(number) for number in range(10)], organization=ORGANIZATION)
        )

    assert Counter(str(answer) for answer in answers.values())[str(Reason.UNREADABLE)] == 1
    assert answers["3"] is Reason.UNREADABLE


def test_a_service_that_is_gone_is_left_alone_after_a_while() -> None:
    with service(hanging_up) as running:
        answers = list(
            ask_all(
                running.url, "country", [str(number) for number in range(1000)], organization=ORGANIZATION
            )
        )

    counts = Counter(answer for _, answer in answers)
    assert set(counts) == {Reason.UNREACHABLE, Reason.NOT_ASKED}
    # Those that were under way when it was given up are awaited.
    assert FAILURES_IN_A_ROW <= counts[Reason.UNREACHABLE] <= FAILURES_IN_A_ROW + 2 * AT_ONCE
    assert len(running.asked) == counts[Reason.UNREACHABLE]


def test_a_service_that_knows_no_record_is_asked_for_all_of_them() -> None:
    with service(answering(b"", status="404 Not Found")) as running:
        answers = list(
            ask_all(running.url, "country", [str(number) for number in range(100)], organization=ORGANIZATION)
        )

    assert {answer for _, answer in answers} == {Reason.REFUSED}
    assert len(running.asked) == 100


def test_nobody_waits_for_ever_for_their_turn() -> None:
    """Services that hang take all of an organization's turns: what it asks else is told so soon, and has the
    plain record. Another organization has turns of its own.
    """
    ids = [str(number) for number in range(4 * AT_ONCE)]
    reasons: list[Reason] = []
    answers: list[Answer] = []
    with service(silent) as hanging, service(saying({"entity": {}})) as other:
        asking = threading.Thread(
            target=lambda: list(ask_all(hanging.url, "country", ids, organization=ORGANIZATION))
        )
        asking.start()
        while asking.is_alive() and not reasons:
            time.sleep(0.01)
            if hanging.at_once == AT_ONCE:
                reasons += why_not(other.url, wait=0.01)
                answers += [ask(other.url, "country", "GB", organization="acme-two", wait=0.01)]
        asking.join()

    assert reasons == [Reason.BUSY]
    assert answers == [Answer()]
    assert ask_waits_at_most() == SECONDS


def why_not(webhook: str, *, wait: float) -> list[Reason]:
    try:
        ask(webhook, "country", "GB", wait=wait, organization=ORGANIZATION)
    except Unanswered as unanswered:
        return [unanswered.reason]
    return []


def ask_waits_at_most() -> float:
    """If it is told nothing else, as where a consumer waits for one record."""
    waits: float = inspect.signature(ask).parameters["wait"].default
    return waits


def test_nobody_is_asked_any_more_once_it_is_stopped() -> None:
    stop = threading.Event()
    stop.set()

    answers = list(
        ask_all(
            f"http://127.0.0.1:{free_port()}", "country", ["a", "b"], stop=stop, organization=ORGANIZATION
        )
    )

    assert [answer for _, answer in answers] == [Reason.NOT_ASKED] * 2


def test_answers_are_json_again() -> None:
    said = {"entity": {"é": "\U0001f600", "n": 1.5, "big": 2**60}}
    with service(answering(json.dumps(said, ensure_ascii=False).encode())) as running:
        assert ask(running.url, "country", "1", organization=ORGANIZATION).entity == said["entity"]
