"""Connectors over the API: made, shown without secrets, replaced, moved, deleted."""

import json
from typing import Any

import pytest

from export_pipeline_tests.api.conftest import BUCKET, Api, Somebody

CONNECTORS = "/api/v1/connectors"


def test_a_connector_is_made_and_shown_and_its_secret_is_not(admin: Somebody) -> None:
    made = admin.post(CONNECTORS, json={"name": "lake", "config": BUCKET})

    assert made.status_code == 201
    assert made.headers["Location"] == f"{CONNECTORS}/lake"
    document = made.json()
    assert (document["type"], document["state"]) == ("s3", "STARTING")
    assert document["config"]["bucket"] == "acme-exports"
    shown = admin.get(f"{CONNECTORS}/lake")
    assert shown.json() == document
    assert shown.headers["ETag"] == made.headers["ETag"]
    listed = admin.get(CONNECTORS)
    assert [one["name"] for one in listed.json()["connectors"]] == ["direct_download", "lake"]
    assert "hunter2" not in made.text + shown.text + listed.text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"bucket": "s3://acme"}, "config.bucket"),
        ({"type": "ftp"}, "config.type"),
        ({"secret": "hunter3"}, "config.secret"),
        ({"secret_access_key": {"hunter3": "hunter4"}}, "config.secret_access_key"),
        ({"prefix": "\0"}, ""),
    ],
    ids=str,
)
def test_what_is_wrong_is_named_without_a_secret(
    admin: Somebody, changes: dict[str, Any], field: str
) -> None:
    refused = admin.post(CONNECTORS, json={"name": "lake", "config": {**BUCKET, **changes}})

    assert refused.status_code == 400
    assert [fault["field"] for fault in refused.json()["faults"]] == [field]
    assert "hunter" not in refused.text
    listed = admin.get(CONNECTORS).json()["connectors"]
    assert [one["name"] for one in listed] == ["direct_download"]


def test_half_a_pair_is_no_character(admin: Somebody) -> None:
    body = json.dumps({"name": "lake", "config": {**BUCKET, "prefix": "\ud800"}})
    refused = admin.post(CONNECTORS, content=body, headers={"Content-Type": "application/json"})
    assert refused.status_code == 400
    assert "a character that is none" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"type": "folder", "path": "/srv/exports"}, "for operators"),
        ({"type": "s3", "bucket": "acme"}, "our own identity is for operators"),
        ({"type": "direct_download", "store": {"type": "folder", "path": "/srv"}}, "for the operator to say"),
    ],
    ids=["folder", "own-identity", "direct-download"],
)
def test_what_is_the_operators_is_not_for_customers(
    admin: Somebody, config: dict[str, Any], says: str
) -> None:
    refused = admin.post(CONNECTORS, json={"name": "lake", "config": config})
    assert refused.status_code == 400
    assert says in refused.json()["detail"]

    admin.lake()
    replaced = admin.put(f"{CONNECTORS}/lake", json={"config": config})
    assert replaced.status_code == 400
    assert admin.get(f"{CONNECTORS}/lake").json()["type"] == "s3"


def test_a_secret_that_is_left_out_is_kept_for_the_same_address_only(admin: Somebody) -> None:
    admin.lake()
    rest = {name: value for name, value in BUCKET.items() if name != "secret_access_key"}

    kept = admin.put(f"{CONNECTORS}/lake", json={"config": {**rest, "prefix": "hourly"}})
    elsewhere = admin.put(
        f"{CONNECTORS}/lake", json={"config": {**rest, "endpoint_url": "http://127.0.0.1:10"}}
    )

    assert kept.status_code == 200
    assert kept.json()["config"]["prefix"] == "hourly"
    assert elsewhere.status_code == 400
    assert elsewhere.json()["faults"][0]["field"] == "config.secret_access_key"


