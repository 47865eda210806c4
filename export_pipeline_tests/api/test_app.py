"""The application as a whole: addresses that are none, and what it says of itself."""

import httpx

from export_pipeline_tests.api.conftest import Api


def test_an_address_that_is_none_says_where_those_are_listed(api: Api) -> None:
    refused = httpx.get(f"{api.url}/api/v1/nothing")

    assert refused.status_code == 404
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert "/docs" in refused.json()["detail"]


def test_a_method_that_an_address_does_not_take_is_said(api: Api) -> None:
    refused = httpx.put(f"{api.url}/api/v1/keys")

    assert refused.status_code == 405
    assert "PUT" in refused.json()["detail"]
    assert refused.headers["Allow"]


def test_it_lives_and_is_ready_without_a_key(api: Api) -> None:
    assert httpx.get(f"{api.url}/healthz").json() == {"status": "alive"}
    assert httpx.get(f"{api.url}/readyz").json()["control_database"] == "up"


def test_it_describes_itself(api: Api) -> None:
    document = httpx.get(f"{api.url}/openapi.json").json()

    assert "/api/v1/keys" in document["paths"]
    assert httpx.get(f"{api.url}/docs").is_success
