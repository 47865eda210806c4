"""Entity types, in the document's words."""

import pytest

from export_pipeline_tests.api.bitbroker.parties import (
    COUNTRY,
    NOT_FOUND,
    a_contributor,
    an_entity_type,
    mistakes,
)
from export_pipeline_tests.api.conftest import Api, Somebody
from export_pipeline_tests.contributing import COUNTRIES

SERIES = {"population": {"period": "P1Y", "value": "people", "unit": "x1000"}}


def test_one_is_made_shown_changed_and_deleted(api: Api, admin: Somebody) -> None:
    made = an_entity_type(admin, schema={"type": "object"}, timeseries=SERIES, tags=["un"], icon="globe")
    assert (made.content, made.headers["Location"]) == (b"", api.url + COUNTRY)
    listed = {"id": "country", "url": api.url + COUNTRY, **COUNTRIES, "icon": "globe", "tags": ["un"]}
    assert admin.get("/v1/entity").json() == [listed]
    assert admin.get(COUNTRY).json() == listed | {"schema": {"type": "object"}, "timeseries": SERIES}
    assert admin.post(COUNTRY, json=COUNTRIES).json()["error"] == {
        "code": 409,
        "status": "Conflict",
        "message": "",
    }

    changed = admin.put(COUNTRY, json=COUNTRIES | {"name": "All"})
    assert (changed.status_code, changed.content) == (204, b"")
    whole = admin.get(COUNTRY).json()
    assert (whole["name"], whole["tags"], whole["timeseries"]) == ("All", [], {})
    # What was shown can be sent back.
    assert admin.put(COUNTRY, json=whole).status_code == 204

    gone = admin.delete(COUNTRY)
    assert (gone.status_code, gone.content) == (204, b"")
    for answer in (admin.get(COUNTRY), admin.put(COUNTRY, json=COUNTRIES), admin.delete(COUNTRY)):
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_one_that_is_exported_is_not_deleted(admin: Somebody) -> None:
    an_entity_type(admin, schema={"type": "object"})
    admin.export(connector="direct_download", definition={"tables": [{"name": "country"}]})

    refused = admin.delete(COUNTRY)

    reason = "country is exported by events; delete those exports first"
    assert mistakes(refused) == [("exports", None, reason)]
    assert admin.delete("/api/v1/exports/events").is_success
    assert admin.delete(COUNTRY).status_code == 204


def test_ids_are_in_small_letters(api: Api, admin: Somebody) -> None:
    assert admin.post("/v1/entity/COUNTRY", json=COUNTRIES).headers["Location"] == api.url + COUNTRY
    assert admin.get("/v1/entity/Country").json()["id"] == "country"
    assert admin.put("/v1/entity/Country", json=COUNTRIES).status_code == 204
    assert admin.delete("/v1/entity/Country").status_code == 204


@pytest.mark.parametrize("eid", ["ab", "1ab", "a_b", "a" * 33, "caf%C3%A9"])
def test_an_id_that_will_not_do_is_called_slug(admin: Somebody, eid: str) -> None:
    assert {name for name, _, _ in mistakes(admin.post(f"/v1/entity/{eid}", json=COUNTRIES))} == {"slug"}


def test_the_name_of_a_table_is_taken(admin: Somebody) -> None:
    assert mistakes(admin.post("/v1/entity/events", json=COUNTRIES)) == [
        ("slug", None, "is the name of a table that is exported already")
    ]
    assert admin.get("/v1/entity").json() == []


def test_what_is_wrong_is_told_all_at_once_and_nothing_is_stored(admin: Somebody) -> None:
    assert mistakes(admin.post(COUNTRY, json={"name": "", "cache": 1, "tags": ["a", "a"]})) == [
        ("description", None, 'requires property "description"'),
        ("name", None, "does not meet minimum length of 1"),
        ("tags", None, "contains duplicate item"),
    ]
    assert admin.get("/v1/entity").json() == []
    an_entity_type(admin)
    assert mistakes(admin.put(COUNTRY, json={"name": "n", "description": "d" * 2049}))


def test_a_schema_that_is_passed_over_is_told(api: Api, admin: Somebody) -> None:
    hostile = {"$ref": "http://127.0.0.1:9/é\r\nX-Evil: 1"}
    made = an_entity_type(admin, schema=hostile)
    assert "nothing is fetched" in made.headers["X-Schema-Ignored"]
    assert "X-Evil" not in made.headers
    assert admin.put(COUNTRY, json=COUNTRIES | {"schema": hostile}).headers["X-Schema-Ignored"]
    assert admin.get(COUNTRY).headers["X-Schema-Ignored"]
    with a_contributor(api, admin) as contributor:
        sent = contributor.act(contributor.open(), "upsert", [{"id": "1", "name": "n", "entity": {"a": 1}}])
        assert (sent.status_code, "X-Schema-Ignored" in sent.headers) == (200, True)

    admin.put(COUNTRY, json=COUNTRIES | {"schema": {"type": "object"}})
    assert "X-Schema-Ignored" not in admin.get(COUNTRY).headers


def test_who_may_only_look_changes_nothing(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    with api.client(api.key(admin.organization, "connectors:view")) as http:
        assert http.get("/v1/entity").status_code == http.get(COUNTRY).status_code == 200
        for answer in (
            http.post("/v1/entity/city", json=COUNTRIES),
            http.put(COUNTRY, json=COUNTRIES),
            http.delete(COUNTRY),
        ):
            assert answer.status_code == 403


def test_anothers_is_not_there(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    with api.client(api.key(api.organization())) as other:
        assert other.get("/v1/entity").json() == []
        assert other.get(COUNTRY).json() == NOT_FOUND
        assert other.put(COUNTRY, json=COUNTRIES).json() == NOT_FOUND
        assert other.delete(COUNTRY).json() == NOT_FOUND
        assert other.post(COUNTRY, json=COUNTRIES).status_code == 201
    assert admin.get(COUNTRY).status_code == 200


def test_one_that_is_not_there_is_not_found_whatever_is_said_of_it(admin: Somebody) -> None:
    bodies: tuple[object, ...] = ({}, {"name": 5}, [])
    for body in bodies:
        answer = admin.put(COUNTRY, json=body)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
