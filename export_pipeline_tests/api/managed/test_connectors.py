"""Connectors are made, edited, shown, moved and deleted in the document's words; no store is asked here."""

import httpx
import pytest

from export_pipeline.store.connectors import find_connector
from export_pipeline.store.database import reading
from export_pipeline_tests.api.conftest import Api, Somebody
from export_pipeline_tests.api.managed.payloads import CONFIGS, KEY, a_payload

LAKE = "/connectors/acme-lake"


def put(admin: Somebody, path: str, **given: object) -> httpx.Response:
    return admin.http.request("PUT", path, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("storage_type", CONFIGS)
def test_a_connector_is_made_shown_edited_and_deleted(admin: Somebody, storage_type: str) -> None:
    payload = a_payload(storage_type)
    answers = [admin.post(LAKE, json=payload)]
    assert answers[0].status_code == 201
    made = answers[0].json()
    assert (made["name"], made["storage_type"], made["state"]) == ("acme-lake", storage_type, "STARTING")

    answers += [admin.get(LAKE), admin.get("/connectors"), put(admin, LAKE, json=payload)]
    assert answers[1].json() == made
    assert [one["name"] for one in answers[2].json()] == ["acme-lake", "direct_download"]
    assert (answers[3].status_code, answers[3].json()["state"]) == (200, "STARTING")
    answers += [admin.post(LAKE, json=payload)]
    assert answers[-1].status_code == 409
    answers += [admin.http.delete(LAKE)]
    assert (answers[-1].status_code, answers[-1].content) == (204, b"")
    assert admin.get(LAKE).status_code == 404
    for answer in answers:
        assert "secret" not in answer.text
        assert KEY not in answer.text


def test_the_connector_becomes_one_of_another_kind(admin: Somebody) -> None:
    admin.post(LAKE, json=a_payload("AmazonS3"))

    for kind in ("AzureStorage", "HttpData", "AmazonS3"):
        edited = put(admin, LAKE, json=a_payload(kind)).json()
        assert (edited["storage_type"], edited["state"]) == (kind, "STARTING")


def test_data_that_waits_with_us_tells_nothing_of_where(api: Api, admin: Somebody) -> None:
    made = admin.post(LAKE, json={"storage_type": "HttpData", "storage_config": {}})

    assert made.status_code == 201
    assert (made.json()["storage_type"], made.json()["storage_config"]) == ("HttpData", {})
    with reading(api.installation.deployment.control) as connection:
        assert find_connector(connection, admin.organization, "acme-lake").type == "direct_download"
    assert put(admin, LAKE, json=a_payload()).json()["storage_type"] == "AmazonS3"
    assert admin.http.delete(LAKE).status_code == 204


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_it_is_moved_from_state_to_state_by_either_method(admin: Somebody, method: str) -> None:
    admin.post(LAKE, json=a_payload())

    def move(to: str) -> httpx.Response:
        return admin.http.request(method, f"{LAKE}/{to}")

    assert move("start").status_code == 409
    assert move("start").json()["allowed"] == ["replace", "stop", "fail", "delete"]
    assert move("stop").json()["state"] == "STOPPED"
    assert move("stop").status_code == 409
    assert move("start").json()["state"] == "STARTING"
    assert move("fail").json()["state"] == "FAILED"
    assert move("fail").json()["state"] == "FAILED"
    refused = move("start")
    assert (refused.status_code, refused.json()["allowed"]) == (409, ["stop", "fail", "delete"])
    assert admin.get(LAKE).json()["reason"].startswith("It was failed by hand; stop it, and start it")
    assert put(admin, LAKE, json=a_payload()).json()["allowed"] == ["stop", "fail", "delete"]
    assert move("stop").json()["state"] == "STOPPED"
    assert put(admin, LAKE, json=a_payload()).json()["state"] == "STARTING"
    move("fail")
    assert admin.http.delete(LAKE).status_code == 204


def test_who_may_only_look_moves_nothing_by_get_either(api: Api, admin: Somebody) -> None:
    admin.post(LAKE, json=a_payload())

    with api.client(api.key(admin.organization, "connectors:view")) as http:
        assert http.get(LAKE).status_code == 200
        for path in ("start", "stop", "fail"):
            assert http.get(f"{LAKE}/{path}").status_code == 403
        assert http.post("/connectors/other", json=a_payload()).status_code == 403
        assert http.put(LAKE, json=a_payload()).status_code == 403
        assert http.delete(LAKE).status_code == 403
        assert http.get(LAKE).json()["state"] == "STARTING"


def test_anothers_connector_is_not_there(api: Api, admin: Somebody) -> None:
    admin.post(LAKE, json=a_payload())

    with api.client(api.key(api.organization())) as other:
        assert [one["name"] for one in other.get("/connectors").json()] == ["direct_download"]
        for path in (LAKE, f"{LAKE}/start", f"{LAKE}/stop", f"{LAKE}/fail"):
            assert other.get(path).status_code == 404
            assert other.put(path, json=a_payload()).status_code == 404
        assert other.delete(LAKE).status_code == 404
        assert other.post(LAKE, json=a_payload()).status_code == 201


def test_what_is_always_there_is_shown_and_left_alone(api: Api) -> None:
    with api.client(api.key("default")) as http:
        shown = http.get("/connectors/direct_download").json()
        assert (shown["storage_type"], shown["storage_config"]) == ("HttpData", {})
        assert http.get("/connectors/direct_download/stop").status_code == 400


def test_without_a_key_nobody_is_let_in(api: Api) -> None:
    assert httpx.get(f"{api.url}/connectors").status_code == 401
    assert httpx.get(f"{api.url}{LAKE}/stop").status_code == 401
