"""Keys are taken as each document says, and nobody sees what is another's."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from export_pipeline.control.keys import create_key
from export_pipeline.store.api_keys import expire_key
from export_pipeline.store.database import writing
from export_pipeline_tests.api.botify.asking import a_job
from export_pipeline_tests.api.conftest import Api, Somebody, serving

KEYS = "/api/v1/keys"

OUTPUT = {"bucketName": "acme-exports", "accessKey": "writer", "secretKey": "hunter2"}


@pytest.mark.parametrize(
    "given",
    [
        {"headers": {"X-Api-Key": "{key}"}},
        {"headers": {"Authorization": "Bearer {key}"}},
        {"headers": {"Authorization": "bearer  {key}"}},
        {"headers": {"Authorization": "Token {key}"}},
        {"headers": {"x-bbk-auth-token": "{key}"}},
        {"params": {"X-Api-Key": "{key}"}},
    ],
    ids=["x-api-key", "bearer", "spaces", "token", "bbk", "query"],
)
def test_a_key_is_taken_as_each_document_says(api: Api, given: dict[str, dict[str, str]]) -> None:
    key = api.key(api.organization())
    filled = {kind: {n: v.format(key=key) for n, v in fields.items()} for kind, fields in given.items()}

    assert httpx.get(api.url + KEYS, **filled).status_code == 200  # type: ignore[arg-type]


@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic dTpw", "Bearer ep-guessed", "ep-x"])
def test_without_a_valid_key_nobody_is_let_in(api: Api, authorization: str) -> None:
    answer = httpx.get(api.url + KEYS, headers={"Authorization": authorization})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "API key" in answer.json()["detail"]
    assert "guessed" not in answer.text


def test_an_expired_key_and_a_revoked_one_are_refused(api: Api) -> None:
    organization = api.organization()
    with writing(api.installation.deployment.control) as connection:
        new = create_key(connection, organization=organization, privileges=["admin"], name="old")
        expire_key(connection, new.key.id, datetime.now(UTC) - timedelta(seconds=1))
    with api.client(new.text) as http:
        assert "expired" in http.get(KEYS).json()["detail"]

    key = api.key(organization)
    with api.client(key) as http:
        (own,) = [one for one in http.get(KEYS).json()["keys"] if one["name"] == "test"]
        assert http.delete(f"{KEYS}/{own['id']}").json()["revoked_at"]
        refused = http.get(KEYS)
    assert refused.status_code == 401
    assert "revoked" in refused.json()["detail"]


def test_without_the_privilege_it_is_forbidden(api: Api) -> None:
    with api.client(api.key(api.organization(), "exports:edit", "connectors:view")) as http:
        refused = http.get(KEYS)

    assert refused.status_code == 403
    assert "does not allow admin" in refused.json()["detail"]


def test_anothers_thing_is_not_there(api: Api, admin: Somebody) -> None:
    with api.client(api.key(api.organization())) as other:
        (theirs,) = other.get(KEYS).json()["keys"]

    assert admin.get(f"{KEYS}/{theirs['id']}").status_code == 404


def test_a_key_works_where_it_was_given_and_nowhere_else(api: Api) -> None:
    home, other, foreign = api.organization(), api.organization(), api.organization()
    key = api.key(home, also=[other])

    for organization, status in ((home, 200), (other, 200), (foreign, 404), ("nobody", 404)):
        with api.client(key, **{"X-Tenant-Org-Id": organization}) as http:
            assert http.get(KEYS).status_code == status
    with api.client(key) as http:
        assert http.get(KEYS, params={"org": foreign}).status_code == 404
        assert len(http.get(KEYS).json()["keys"]) == 1


@pytest.mark.parametrize("list_", ["/v1/jobs?size=1", "/v1/analytics/outputs/s3?limit=1"])
def test_lists_lead_to_their_next_pages_where_clients_are_and_by_no_key(
    api: Api, tmp_path: Path, list_: str
) -> None:
    """Behind a proxy that takes a part of the path away, and of a client whose key is in the address."""
    organization = api.organization()
    key = api.key(organization)
    outside = "https://exports.example.com/ep"
    with serving(api.installation, tmp_path / "log", EXPORT_PIPELINE_API_URL=outside) as url:
        behind = Api(url, api.installation, tmp_path / "log")
        with behind.client(key) as http:
            who = Somebody(organization, http)
            for _ in range(2):
                assert who.post("/v1/jobs", json=a_job(who)).status_code == 201
                assert who.post("/v1/analytics/outputs/s3", json=OUTPUT).status_code == 201
        first = httpx.get(f"{url}{list_}&X-Api-Key={key}").json()
        next_ = first["next"] if "next" in first else first["data"]["result"]["next"]

        assert next_.startswith(f"{outside}{list_.partition('?')[0]}?")
        assert key not in next_
        second = httpx.get(next_.replace(outside, url), headers={"X-Api-Key": key})
        assert second.status_code == 200
