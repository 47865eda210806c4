"""Two processes serve one installation: nothing is kept in either."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import Any

import httpx
import pytest

from export_pipeline_tests.api.conftest import BUCKET, DEFINITION, Api


class Alternately:
    """A client that asks the one and the other in turn."""

    def __init__(self, clients: list[httpx.Client]) -> None:
        self._turns = cycle(clients)

    def __call__(self, method: str, path: str, **given: Any) -> httpx.Response:
        return next(self._turns).request(method, f"/api/v1/{path}", **given)


@pytest.fixture
def clients(two_apis: tuple[Api, Api]) -> Iterator[list[httpx.Client]]:
    one, another = two_apis
    key = one.key(one.organization())
    with one.client(key) as first, another.client(key) as second:
        yield [first, second]


def test_one_story_is_told_by_both(clients: list[httpx.Client]) -> None:
    ask = Alternately(clients)
    mine = {"Idempotency-Key": "mine"}
    connector = {"name": "lake", "config": BUCKET}

    made = ask("POST", "connectors", json=connector, headers=mine)
    again = ask("POST", "connectors", json=connector, headers=mine)
    assert (made.status_code, again.status_code, again.json()) == (201, 201, made.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    etag = ask("GET", "connectors/lake").headers["ETag"]
    changed = {"config": {**BUCKET, "prefix": "hourly"}}
    assert ask("PUT", "connectors/lake", json=changed, headers={"If-Match": etag}).status_code == 200
    assert ask("PUT", "connectors/lake", json=changed, headers={"If-Match": etag}).status_code == 412

    asked = {"name": "events", "connector": "lake", "definition": DEFINITION}
    assert ask("POST", "exports", json=asked).status_code == 201
    assert ask("POST", "exports", json=asked).status_code == 409
    range_ = {"export": "events", "since": "2026-01-05T01:00:00Z", "until": "2026-01-05T02:00:00Z"}
    ids = [ask("POST", "tasks", json=range_).json()["id"] for _ in range(5)]
    found, cursor = [], None
    while True:
        page = ask("GET", "tasks", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        found += [one["id"] for one in page["tasks"]]
        if (cursor := page["next"]) is None:
            break
    assert found == ids[::-1]
    assert ask("POST", f"tasks/{ids[0]}/cancel").json()["status"] == "ERROR"
    assert ask("GET", f"tasks/{ids[0]}").json()["status"] == "ERROR"

    key = ask("POST", "keys", json={"name": "nightly", "privileges": ["exports:view"]}).json()
    theirs = {"Authorization": f"Bearer {key['key']}"}
    assert ask("GET", "exports", headers=theirs).status_code == 200
    assert ask("DELETE", f"keys/{key['id']}").status_code == 200
    assert {ask("GET", "exports", headers=theirs).status_code for _ in range(2)} == {401}
    assert len(ask("GET", "audit").json()["entries"]) >= 12


def test_of_many_at_once_in_both_one_makes_it(clients: list[httpx.Client]) -> None:
    mine = {"Idempotency-Key": "mine"}

    def ask(number: int) -> tuple[int, str]:
        asked = {"name": "lake", "config": BUCKET}
        answer = clients[number % 2].post("/api/v1/connectors", json=asked, headers=mine)
        return answer.status_code, answer.json().get("id", answer.text)

    with ThreadPoolExecutor(8) as pool:
        answers = {*pool.map(ask, range(16))}

    ((status, _id),) = answers
    assert status == 201


def test_of_many_changes_at_once_one_finds_it_as_it_was_seen(clients: list[httpx.Client]) -> None:
    clients[0].post("/api/v1/filters", json={"name": "big", "text": "amount > 0"})
    seen = {"If-Match": clients[1].get("/api/v1/filters/big").headers["ETag"]}

    def ask(number: int) -> int:
        asked = {"text": f"amount > {number + 1}"}
        return clients[number % 2].put("/api/v1/filters/big", json=asked, headers=seen).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(ask, range(8)))

    assert answers == [200] + [412] * 7