def test_it_is_moved_from_state_to_state_and_told_what_can_be_done(admin: Somebody) -> None:
    admin.lake()

    failed = admin.post(f"{CONNECTORS}/lake/fail", json={"reason": "The bucket is being moved."})
    assert (failed.json()["state"], failed.json()["reason"]) == ("FAILED", "The bucket is being moved.")
    refused = admin.post(f"{CONNECTORS}/lake/start")
    assert refused.status_code == 409
    assert "what can be done: replace, stop, fail, delete" in refused.json()["detail"]
    assert admin.post(f"{CONNECTORS}/lake/stop").json()["state"] == "STOPPED"
    assert admin.post(f"{CONNECTORS}/lake/start").json()["state"] == "STARTING"
    assert admin.delete(f"{CONNECTORS}/lake").status_code == 200
    assert admin.get(f"{CONNECTORS}/lake").status_code == 404


def test_one_that_is_used_is_not_deleted(admin: Somebody) -> None:
    admin.lake()
    admin.export()

    refused = admin.delete(f"{CONNECTORS}/lake")

    assert refused.status_code == 409
    assert "events" in refused.json()["detail"]
    assert admin.get(f"{CONNECTORS}/lake").json()["exports"] == ["events"]


def test_a_name_is_taken_once(admin: Somebody) -> None:
    admin.lake()
    assert admin.post(CONNECTORS, json={"name": "lake", "config": BUCKET}).status_code == 409


def test_nothing_is_changed_that_was_changed_since_it_was_seen(admin: Somebody) -> None:
    admin.lake()
    seen = admin.get(f"{CONNECTORS}/lake").headers["ETag"]
    changed = admin.put(f"{CONNECTORS}/lake", json={"config": {**BUCKET, "prefix": "a"}}).headers["ETag"]

    late = {"If-Match": seen}
    refused = admin.put(f"{CONNECTORS}/lake", json={"config": {**BUCKET, "prefix": "b"}}, headers=late)
    assert (refused.status_code, admin.delete(f"{CONNECTORS}/lake", headers=late).status_code) == (412, 412)
    assert admin.get(f"{CONNECTORS}/lake").json()["config"]["prefix"] == "a"
    assert admin.post(f"{CONNECTORS}/lake/fail", json={}).status_code == 200
    assert admin.get(f"{CONNECTORS}/lake").headers["ETag"] == changed  # its configuration is the same
    assert admin.delete(f"{CONNECTORS}/lake", headers={"If-Match": f'"x", {changed}'}).status_code == 200


def test_who_may_only_look_changes_nothing(api: Api, admin: Somebody) -> None:
    admin.lake()
    with api.client(api.key(admin.organization, "connectors:view")) as http:
        assert http.get(f"{CONNECTORS}/lake").status_code == 200
        assert http.delete(f"{CONNECTORS}/lake").status_code == 403
        assert http.post(f"{CONNECTORS}/lake/check").status_code == 403
    with api.client(api.key(admin.organization, "exports:edit")) as http:
        assert http.get(CONNECTORS).status_code == 403


def test_what_is_always_there_shows_nothing_of_the_operators(api: Api) -> None:
    with api.client(api.key("default", "connectors:view")) as http:
        shown = http.get(f"{CONNECTORS}/direct_download")

    assert shown.json()["config"] is None
    assert str(api.installation.folder) not in shown.text


def test_the_pages_of_a_list_are_all_of_it(admin: Somebody) -> None:
    for name in ("cc", "aa", "bb"):
        admin.lake(name)

    first = admin.get(CONNECTORS, params={"limit": 2}).json()
    second = admin.get(CONNECTORS, params={"limit": 2, "cursor": first["next"]}).json()

    names = [one["name"] for page in (first, second) for one in page["connectors"]]
    assert (names, second["next"]) == (["aa", "bb", "cc", "direct_download"], None)
    assert admin.get(CONNECTORS, params={"cursor": "x"}).status_code == 400
    assert admin.get(CONNECTORS, params={"limit": 0}).status_code == 400
