"""Keys are made, shown once, rotated and revoked."""

from export_pipeline_tests.api.conftest import Api, Somebody

KEYS = "/api/v1/keys"


def test_the_text_of_a_key_is_shown_once(api: Api, admin: Somebody) -> None:
    made = admin.post(KEYS, json={"name": "nightly", "privileges": ["exports:view"]})

    assert made.status_code == 201
    key = made.json()
    assert key["organizations"] == [admin.organization]
    assert key["key"] not in admin.get(KEYS).text
    assert key["key"] not in admin.get(f"{KEYS}/{key['id']}").text
    with api.client(key["key"]) as http:
        assert http.get(KEYS).status_code == 403  # it is known, and may not


def test_a_rotated_key_works_for_as_long_as_it_is_given(api: Api, admin: Somebody) -> None:
    old = admin.post(KEYS, json={"name": "nightly", "privileges": ["admin"]}).json()

    new = admin.post(f"{KEYS}/{old['id']}/rotate", json={"grace_seconds": 3600}).json()
    with api.client(old["key"]) as http:
        assert http.get(KEYS).status_code == 200
    last = admin.post(f"{KEYS}/{new['id']}/rotate", json={}).json()

    with api.client(new["key"]) as http:
        assert http.get(KEYS).status_code == 401
    with api.client(last["key"]) as http:
        assert http.get(KEYS).status_code == 200
    assert last["privileges"] == ["admin"]


def test_a_key_is_rotated_once(api: Api, admin: Somebody) -> None:
    old = admin.post(KEYS, json={"name": "nightly", "privileges": ["admin"]}).json()
    admin.post(f"{KEYS}/{old['id']}/rotate", json={"grace_seconds": 3600})

    refused = admin.post(f"{KEYS}/{old['id']}/rotate", json={"grace_seconds": 3600})

    assert refused.status_code == 409
    assert "rotate the key that was made in its place, or make a new one" in refused.json()["detail"]
    with api.client(old["key"]) as http:
        assert http.get(KEYS).status_code == 200  # its grace is running


def test_a_key_is_rotated_without_a_body_too_and_ends_at_once(api: Api, admin: Somebody) -> None:
    old = admin.post(KEYS, json={"name": "nightly", "privileges": ["admin"]}).json()

    rotated = admin.post(f"{KEYS}/{old['id']}/rotate")

    assert rotated.status_code == 201, rotated.text
    with api.client(old["key"]) as http:
        assert http.get(KEYS).status_code == 401
    with api.client(rotated.json()["key"]) as http:
        assert http.get(KEYS).status_code == 200


def test_a_key_that_works_elsewhere_too_is_rotated_by_those_alone_who_work_there_as_well(
    api: Api, admin: Somebody
) -> None:
    elsewhere = api.organization()
    shared = api.key(admin.organization, also=[elsewhere])
    (id_,) = [key["id"] for key in admin.get(KEYS).json()["keys"] if elsewhere in key["organizations"]]

    refused = admin.post(f"{KEYS}/{id_}/rotate", json={})
    with api.client(shared) as both:
        rotated = both.post(f"{KEYS}/{id_}/rotate", json={})

    assert refused.status_code == 403
    assert "ask who runs this installation" in refused.json()["detail"]
    assert elsewhere not in refused.text
    assert set(rotated.json()["organizations"]) == {admin.organization, elsewhere}


def test_what_is_wrong_is_named_and_nothing_is_made(admin: Somebody) -> None:
    before = admin.get(KEYS).json()

    refused = admin.post(KEYS, json={"privileges": ["exports:all"], "org": "x"})

    assert refused.status_code == 400
    assert {fault["field"] for fault in refused.json()["faults"]} == {"name", "privileges.0", "org"}
    assert admin.get(KEYS).json()["keys"] == before["keys"]
