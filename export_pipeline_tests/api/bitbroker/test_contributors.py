"""Who may contribute: by the token of the very data connector, or by a key that may for all of them."""

import json
import socket
import time
import uuid
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from export_pipeline.api.bitbroker.contributors import MOST_OF_ONE
from export_pipeline.api.turns import MOST_UNDER_WAY
from export_pipeline.store.data_connectors import list_data_connectors, lock_data_connector
from export_pipeline.store.database import writing
from export_pipeline.store.entity_types import find_entity_type
from export_pipeline_tests.api.bitbroker.parties import (
    CONNECTOR,
    NOT_FOUND,
    TOKEN,
    Contributor,
    a_contributor,
    an_entity_type,
    mistakes,
)
from export_pipeline_tests.api.conftest import Api, Somebody

MANY = 60


def opened(api: Api, token: str | bytes | None, id_: str, header: str = TOKEN) -> httpx.Response:
    headers: Any = {header: token} if token else {}
    return httpx.get(f"{api.url}/contributor/v1/connector/{id_}/session/open/stream", headers=headers)


def test_the_token_opens_its_own_connector(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    with a_contributor(api, admin) as ours, a_contributor(api, admin, cid="factbook") as other:
        assert opened(api, ours.token, ours.id).status_code == 200
        assert opened(api, ours.token, ours.id.upper()).status_code == 200
        assert opened(api, f"Bearer {ours.token}", ours.id, "Authorization").status_code == 200
        assert opened(api, ours.token, other.id).json() == NOT_FOUND
        assert opened(api, ours.token, "0" * 40).json() == NOT_FOUND


def test_without_it_nobody_contributes(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    with a_contributor(api, admin) as ours:
        for token in (None, "no", ours.token[:-1], f"{ours.token}x", b"\xe9"):
            assert opened(api, token, ours.id).status_code == 401
        admin.delete(CONNECTOR)
        assert opened(api, ours.token, ours.id).status_code == 401


def test_a_key_that_may_contribute_does_for_all_of_its_organization(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    key = api.key(admin.organization, "data:contribute")
    with a_contributor(api, admin) as ours:
        assert opened(api, key, ours.id).status_code == 200
        assert opened(api, api.key(admin.organization, "connectors:edit"), ours.id).status_code == 403
        assert opened(api, api.key(api.organization()), ours.id).json() == NOT_FOUND


def test_two_organizations_with_the_same_ids_do_not_meet(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    other = api.organization()
    with api.client(api.key(other)) as http:
        somebody = Somebody(other, http)
        an_entity_type(somebody)
        with a_contributor(api, admin) as ours, a_contributor(api, somebody) as theirs:
            assert ours.id == theirs.id
            ours.contribute({"id": "GB", "name": "Ours", "entity": {}})
            theirs.contribute({"id": "GB", "name": "Theirs", "entity": {}})
            seen = {"x-bbk-connectors": ours.id}
            for who, name in ((admin, "Ours"), (somebody, "Theirs")):
                (record,) = who.get("/consumer/v1/entity/country", headers=seen).json()
                assert record["name"] == name


@pytest.mark.parametrize(
    ("id_", "reasons"),
    [
        ("x", ["does not meet minimum length of 40"]),
        ("0" * 41, ["does not meet maximum length of 40"]),
        ("0" * 39 + "_", ['does not match pattern "^[a-z0-9]+$"']),
    ],
)
def test_an_id_that_is_none_is_told(api: Api, admin: Somebody, id_: str, reasons: list[str]) -> None:
    an_entity_type(admin)
    with a_contributor(api, admin) as ours:
        assert mistakes(opened(api, ours.token, id_)) == [("id", None, reason) for reason in reasons]


def test_a_nul_in_an_address_is_refused(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    with a_contributor(api, admin) as ours:
        assert "NUL" in mistakes(opened(api, ours.token, "%00"))[0][2]


def test_the_log_has_whose_it_was_and_no_token(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    with a_contributor(api, admin) as ours:
        answer = opened(api, ours.token, ours.id)
        line = api.logged(answer.headers["X-Request-ID"])

    assert "key=-" not in line
    assert ours.token not in line


def test_who_reads_no_answers_keeps_no_turn(api: Api, admin: Somebody) -> None:
    """Requests are sent one behind the other, until nothing more is taken: the answers are in the way, or
    too many wait behind one.
    """
    an_entity_type(admin)
    records = [{"id": f"{number:0>200}", "name": "n", "entity": {}} for number in range(250)]
    with a_contributor(api, admin) as ours:
        body = json.dumps(records).encode()
        head = (
            f"POST {ours.base}/{ours.open('stream')}/upsert HTTP/1.1\r\nHost: a\r\n"
            f"{TOKEN}: {ours.token}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        address = urlsplit(api.url)
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.settimeout(2)
            deaf.connect((address.hostname, address.port))
            with pytest.raises((TimeoutError, ConnectionError)):
                deaf.sendall((head.encode() + body) * 1000)
            assert ours.open("stream")


def slow_calls(api: Api, contributor: Contributor, number: int, opened: ExitStack) -> list[socket.socket]:
    """Calls of a contributor's with bodies that never come to their end, each of megabytes."""
    head = (
        f"POST {contributor.base}/{uuid.uuid4()}/upsert HTTP/1.1\r\nHost: a\r\n"
        f"{TOKEN}: {contributor.token}\r\nContent-Length: 4000000\r\n\r\n["
    )
    address = urlsplit(api.url)
    calls = [
        opened.enter_context(socket.create_connection((address.hostname, address.port)))
        for _ in range(number)
    ]
    for one in calls:
        one.sendall(head.encode())
    return calls


def answered(contributor: Contributor, status: int) -> httpx.Response:
    """The first answer to the contributor that says so."""
    give_up = time.monotonic() + 20
    while (answer := contributor.http.get(f"{contributor.base}/open/stream")).status_code != status:
        assert time.monotonic() < give_up
        time.sleep(0.1)
    return answer


def test_what_a_contributor_has_under_way_is_bounded(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    with ExitStack() as opened:
        ours, other = (
            opened.enter_context(a_contributor(api, admin, cid=cid)) for cid in ("wikipedia", "factbook")
        )
        slow = slow_calls(api, ours, MOST_UNDER_WAY, opened)
        refused = answered(ours, 429)
        assert refused.headers["Retry-After"] == "5"
        assert f"{MOST_OF_ONE} requests of yours" in refused.json()["error"]["message"]
        other.contribute({"id": "GB", "name": "n", "entity": {}})  # by another third party
        for call in slow:
            call.close()
        answered(ours, 200)


def test_what_an_organizations_contributors_have_under_way_is_bounded(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    with ExitStack() as opened:
        *several, last = (
            opened.enter_context(a_contributor(api, admin, cid=f"c-{number}"))
            for number in range(MOST_UNDER_WAY // MOST_OF_ONE + 2)
        )
        # More than there is room for: who asks whether there is takes some of it meanwhile.
        slow = [call for one in several for call in slow_calls(api, one, MOST_OF_ONE, opened)]
        assert f"{MOST_UNDER_WAY} requests" in answered(last, 429).json()["error"]["message"]
        for call in slow:
            call.close()
        answered(last, 200)


def test_who_waits_for_their_data_connector_keeps_nobody_else_waiting(two_apis: tuple[Api, Api]) -> None:
    """A large session of it is being closed, say. More ask than there are threads, or connections."""
    api, _ = two_apis
    ours, theirs = api.organization(), api.organization()
    with api.client(api.key(ours)) as us, api.client(api.key(theirs)) as them, ExitStack() as opened:
        an_entity_type(Somebody(ours, us))
        contributors = [
            opened.enter_context(a_contributor(api, Somebody(ours, us), cid=f"c-{number}"))
            for number in range(MOST_UNDER_WAY // MOST_OF_ONE)
        ]
        threads = opened.enter_context(ThreadPoolExecutor(MANY))
        asking: list[Future[httpx.Response]] = []
        with writing(api.installation.deployment.control) as closing:
            entity = find_entity_type(closing, ours, "country")
            for connector in list_data_connectors(closing, entity):
                lock_data_connector(closing, connector.id)
            for one in contributors * (MANY // len(contributors)):
                asking.append(threads.submit(one.http.get, f"{one.base}/open/stream"))
            time.sleep(1)  # they are under way
            answers = [them.get("/v1/entity").status_code for _ in range(20)]
            assert sum(not one.done() for one in asking) == MOST_UNDER_WAY
        assert answers == [200] * 20
        assert Counter(one.result().status_code for one in asking) == {
            200: MOST_UNDER_WAY,
            429: MANY - MOST_UNDER_WAY,
        }
