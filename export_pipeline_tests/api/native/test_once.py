"""A creation that is asked for again under the same Idempotency-Key makes nothing more."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from export_pipeline.store.database import reading
from export_pipeline.store.schema import ANSWERS
from export_pipeline_tests.api.conftest import BUCKET, DEFINITION, Api, Somebody

MINE = {"Idempotency-Key": "mine-1"}
CONNECTOR = {"name": "lake", "config": BUCKET}


@pytest.mark.parametrize(
    ("path", "asked", "listed"),
    [
        ("connectors", {"name": "pond", "config": BUCKET}, "connectors"),
        ("exports", {"name": "events", "connector": "lake", "definition": DEFINITION}, "exports"),
        ("filters", {"name": "big", "text": "amount > 5"}, "filters"),
        (
            "tasks",
            {"export": "past", "since": "2026-01-05T01:00:00Z", "until": "2026-01-05T02:00:00Z"},
            "tasks",
        ),
    ],
)
def test_the_same_again_is_answered_as_the_first_time(
    admin: Somebody, path: str, asked: dict[str, object], listed: str
) -> None:
    admin.lake()
    admin.export("past")
    before = len(admin.get(f"/api/v1/{path}").json()[listed])

    first = admin.post(f"/api/v1/{path}", json=asked, headers=MINE)
    again = admin.post(f"/api/v1/{path}", json=asked, headers=MINE)

    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert again.json() == first.json()
    for header in ("Location", "ETag"):
        assert again.headers.get(header) == first.headers.get(header)
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    assert len(admin.get(f"/api/v1/{path}").json()[listed]) == before + 1


def test_another_request_under_the_same_key_is_refused(admin: Somebody) -> None:
    admin.post("/api/v1/filters", json={"name": "a", "text": "true"}, headers=MINE)

    other_body = admin.post("/api/v1/filters", json={"name": "b", "text": "true"}, headers=MINE)
    other_address = admin.post("/api/v1/connectors", json=CONNECTOR, headers=MINE)

    assert (other_body.status_code, other_address.status_code) == (409, 409)
    assert "was used for another request; use a new one" in other_body.json()["detail"]
    assert [one["name"] for one in admin.get("/api/v1/filters").json()["filters"]] == ["a"]


def test_what_was_refused_may_be_asked_for_again(admin: Somebody) -> None:
    asked = {"name": "events", "connector": "lake", "definition": DEFINITION}
    assert admin.post("/api/v1/exports", json=asked, headers=MINE).status_code == 400
    admin.lake()
    assert admin.post("/api/v1/exports", json=asked, headers=MINE).status_code == 201


def test_of_many_at_once_one_makes_it_and_all_are_told(admin: Somebody) -> None:
    def ask(_number: int) -> tuple[int, str]:
        answer = admin.post("/api/v1/connectors", json=CONNECTOR, headers=MINE)
        return answer.status_code, answer.json()["id"]

    with ThreadPoolExecutor(8) as pool:
        answers = {*pool.map(ask, range(16))}

    ((status, id_),) = answers
    assert status == 201
    listed = admin.get("/api/v1/connectors").json()["connectors"]
    assert [one["id"] for one in listed if one["name"] != "direct_download"] == [id_]


def test_anothers_key_of_the_same_name_is_another(api: Api, admin: Somebody) -> None:
    asked = {"name": "a", "text": "true"}
    assert admin.post("/api/v1/filters", json=asked, headers=MINE).status_code == 201
    with api.client(api.key(admin.organization)) as http:
        assert http.post("/api/v1/filters", json=asked, headers=MINE).status_code == 409


def test_the_text_of_a_key_is_shown_once_all_the_same(api: Api, admin: Somebody) -> None:
    asked = {"name": "nightly", "privileges": ["exports:view"]}
    first = admin.post("/api/v1/keys", json=asked, headers=MINE)
    again = admin.post("/api/v1/keys", json=asked, headers=MINE)

    assert (first.status_code, again.status_code) == (201, 409)
    assert "shown once" in again.json()["detail"]
    assert first.json()["key"] not in again.text
    assert [one["name"] for one in admin.get("/api/v1/keys").json()["keys"]] == ["test", "nightly"]
    admin.post("/api/v1/connectors", json=CONNECTOR, headers={"Idempotency-Key": "mine-2"})
    with reading(api.installation.deployment.control) as connection:
        kept = str(connection.execute(sa.select(ANSWERS)).all())
    assert first.json()["key"] not in kept
    assert "hunter2" not in kept


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
def test_what_is_no_key_is_refused(admin: Somebody, key: str) -> None:
    asked = {"name": "a", "text": "true"}
    refused = admin.post("/api/v1/filters", json=asked, headers={"Idempotency-Key": key})
    assert refused.status_code == 400
    assert refused.json()["faults"][0]["field"].lower() == "idempotency-key"
