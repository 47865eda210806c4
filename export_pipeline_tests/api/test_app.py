"""The application as a whole: addresses that are none, and what it says of itself."""

import sys
from typing import Any

import anyio
import httpx
import pytest

from export_pipeline.api.app import application
from export_pipeline.api.requests import MOST_BYTES
from export_pipeline_tests.api.conftest import Api


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


@pytest.mark.parametrize("path", ["/api/v1/keys", "/connectors/lake", "/v1/jobs"])
def test_nothing_is_kept_of_a_body_that_is_refused_while_its_answer_waits_to_be_taken(
    api: Api, path: str
) -> None:
    key = api.key(api.organization())
    piece = bytes(MOST_BYTES)
    kept: dict[int, int] = {}
    pieces = iter([piece, b"one more"])

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": next(pieces), "more_body": True}

    async def send(message: Any) -> None:
        kept.setdefault(message.get("status"), sys.getrefcount(piece) - before)

    headers = [(b"authorization", f"Bearer {key}".encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    before = sys.getrefcount(piece)
    anyio.run(application(api.installation.deployment), scope, receive, send)

    assert kept[413] == 0
