"""Consumers see what live data connectors contributed, page by page, and more of each from its webhook."""

import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import Any

import pytest

from export_pipeline.contributions.webhook import AT_ONCE
from export_pipeline.store.data_connectors import find_data_connector, lock_data_connector
from export_pipeline.store.database import writing
from export_pipeline.store.entity_types import find_entity_type
from export_pipeline_tests.api.bitbroker.parties import (
    CONNECTOR,
    INSTANCES,
    NOT_FOUND,
    a_contributor,
    an_entity_type,
    mistakes,
)
from export_pipeline_tests.api.conftest import Api, Somebody
from export_pipeline_tests.contributing import WIKIPEDIA
from export_pipeline_tests.contributions.webhook_servers import service, silent

GB: dict[str, Any] = {"id": "GB", "name": "United Kingdom", "entity": {"b": 1, "a": [{"c": None}]}}

MANY = 80


def test_entity_types_are_listed(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    an_entity_type(admin, "city")

    listed = admin.get("/consumer/v1/entity").json()
    assert [one["id"] for one in listed] == ["city", "country"]
    assert listed[1] == {
        "id": "country",
        "url": api.url + INSTANCES,
        "name": "Countries",
        "description": "All the countries in the world",
    }
    assert admin.get("/consumer/v1/entity?offset=1&limit=1").json() == listed[1:]


def test_instances_are_seen_once_their_connector_is_live(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    with a_contributor(api, admin) as contributor:
        id_ = contributor.contribute(GB)["GB"]
        assert admin.get(INSTANCES).json() == []
        assert admin.get(f"{INSTANCES}/{id_}").json() == NOT_FOUND
        admin.post(f"{CONNECTOR}/live")

        shown = {"id": id_, "url": f"{api.url}{INSTANCES}/{id_}", "type": "country", "name": "United Kingdom"}
        assert admin.get(INSTANCES).json() == [shown | {"legal": []}]
        whole = admin.get(f"{INSTANCES}/{id_.upper()}").json()
        assert whole == shown | {"entity": GB["entity"], "instance": {}, "timeseries": {}, "legal": []}
        assert [*whole["entity"]] == ["b", "a"]

        admin.delete(f"{CONNECTOR}/live")
        assert admin.get(INSTANCES).json() == []


def test_staged_ones_are_seen_by_who_names_their_connector(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    with a_contributor(api, admin) as contributor:
        id_ = contributor.contribute(GB)["GB"]
        named = {"x-bbk-connectors": f"{'0' * 40},{contributor.id.upper()}"}
        assert len(admin.get(INSTANCES, headers=named).json()) == 1
        assert admin.get(f"{INSTANCES}/{id_}", headers=named).status_code == 200
        many = {"x-bbk-connectors": ",".join([contributor.id] * 17)}
        assert mistakes(admin.get(INSTANCES, headers=many)) == [
            ("x-bbk-connectors", None, "does not meet maximum length of 16")
        ]


def test_they_come_in_pages(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    with a_contributor(api, admin) as contributor:
        admin.post(f"{CONNECTOR}/live")
        sid = contributor.open()
        for first in (0, 250):
            contributor.upsert(sid, *(GB | {"id": str(number)} for number in range(first, first + 250)))
    pages = [admin.get(f"{INSTANCES}?offset={offset}").json() for offset in (0, 250, 500)]

    assert [len(one) for one in pages] == [250, 250, 0]
    ids = [one["id"] for page in pages for one in page]
    assert (len(set(ids)), ids) == (500, sorted(ids))
    assert [one["id"] for one in admin.get(f"{INSTANCES}?offset=7&limit=2").json()] == ids[7:9]


@pytest.mark.parametrize(
    ("query", "name", "reason"),
    [
        ("limit=0", "limit", "must be greater than or equal to 1"),
        ("limit=251", "limit", "must be less than or equal to 250"),
        ("limit=all", "limit", "is not of a type(s) integer"),
        ("offset=-1", "offset", "must be greater than or equal to 0"),
        ("offset=99999999999999999999", "offset", "is not of a type(s) integer"),
        ("offset=9999999999", "offset", "must be less than or equal to 2147483647"),
    ],
)
def test_a_page_that_is_none_is_refused(admin: Somebody, query: str, name: str, reason: str) -> None:
    an_entity_type(admin)
    for path in (INSTANCES, "/consumer/v1/entity"):
        assert mistakes(admin.get(f"{path}?{query}")) == [(name, None, reason)]


def test_what_is_not_there_is_not_found(admin: Somebody) -> None:
    assert admin.get(INSTANCES).json() == NOT_FOUND
    an_entity_type(admin)
    assert admin.get(f"{INSTANCES}/{'0' * 40}").json() == NOT_FOUND


def test_who_may_see_exports_may_see_them(api: Api, admin: Somebody) -> None:
    an_entity_type(admin)
    with api.client(api.key(admin.organization, "exports:view")) as http:
        assert http.get(INSTANCES).json() == []
    with api.client(api.key(admin.organization, "connectors:edit")) as http:
        assert http.get(INSTANCES).status_code == 403
        assert http.post(CONNECTOR, json=WIKIPEDIA).status_code == 201
    with api.client(api.key(api.organization())) as other:
        assert other.get("/consumer/v1/entity").json() == []
        assert other.get(INSTANCES).json() == NOT_FOUND


def test_who_waits_for_a_webhook_keeps_nobody_else_waiting(api: Api, admin: Somebody) -> None:
    """More read records of a service that hangs than there are threads."""
    an_entity_type(admin)
    other = api.organization()
    with ExitStack() as opened:
        hanging = opened.enter_context(service(silent))
        contributor = opened.enter_context(a_contributor(api, admin, webhook=hanging.url))
        them = opened.enter_context(api.client(api.key(other)))
        told = contributor.contribute(
            *({"id": f"{number}", "name": "n", "entity": {}} for number in range(MANY))
        )
        assert admin.post(f"{CONNECTOR}/live").status_code == 204
        threads = opened.enter_context(ThreadPoolExecutor(MANY))
        reading = [threads.submit(admin.get, f"{INSTANCES}/{id_}") for id_ in told.values()]
        while hanging.at_once < AT_ONCE:
            time.sleep(0.01)
        time.sleep(0.5)  # the others wait for their turn
        answers = [them.get("/v1/entity").status_code for _ in range(20)]
        waiting = sum(not one.done() for one in reading)
        assert answers == [200] * 20
        assert {one.result().status_code for one in reading} == {200}

    assert waiting > MANY // 2


def test_who_reads_while_a_session_is_closed_keeps_nobody_else_waiting(two_apis: tuple[Api, Api]) -> None:
    """More than there are connections to the database. Nobody's webhook is allowed, which is noted, too."""
    api, _ = two_apis
    ours, theirs = api.organization(), api.organization()
    with api.client(api.key(ours)) as us, api.client(api.key(theirs)) as them, ExitStack() as opened:
        admin = Somebody(ours, us)
        an_entity_type(admin)
        webhook = "http://127.0.0.1:9"
        contributor = opened.enter_context(a_contributor(api, admin, webhook=webhook))
        id_ = contributor.contribute(GB)["GB"]
        assert admin.post(f"{CONNECTOR}/live").status_code == 204
        threads = opened.enter_context(ThreadPoolExecutor(MANY))
        with writing(api.installation.deployment.control) as closing:
            entity = find_entity_type(closing, ours, "country")
            lock_data_connector(closing, find_data_connector(closing, entity, "wikipedia").id)
            reading = [threads.submit(us.get, f"{INSTANCES}/{id_}") for _ in range(MANY)]
            answers = [them.get("/v1/entity").status_code for _ in range(20)]
            read = wait(reading, timeout=20)
        assert answers == [200] * 20
        assert not read.not_done
        assert {one.result().status_code for one in reading} == {200}
