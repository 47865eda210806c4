"""Sessions over HTTP. What they mean is in control's tests."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from export_pipeline_tests.api.bitbroker.parties import (
    CONNECTOR,
    INSTANCES,
    TOKEN,
    Contributor,
    a_contributor,
    an_entity_type,
    mistakes,
)
from export_pipeline_tests.api.conftest import Api, Somebody, serving

GB: dict[str, Any] = {"id": "GB", "name": "United Kingdom", "entity": {"area": 1}}
FR: dict[str, Any] = {"id": "FR", "name": "France", "entity": {"area": 2}, "instance": {"old": True}}


def seen(admin: Somebody, contributor: Contributor) -> list[str]:
    listed = admin.get(INSTANCES, headers={"x-bbk-connectors": contributor.id}).json()
    return sorted(one["name"] for one in listed)


@pytest.mark.parametrize("mode", ["stream", "accrue", "replace"])
def test_a_session_from_its_beginning_to_its_end(api: Api, admin: Somebody, mode: str) -> None:
    an_entity_type(admin)
    with a_contributor(api, admin) as contributor:
        sid = contributor.open(mode)
        assert str(uuid.UUID(sid)) == sid
        told = contributor.upsert(sid, GB, FR)
        assert told.keys() == {"GB", "FR"}
        assert (seen(admin, contributor) != []) is (mode == "stream")
        assert contributor.act(sid, "delete", ["FR", "DE"]).json().keys() == {"FR", "DE"}
        closed = contributor.close(sid)
        assert (closed.status_code, closed.content) == (200, b"")
        assert seen(admin, contributor) == ["United Kingdom"]
        assert contributor.close(sid).status_code == 401
        assert contributor.act(sid, "upsert", []).status_code == 401


@pytest.mark.parametrize("mode", ["accrue", "replace"])
def test_what_is_not_to_count_does_not(api: Api, admin: Somebody, mode: str) -> None:
    an_entity_type(admin)
    with a_contributor(api, admin) as contributor:
        contributor.contribute(GB)
        sid = contributor.open(mode)
        contributor.upsert(sid, FR)
        assert contributor.close(sid, "false").status_code == 200
        assert seen(admin, contributor) == ["United Kingdom"]


def test_a_new_session_rolls_the_old_one_back(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    with a_contributor(api, admin) as contributor:
        old = contributor.open("accrue")
        contributor.upsert(old, GB)
        new = contributor.open("accrue")
        refused = contributor.act(old, "upsert", [FR])
        assert (refused.status_code, refused.json()["error"]["message"]) == (401, "")
        contributor.close(new)
        assert seen(admin, contributor) == []


def test_words_are_taken_in_either_case_and_no_others(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    with a_contributor(api, admin) as contributor:
        sid = contributor.open("STREAM")
        assert contributor.act(sid.upper(), "UPSERT", [GB]).status_code == 200
        assert mistakes(contributor.http.get(f"{contributor.base}/open/append")) == [
            ("mode", None, "is not one of enum values: accrue,stream,replace")
        ]
        assert mistakes(contributor.act(sid, "remove", [])) == [
            ("action", None, "is not one of enum values: upsert,delete")
        ]
        assert mistakes(contributor.close(sid, "maybe")) == [
            ("commit", None, "is not one of enum values: true,false")
        ]
        assert mistakes(contributor.act("x", "upsert", []))[0][:2] == ("id", None)
        assert contributor.act(str(uuid.uuid4()), "upsert", []).status_code == 401
        assert contributor.close(sid, "TRUE").status_code == 200


def test_one_wrong_record_keeps_all_of_them_out(api: Api, admin: Somebody) -> None:
    an_entity_type(admin, schema={"properties": {"area": {"type": "integer"}}})
    with a_contributor(api, admin) as contributor:
        sid = contributor.open()
        assert mistakes(contributor.act(sid, "upsert", [GB, {"id": ""}, FR | {"x": 1}])) == [
            ("records", 1, 'requires property "name"'),
            ("records", 1, 'requires property "entity"'),
            ("records.id", 1, "does not meet minimum length of 1"),
            ("records", 2, 'is not allowed to have the additional property "x"'),
        ]
        assert mistakes(contributor.act(sid, "upsert", [GB, FR | {"entity": {"area": "big"}}])) == [
            ("records.entity.area", 1, "is not of a type(s) integer")
        ]
        assert mistakes(contributor.act(sid, "delete", [{"id": "GB"}])) == [
            ("records", 0, "is not of a type(s) string")
        ]
        assert seen(admin, contributor) == []


def test_so_many_at_once_and_no_more(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    with a_contributor(api, admin) as contributor:
        sid = contributor.open()
        many = [GB | {"id": str(number)} for number in range(251)]
        assert len(contributor.upsert(sid, *many[:250])) == 250
        assert mistakes(contributor.act(sid, "upsert", many)) == [
            ("records", None, "does not meet maximum length of 250")
        ]


@pytest.mark.parametrize("vendor_id", ["é", "a/b", "..", "😀" * 256, "a\nb", "'; drop table x; --"])
def test_ids_are_contributors_own_affair(api: Api, admin: Somebody, vendor_id: str) -> None:
    an_entity_type(admin)
    with a_contributor(api, admin) as contributor:
        told = contributor.contribute(GB | {"id": vendor_id})
        assert told.keys() == {vendor_id}
        assert seen(admin, contributor) == ["United Kingdom"]


def test_attackers_schemas_and_records_are_answered_all_the_same(api: Api, admin: Somebody) -> None:
    doors = {f"d{n}": {"allOf": [{"$ref": f"#/definitions/d{n + 1}"}] * 2} for n in range(40)}
    bomb = {"definitions": {**doors, "d40": {}}, "$ref": "#/definitions/d0"}
    an_entity_type(admin, schema=bomb)
    an_entity_type(admin, "city", schema={"properties": {"a": {"pattern": "^(a+)+$"}}})
    with a_contributor(api, admin) as contributor, a_contributor(api, admin, "city") as other:
        assert mistakes(contributor.act(contributor.open(), "upsert", [GB, FR])) == [
            ("records.entity", 0, "takes too long to be checked by the schema of its entity type")
        ]
        slow = GB | {"entity": {"a": "a" * 1_000_000 + "!"}}
        assert mistakes(other.act(other.open(), "upsert", [slow])) == [
            ("records.entity.a", 0, 'does not match pattern "^(a+)+$"')
        ]


def test_a_session_that_nobody_uses_is_over(api: Api, admin: Somebody, tmp_path: Path) -> None:
    an_entity_type(admin)
    seconds = {"EXPORT_PIPELINE_CONTRIBUTION_SESSION_SECONDS": "1"}
    with a_contributor(api, admin) as contributor:
        sid = contributor.open("accrue")
        contributor.upsert(sid, GB)
        with serving(api.installation, tmp_path / "log", **seconds) as url:  # which takes longer than that
            theirs = {TOKEN: contributor.token}
            closed = httpx.get(f"{url}{contributor.base}/{sid}/close/true", headers=theirs)
            assert closed.status_code == 401
            shown = httpx.get(url + CONNECTOR, headers=admin.http.headers).json()
            assert shown["in_session"] is False
        assert seen(admin, contributor) == []


def test_eight_that_race_leave_what_one_of_them_sent(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    with a_contributor(api, admin) as contributor:

        def race(number: int) -> None:
            with api.client(None, **{TOKEN: contributor.token}) as http:
                one = Contributor(contributor.id, contributor.token, http)
                sid = one.open("replace")
                for part in range(3):
                    sent = one.act(sid, "upsert", [GB | {"id": f"{number}-{part}", "name": f"{number}"}])
                    assert sent.status_code in (200, 401)
                assert one.close(sid).status_code in (200, 401)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(race, range(8)))
        left = seen(admin, contributor)
        assert (len(left), len(set(left))) == (3, 1)
