"""Named filters: two lists, ids made of names, and no way to take one from under an export."""

import pytest

from export_pipeline_tests.api.coveo.conftest import Client

FILTERS = "/rest/ua/v15/filters"


@pytest.mark.parametrize("purpose", ["reporting", "permissions"])
def test_a_filter_lives_in_its_list(coveo: Client, purpose: str) -> None:
    filters = f"{FILTERS}/{purpose}"
    other = f"{FILTERS}/{'permissions' if purpose == 'reporting' else 'reporting'}"

    made = coveo.http.post(filters, json={"displayName": "Exclude bots (é)", "value": "browser!='Bot'"})

    assert (made.status_code, made.json()) == (201, {"id": "EXCLUDE_BOTS_E"})
    document = {
        "id": "EXCLUDE_BOTS_E",
        "displayName": "Exclude bots (é)",
        "account": coveo.organization,
        "type": purpose,
        "value": "browser!='Bot'",
    }
    assert coveo.http.get(filters).json() == {"filters": [document]}
    assert coveo.http.get(f"{filters}/EXCLUDE_BOTS_E").json() == document
    assert coveo.http.get(other).json() == {"filters": []}
    assert coveo.http.get(f"{other}/EXCLUDE_BOTS_E").status_code == 404
    changed = {"displayName": "No bots", "value": "browser!='Robot'"}
    assert coveo.http.put(f"{filters}/EXCLUDE_BOTS_E", json=changed).json() == {"id": "EXCLUDE_BOTS_E"}
    assert coveo.http.get(f"{filters}/EXCLUDE_BOTS_E").json() == {**document, **changed}
    assert coveo.http.delete(f"{filters}/EXCLUDE_BOTS_E").status_code == 204
    assert coveo.http.get(f"{filters}/EXCLUDE_BOTS_E").status_code == 404


def test_the_same_name_again_gets_another_id(coveo: Client) -> None:
    ids = [
        coveo.http.post(f"{FILTERS}/reporting", json={"displayName": name, "value": "true"}).json()["id"]
        for name in ("No blanks", "no BLANKS!", "é…", "…")
    ]

    assert ids == ["NO_BLANKS", "NO_BLANKS_2", "E", "FILTER"]


def test_a_filter_is_used_by_its_id_and_stays_while_it_is(coveo: Client) -> None:
    coveo.http.post(f"{FILTERS}/reporting", json={"displayName": "No phones", "value": "mobile==false"})
    made = coveo.create(f="$NO_PHONES AND (city IN ['Québec','Quebec'])")

    refused = coveo.http.delete(f"{FILTERS}/reporting/NO_PHONES")

    assert (refused.status_code, refused.json()["type"]) == (409, "Conflict")
    assert "is used by" in refused.json()["message"]
    coveo.http.delete(f"/rest/ua/v15/exports/{made['id']}")
    assert coveo.http.delete(f"{FILTERS}/reporting/NO_PHONES").status_code == 204


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"displayName": "a", "value": "city=="}, "value: "),
        ({"displayName": "", "value": "true"}, "displayName: must be 1 to"),
        ({"displayName": "a"}, "value: is missing"),
    ],
)
def test_what_is_wrong_with_a_filter_is_named(coveo: Client, given: dict[str, str], said: str) -> None:
    refused = coveo.http.post(f"{FILTERS}/reporting", json=given)

    assert refused.status_code == 400
    assert refused.json()["message"].startswith(said), refused.json()


def test_who_may_only_look_changes_nothing(coveo: Client) -> None:
    asked = {"displayName": "a", "value": "true"}
    coveo.http.post(f"{FILTERS}/reporting", json=asked)
    with coveo.api.client(coveo.api.key(coveo.organization, "exports:view")) as http:
        assert len(http.get(f"{FILTERS}/reporting").json()["filters"]) == 1
        assert http.post(f"{FILTERS}/reporting", json=asked).status_code == 403
        assert http.put(f"{FILTERS}/reporting/A", json=asked).status_code == 403
        assert http.delete(f"{FILTERS}/reporting/A").status_code == 403
