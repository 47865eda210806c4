"""Who changed what, over the API."""

from export_pipeline_tests.api.conftest import BUCKET, Api, Somebody


def test_every_change_says_who_made_it_and_by_which_request(admin: Somebody) -> None:
    asked = {"name": "lake", "config": BUCKET}
    made = admin.post("/api/v1/connectors", json=asked, headers={"X-Request-ID": "mine-1"})
    assert made.status_code == 201
    admin.put("/api/v1/connectors/lake", json={"config": {**BUCKET, "prefix": "a"}})
    admin.delete("/api/v1/connectors/lake")

    log = admin.get("/api/v1/audit")

    deleted, replaced, created, *_ = log.json()["entries"]
    assert (created["action"], created["subject"], created["before"]) == ("connector.create", "lake", None)
    assert (created["actor_kind"], created["actor_name"], created["request_id"]) == ("key", "test", "mine-1")
    assert replaced["before"] == created["after"]
    assert replaced["after"]["config"]["prefix"] == "a"
    assert deleted["after"] is None
    assert "hunter2" not in log.text


def test_the_operators_changes_are_told_from_those_by_key(admin: Somebody) -> None:
    entries = admin.get("/api/v1/audit").json()["entries"]
    assert [(one["action"], one["actor_kind"], one["actor_id"]) for one in entries] == [
        ("key.create", "user", None),
        ("organization.create", "user", None),
    ]


def test_the_log_is_for_administrators_and_read_in_pages(api: Api, admin: Somebody) -> None:
    for name in ("a", "b", "c"):
        admin.post("/api/v1/filters", json={"name": name, "text": "true"})
    with api.client(api.key(admin.organization, "exports:edit", "connectors:edit")) as http:
        assert http.get("/api/v1/audit").status_code == 403

    first = admin.get("/api/v1/audit", params={"limit": 2}).json()
    rest = admin.get("/api/v1/audit", params={"cursor": first["next"]}).json()

    assert [one["subject"] for one in first["entries"]][1] == "c"
    assert [one["subject"] for one in rest["entries"]][:2] == ["b", "a"]
    only = admin.get("/api/v1/audit", params={"subject": "b"}).json()["entries"]
    assert [one["action"] for one in only] == ["filter.create"]
