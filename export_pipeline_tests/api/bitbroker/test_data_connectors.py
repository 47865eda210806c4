"""Data connectors, in the document's words. What the document shows itself is in `test_document.py`."""

import pytest

from export_pipeline_tests.api.bitbroker.parties import (
    CONNECTOR,
    COUNTRY,
    NOT_FOUND,
    a_contributor,
    an_entity_type,
    mistakes,
)
from export_pipeline_tests.api.conftest import Api, Somebody
from export_pipeline_tests.contributing import WIKIPEDIA


def test_they_are_listed_by_their_ids(admin: Somebody) -> None:
    an_entity_type(admin)
    for cid in ("wikipedia", "factbook", "factbook-2"):
        assert admin.post(f"{COUNTRY}/connector/{cid}", json=WIKIPEDIA).status_code == 201

    listed = admin.get(f"{COUNTRY}/connector").json()
    assert [one["id"] for one in listed] == ["factbook", "factbook-2", "wikipedia"]
    assert listed[0].keys() == {"id", "url", "name", "description"}
    assert [one["url"] for one in listed] == [admin.get(one["url"]).json()["url"] for one in listed]


def test_ids_are_in_small_letters(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    made = admin.post("/v1/entity/COUNTRY/connector/Wikipedia", json=WIKIPEDIA)
    assert made.headers["Location"] == api.url + CONNECTOR
    assert made.json()["id"] == "9afcf3235500836c6fcd9e82110dbc05ffbb734b"
    assert admin.get("/v1/entity/Country/connector/WIKIPEDIA").json()["id"] == "wikipedia"


def test_one_of_a_name_is_enough_in_an_entity_type(admin: Somebody) -> None:
    an_entity_type(admin)
    an_entity_type(admin, "city")
    first = admin.post(CONNECTOR, json=WIKIPEDIA).json()
    other = admin.post("/v1/entity/city/connector/wikipedia", json=WIKIPEDIA)

    assert other.status_code == 201
    assert other.json()["id"] != first["id"]
    assert admin.post(CONNECTOR, json=WIKIPEDIA).json()["error"] == {
        "code": 409,
        "status": "Conflict",
        "message": "",
    }


def test_made_again_it_has_its_id_again_and_another_token(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    with a_contributor(api, admin) as first:
        admin.delete(CONNECTOR)
        with a_contributor(api, admin) as second:
            assert (second.id, second.token != first.token) == (first.id, True)


def test_a_change_replaces_all_of_it(admin: Somebody) -> None:
    an_entity_type(admin)
    admin.post(CONNECTOR, json=WIKIPEDIA | {"webhook": "http://a.example/1/", "cache": 60})
    shown = admin.get(CONNECTOR).json()
    assert (shown["webhook"], shown["cache"]) == ("http://a.example/1", 60)
    assert admin.put(CONNECTOR, json=shown).status_code == 204
    assert admin.get(CONNECTOR).json() == shown

    assert admin.put(CONNECTOR, json={"name": "n", "description": "d"}).status_code == 204
    shown = admin.get(CONNECTOR).json()
    assert (shown["name"], shown["webhook"], shown["cache"]) == ("n", None, 0)


def test_what_is_wrong_is_told_all_at_once_and_nothing_is_stored(admin: Somebody) -> None:
    an_entity_type(admin)
    wrong = {"name": "", "webhook": 3, "cache": -1}
    for answer in (admin.post(CONNECTOR, json=wrong),):
        assert mistakes(answer) == [
            ("description", None, 'requires property "description"'),
            ("name", None, "does not meet minimum length of 1"),
            ("webhook", None, "is not of a type(s) string"),
            ("cache", None, "must be greater than or equal to 0"),
        ]
    assert admin.get(f"{COUNTRY}/connector").json() == []
    assert mistakes(admin.post(f"{COUNTRY}/connector/x", json=WIKIPEDIA)) == [
        ("slug", None, "does not meet minimum length of 3"),
        ("slug", None, 'does not match pattern "^[a-z][a-z0-9-]+$"'),
    ]
    admin.post(CONNECTOR, json=WIKIPEDIA)
    assert mistakes(admin.put(CONNECTOR, json=wrong))


def test_timeseries_need_a_webhook(admin: Somebody) -> None:
    an_entity_type(admin, timeseries={"population": {"period": "P1Y", "value": "people", "unit": "x1000"}})

    assert mistakes(admin.post(CONNECTOR, json=WIKIPEDIA)) == [
        ("webhook", None, "You must supply a webhook when entity types contain timeseries")
    ]


def test_whether_it_is_in_session_is_shown(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    with a_contributor(api, admin) as contributor:
        sid = contributor.open("accrue")
        assert admin.get(CONNECTOR).json()["in_session"] is True
        contributor.close(sid)
        assert admin.get(CONNECTOR).json()["in_session"] is False


@pytest.mark.parametrize("path", ["/v1/entity/river/connector/wikipedia", f"{COUNTRY}/connector/other"])
def test_what_is_not_there_is_not_found(admin: Somebody, path: str) -> None:
    an_entity_type(admin)
    for answer in (
        admin.get(path),
        admin.put(path, json=WIKIPEDIA),
        admin.delete(path),
        admin.post(f"{path}/live"),
        admin.delete(f"{path}/live"),
    ):
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert admin.post("/v1/entity/river/connector/wikipedia", json=WIKIPEDIA).json() == NOT_FOUND
    assert admin.get("/v1/entity/river/connector").json() == NOT_FOUND


def test_who_may_only_look_changes_nothing(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    admin.post(CONNECTOR, json=WIKIPEDIA)
    with api.client(api.key(admin.organization, "connectors:view")) as http:
        assert http.get(f"{COUNTRY}/connector").status_code == http.get(CONNECTOR).status_code == 200
        for answer in (
            http.post(f"{COUNTRY}/connector/other", json=WIKIPEDIA),
            http.put(CONNECTOR, json=WIKIPEDIA),
            http.delete(CONNECTOR),
            http.post(f"{CONNECTOR}/live"),
            http.delete(f"{CONNECTOR}/live"),
        ):
            assert answer.status_code == 403


def test_anothers_is_not_there(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    admin.post(CONNECTOR, json=WIKIPEDIA)
    with api.client(api.key(api.organization())) as other:
        for answer in (
            other.get(f"{COUNTRY}/connector"),
            other.get(CONNECTOR),
            other.post(f"{CONNECTOR}/live"),
            other.delete(CONNECTOR),
            other.put(CONNECTOR, json=WIKIPEDIA),
        ):
            assert answer.json() == NOT_FOUND
    assert admin.get(CONNECTOR).json()["is_live"] is False


def test_one_that_is_not_there_is_not_found_whatever_is_said_of_it(admin: Somebody) -> None:
    an_entity_type(admin)
    bodies: tuple[object, ...] = ({}, {"name": 5}, [])
    for body in bodies:
        answer = admin.put(CONNECTOR, json=body)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_a_letter_that_only_looks_like_one_of_an_ids_is_none(admin: Somebody) -> None:
    an_entity_type(admin)
    (kelvin,) = mistakes(admin.post(f"{COUNTRY}/connector/wi%E2%84%AAipedia", json=WIKIPEDIA))
    assert kelvin == ("slug", None, 'does not match pattern "^[a-z][a-z0-9-]+$"')
