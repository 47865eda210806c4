"""The face's refusals: a message, a type, and the request's id."""

import httpx
import pytest

from export_pipeline_tests.api.coveo.conftest import EXPORTS, Client


@pytest.mark.parametrize(
    ("method", "path", "status", "type_"),
    [
        ("GET", f"{EXPORTS}/00000000-0000-0000-0000-000000000000", 404, "NotFound"),
        ("GET", "/rest/v15/nothing", 404, "NotFound"),
        ("PATCH", EXPORTS, 405, "MethodNotAllowed"),
        ("POST", f"{EXPORTS}/create", 400, "InvalidJson"),
    ],
)
def test_a_refusal_has_a_message_and_a_type(
    coveo: Client, method: str, path: str, status: int, type_: str
) -> None:
    headers = {"Content-Type": "application/json"}
    refused = coveo.http.request(method, path, headers=headers, content=b"{" if method == "POST" else None)

    assert refused.status_code == status, refused.text
    document = refused.json()
    assert (document["type"], document["requestId"]) == (type_, refused.headers["X-Request-ID"])
    assert document["message"]


def test_without_a_key_nothing_is_shown(coveo: Client) -> None:
    refused = httpx.get(f"{coveo.api.url}{EXPORTS}")

    assert (refused.status_code, refused.json()["type"]) == (401, "InvalidToken")


def test_an_organization_that_is_not_the_keys_is_not_found(coveo: Client) -> None:
    assert coveo.http.get(EXPORTS, params={"org": coveo.organization}).status_code == 200
    assert coveo.http.get(EXPORTS, params={"org": "another"}).status_code == 404
