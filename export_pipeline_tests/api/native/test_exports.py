"""Exports over the API: made, shown, paused, resumed, deleted."""

from typing import Any

import pytest

from export_pipeline_tests.api.conftest import DEFINITION, Api, Somebody
from export_pipeline_tests.installations import ROWS_PER_HOUR

EXPORTS = "/api/v1/exports"


def test_an_export_is_made_and_shown(admin: Somebody) -> None:
    admin.lake()
    asked = {"name": "events", "connector": "lake", "definition": DEFINITION}

    made = admin.post(EXPORTS, json=asked)

    assert made.status_code == 201
    assert made.headers["Location"] == f"{EXPORTS}/events"
    document = made.json()
    assert (document["connector"], document["standing"], document["paused"]) == ("lake", True, False)
    assert document["definition"]["format"]["type"] == "csv"
    assert document["waits_for"].startswith("the connector") or document["waits_for"]
    shown = admin.get(f"{EXPORTS}/events")
    assert (shown.json(), shown.headers["ETag"]) == (document, made.headers["ETag"])
    assert admin.get(EXPORTS).json() == {"exports": [document], "next": None}
    again = {**asked, "name": "again", "definition": {**document["definition"], "subdirectory": "again"}}
    assert admin.post(EXPORTS, json=again).status_code == 201  # what is shown can be sent


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "Events"}, "name"),
        ({"connector": "pond"}, "connector"),
        ({"standing": "perhaps"}, "standing"),
        ({"definition": {**DEFINITION, "tables": [{"name": "nothing"}]}}, "definition.tables"),
        ({"definition": {**DEFINITION, "format": "xls"}}, "definition.format"),
        ({"definition": {**DEFINITION, "filter": "kind ="}}, "definition.filter"),
        ({"definition": {**DEFINITION, "first_hour": "2026-01-05"}}, "definition.first_hour"),
        ({"definition": {**DEFINITION, "subdirectory": "../.."}}, "definition.path"),
        ({"definition": {**DEFINITION, "owner": 1}}, "definition.owner"),
        ({"definition": []}, "definition"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named_and_nothing_is_made(
    admin: Somebody, changes: dict[str, Any], field: str
) -> None:
    admin.lake()
    asked = {"name": "events", "connector": "lake", "definition": DEFINITION, **changes}

    refused = admin.post(EXPORTS, json=asked)

    assert refused.status_code == 400
    (fault,) = refused.json()["faults"]
    assert fault["field"] == field
    assert admin.get(EXPORTS).json()["exports"] == []


def test_an_export_rests_and_goes_on(admin: Somebody) -> None:
    admin.lake()
    admin.export(definition={"until": None})
    seen = admin.get(f"{EXPORTS}/events").headers["ETag"]

    paused = admin.post(f"{EXPORTS}/events/pause", headers={"If-Match": seen})

    assert paused.json()["paused"] is True
    assert paused.json()["next_hour"] is None
    assert admin.post(f"{EXPORTS}/events/resume", headers={"If-Match": seen}).status_code == 412
    resumed = admin.post(f"{EXPORTS}/events/resume").json()
    assert resumed["paused"] is False
    assert resumed["next_hour"] is not None


def test_a_deleted_export_is_gone(admin: Somebody) -> None:
    admin.lake()
    admin.export()

    assert admin.delete(f"{EXPORTS}/events", headers={"If-Match": '"x"'}).status_code == 412
    assert admin.delete(f"{EXPORTS}/events").status_code == 200
    assert admin.get(f"{EXPORTS}/events").status_code == 404
    assert admin.delete(f"{EXPORTS}/events").status_code == 404


def test_a_name_is_taken_once(admin: Somebody) -> None:
    admin.lake()
    admin.export()
    asked = {"name": "events", "connector": "lake", "definition": DEFINITION}
    assert admin.post(EXPORTS, json=asked).status_code == 409


def test_who_may_only_look_changes_nothing(api: Api, admin: Somebody) -> None:
    admin.lake()
    admin.export()
    with api.client(api.key(admin.organization, "exports:view")) as http:
        assert http.get(f"{EXPORTS}/events").status_code == 200
        assert http.delete(f"{EXPORTS}/events").status_code == 403
        assert http.post(f"{EXPORTS}/events/pause").status_code == 403


def test_another_definition_takes_the_place_of_the_one_that_was_seen(admin: Somebody) -> None:
    admin.lake()
    admin.export()
    seen = {"If-Match": admin.get(f"{EXPORTS}/events").headers["ETag"]}
    other = {"definition": {**DEFINITION, "subdirectory": "events", "format": "parquet"}}

    updated = admin.put(f"{EXPORTS}/events", json=other, headers=seen)

    assert updated.json()["definition"]["format"]["type"] == "parquet"
    assert admin.put(f"{EXPORTS}/events", json=other, headers=seen).status_code == 412
    wrong = admin.put(f"{EXPORTS}/events", json={"definition": {**DEFINITION, "tables": []}})
    assert wrong.json()["faults"][0]["field"] == "definition.tables"


def test_a_dry_run_counts_rows_and_makes_nothing(admin: Somebody) -> None:
    admin.lake()
    asked = {"name": "events", "connector": "lake", "definition": DEFINITION}

    all_ = admin.post(f"{EXPORTS}/dry-run", json=asked)
    one = admin.post(f"{EXPORTS}/dry-run", json={**asked, "until": "2026-01-05T01:00:00Z"})
    none = admin.post(f"{EXPORTS}/dry-run", json={**asked, "since": "2026-01-06T00:00:00Z"})

    assert (all_.status_code, one.status_code) == (200, 200)
    assert (all_.json()["since"], all_.json()["until"]) == ("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z")
    assert one.json()["rows"] == {"events": ROWS_PER_HOUR}
    assert all_.json()["rows"]["events"] > ROWS_PER_HOUR
    (fault,) = none.json()["faults"]
    assert (none.status_code, fault["field"]) == (400, "until")
    assert admin.get(EXPORTS).json()["exports"] == []
    assert admin.post(EXPORTS, json=asked).status_code == 201
    assert admin.post(f"{EXPORTS}/dry-run", json=asked).status_code == 409
    assert [one["action"] for one in admin.get("/api/v1/audit").json()["entries"]].count("export.create") == 1


def test_a_dry_run_refuses_what_making_it_would(admin: Somebody) -> None:
    admin.lake()
    asked = {"name": "events", "connector": "lake", "definition": {**DEFINITION, "filter": "kind ="}}

    tried, made = (admin.post(path, json=asked).json() for path in (f"{EXPORTS}/dry-run", EXPORTS))

    assert tried["faults"] == made["faults"]
