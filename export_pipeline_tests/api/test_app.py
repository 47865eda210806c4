"""The application as a whole: addresses that are none, and what it says of itself."""

import json
import re
import tracemalloc
from typing import Any

import anyio
import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Send

from export_pipeline.api.app import application
from export_pipeline.api.requests import MOST_BYTES
from export_pipeline.errors import TooManyRequests
from export_pipeline_tests.api.conftest import Api, Somebody


def test_an_address_that_is_none_says_where_those_are_listed(api: Api) -> None:
    refused = httpx.get(f"{api.url}/api/v1/nothing")

    assert refused.status_code == 404
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert "/docs" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/v1/keys", "GET, POST"),
        ("/api/v1/exports/events", "DELETE, GET, PUT"),
        ("/v1/jobs", "GET, POST"),
        ("/v1/analytics/outputs/s3/", "GET, POST"),
        ("/connectors/lake/start", "GET, PUT"),
        ("/healthz", "GET, HEAD"),
    ],
)
def test_a_method_that_an_address_does_not_take_is_said_and_all_that_it_takes(
    api: Api, path: str, allowed: str
) -> None:
    refused = httpx.patch(f"{api.url}{path}")

    assert refused.status_code == 405
    assert f"does not take PATCH; it takes {allowed}" in refused.text
    assert refused.headers["Allow"] == allowed


def test_it_lives_and_is_ready_without_a_key(api: Api) -> None:
    assert httpx.get(f"{api.url}/healthz").json() == {"status": "alive"}
    assert httpx.get(f"{api.url}/readyz").json()["control_database"] == "up"


def test_it_describes_itself(api: Api) -> None:
    document = httpx.get(f"{api.url}/openapi.json").json()

    assert "/api/v1/keys" in document["paths"]
    assert httpx.get(f"{api.url}/docs").is_success


async def answers(application: ASGIApp, path: str, receive: Receive, send: Send, key: str) -> None:
    headers = [(b"authorization", f"Bearer {key}".encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    await application(scope, receive, send)


TOO_LARGE = [bytes(MOST_BYTES), b"one more"]
MISTAKEN = [json.dumps({"name": "x" * (MOST_BYTES - 100), "export": 1, "job_type": 1}).encode()]
NO_JSON = [b'"' * MOST_BYTES]


@pytest.mark.parametrize("path", ["/api/v1/keys", "/connectors/lake", "/v1/jobs"])
@pytest.mark.parametrize(("pieces", "status"), [(TOO_LARGE, 413), (MISTAKEN, 400), (NO_JSON, 400)])
def test_nothing_is_kept_of_a_body_that_is_refused_while_its_answer_waits_to_be_taken(
    api: Api, path: str, pieces: list[bytes], status: int
) -> None:
    key = api.key(api.organization())
    kept: dict[int, int] = {}
    coming: list[bytes] = []

    async def receive() -> Message:
        # Copies, which nobody here keeps.
        piece = coming.pop(0)
        return {"type": "http.request", "body": bytes(bytearray(piece)), "more_body": bool(coming)}

    async def send(message: Message) -> None:
        await anyio.sleep(0.1)  # until the threads have let go of what they did
        kept.setdefault(message.get("status", 0), tracemalloc.get_traced_memory()[0])

    served = application(api.installation.deployment)
    for sent in ([b"{}"], pieces):  # the first, for what is made once
        coming.extend(sent)
        kept.clear()
        tracemalloc.start()
        try:
            anyio.run(answers, served, path, receive, send, key)
        finally:
            tracemalloc.stop()

    assert kept[status] < MOST_BYTES * 3 / 4


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/keys",
        "/connectors/lake",
        "/v1/jobs",
        "/v1/analytics/outputs/s3",
        "/rest/ua/v15/exports",
        "/v1/entity/country",
    ],
)
def test_nothing_is_seen_of_a_body_before_the_key(api: Api, path: str) -> None:
    pieces = [b"{", b"no JSON"]
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send(message: Message) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    anyio.run(answers, application(api.installation.deployment), path, receive, send, "unknown")

    assert statuses == [401]


def test_who_was_refused_before_the_body_came_stays_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minute may begin meanwhile, or the database come back: nothing is done then without the body."""
    key = api.key(api.organization())
    served = application(api.installation.deployment)
    statuses: list[int] = []
    refusals = iter([TooManyRequests("too many", wait=1)])

    def take(_key: str) -> None:
        for refusal in refusals:
            raise refusal

    async def receive() -> Message:
        return {"type": "http.request", "body": b'{"name": "nightly"}', "more_body": False}

    async def send(message: Message) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    monkeypatch.setattr(served.state.limits, "take", take)
    for _ in range(2):
        anyio.run(answers, served, "/api/v1/keys", receive, send, key)

    assert statuses == [429, 400]


@pytest.mark.parametrize(
    "mistaken", [{"privileges": [0] * 49_000}, {f"k{number}": {} for number in range(49_000)}]
)
def test_of_more_mistakes_than_anybody_reads_it_is_told_how_many_there_are(
    admin: Somebody, mistaken: dict[str, Any]
) -> None:
    refused = admin.post("/api/v1/keys", json={"name": "nightly", **mistaken})

    assert refused.status_code == 400
    assert re.search(r"the body holds 49,00[01] mistakes; correct", refused.json()["detail"])
    assert len(refused.content) < 2_000
