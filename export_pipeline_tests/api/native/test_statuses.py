"""Every status that is documented of a route is one that it answers, and the others are not answered."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from export_pipeline.control.tasks import delete_task
from export_pipeline.store.claims import claim
from export_pipeline.store.database import writing
from export_pipeline_tests.api.conftest import BUCKET, Api, Somebody, serving
from export_pipeline_tests.api.native.every_route import RANGE, Route, Things, every_route, make_things
from export_pipeline_tests.installations import FIRST

NOT_THEIRS = {"If-Match": '"x"'}
MINE = {"Idempotency-Key": "mine"}


class Seen:
    """The statuses that were seen, by route."""

    def __init__(self, url: str) -> None:
        self.routes = every_route(url)
        self.by_route: dict[Route, set[int]] = {route: set() for route in self.routes}

    def note(self, answer: httpx.Response) -> None:
        for route in self.routes:
            if route.method == answer.request.method and route.is_of(answer.request.url.path):
                self.by_route[route].add(answer.status_code)

    def differing(self, which: str) -> dict[str, list[int]]:
        """What is documented and was not seen, or was seen and is not documented."""
        found = {}
        for route, seen in self.by_route.items():
            statuses = route.statuses - seen if which == "unseen" else seen - route.statuses
            if statuses:
                found[str(route)] = sorted(statuses)
        return found


@contextmanager
def noted(api: Api, seen: Seen, key: str | None, **headers: str) -> Iterator[httpx.Client]:
    """A client whose answers are noted."""
    with api.client(key, **headers) as http:
        http.event_hooks["response"].append(seen.note)
        yield http


def test_every_documented_status_is_answered_and_no_other(api: Api, tmp_path: Path) -> None:
    seen = Seen(api.url)
    organization = api.organization()
    with noted(api, seen, api.key(organization)) as http:
        admin = Somebody(organization, http)
        things = make_things(api, admin)
        for route in seen.routes:
            _ask_wrongly(api, seen, admin, things, route)
        _dataset_broken(api, admin)
        _conflicts(api, admin, things)
        _others_deleted(api, admin)
        _checks_at_once(seen, api, organization)
        _all_is_well(admin, things)
    _too_often(api, seen, things, tmp_path)

    assert seen.differing("unseen") == {}
    assert seen.differing("undocumented") == {}


def _ask_wrongly(api: Api, seen: Seen, admin: Somebody, things: Things, route: Route) -> None:
    address = things.address(route)
    with noted(api, seen, None) as http:
        http.request(route.method, address, json=route.body)  # 401
    with noted(api, seen, api.key(admin.organization, "data:contribute")) as http:
        http.request(route.method, address, json=route.body)  # 403
    with noted(api, seen, api.key(api.organization())) as http:
        if 404 in route.statuses:
            params = {"export": "nothing"} if route.path == "/api/v1/tasks" else {}
            http.request(route.method, address, json=route.body, params=params)
    admin.http.request(route.method, f"{address}?x=%00", json=route.body)  # 400
    if 413 in route.statuses:
        admin.http.request(route.method, address, content=b" " * (5 << 20))
    if 412 in route.statuses:
        admin.http.request(route.method, address, json=route.body, headers=NOT_THEIRS)
    if "idempotency-key" in route.headers:
        admin.post("/api/v1/filters", json={"name": "small", "text": "true"}, headers=MINE)
        admin.http.request(route.method, address, json=route.body, headers=MINE)  # 409


def _dataset_broken(api: Api, admin: Somebody) -> None:
    file = api.installation.folder / "dataset.toml"
    good = file.read_text()
    file.write_text("[tables.events")
    try:
        for route in every_route(api.url):
            if 503 in route.statuses and not route.path.endswith("/check"):
                address = Things({"exports": "events", "filters": "big"}).address(route)
                assert admin.http.request(route.method, address, json=route.body).status_code == 503, route
    finally:
        file.write_text(good)


def _conflicts(api: Api, admin: Somebody, things: Things) -> None:
    task = things.ids["tasks"]
    assert admin.get(f"/api/v1/tasks/{task}/downloads").status_code == 409
    assert admin.post("/api/v1/connectors/lake/start").status_code == 409
    assert admin.delete("/api/v1/connectors/lake").status_code == 409
    admin.post("/api/v1/connectors", json={"name": "still", "config": BUCKET})
    assert admin.post("/api/v1/connectors/still/stop").status_code == 200
    assert admin.post("/api/v1/connectors/still/stop").status_code == 409
    assert admin.post(f"/api/v1/tasks/{task}/retry").status_code == 409
    assert admin.post(f"/api/v1/tasks/{task}/cancel").status_code == 200
    assert admin.post(f"/api/v1/tasks/{task}/cancel").status_code == 409
    admin.export("filtered", definition={"filter": "$big"})
    assert admin.delete("/api/v1/filters/big").status_code == 409
    admin.delete("/api/v1/exports/filtered")
    busy = admin.export("busy")
    again = {"name": "busy", "connector": "lake", "definition": busy["definition"]}
    assert admin.post("/api/v1/exports/dry-run", json=again).status_code == 409
    now = datetime.now(UTC)
    with writing(api.installation.deployment.control) as connection:
        claim(connection, busy["id"], FIRST, "run-1", now=now, expires_at=now + timedelta(hours=1))
    assert admin.put("/api/v1/exports/busy", json={"definition": busy["definition"]}).status_code == 409


def _others_deleted(api: Api, admin: Somebody) -> None:
    deleted = admin.post("/api/v1/tasks", json=RANGE).json()["id"]
    with writing(api.installation.deployment.control) as connection:
        delete_task(connection, admin.organization, deleted, by="test")
    assert admin.get(f"/api/v1/tasks/{deleted}").status_code == 410
    assert admin.get(f"/api/v1/tasks/{deleted}/downloads").status_code == 410
    assert admin.post(f"/api/v1/tasks/{deleted}/cancel").status_code == 410
    assert admin.post(f"/api/v1/tasks/{deleted}/retry").status_code == 410


def _checks_at_once(seen: Seen, api: Api, organization: str) -> None:
    """A store that takes calls and keeps silent, and more checks of it than are made at once."""
    refused = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as silent, noted(api, seen, api.key(organization)) as http:
        config = {**BUCKET, "endpoint_url": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        http.post("/api/v1/connectors", json={"name": "silent", "config": config})

        def check() -> None:
            with noted(api, seen, api.key(organization)) as own:
                try:
                    if own.post("/api/v1/connectors/silent/check").status_code == 503:
                        refused.set()
                except httpx.TransportError:
                    pass  # the test was over first

        for _ in range(12):
            threading.Thread(target=check, daemon=True).start()
        assert refused.wait(60)


def _all_is_well(admin: Somebody, things: Things) -> None:
    """Every route once, as it is meant; what takes things away comes last."""
    last = ["start", "fail", "check", "cancel", "retry", "PUT", "GET"]
    routes = sorted(
        every_route(str(admin.http.base_url).rstrip("/")),
        key=lambda route: (route.method == "DELETE", "connectors" in route.path, str(route) in last),
    )
    admin.delete("/api/v1/filters/small")
    for route in routes:
        match route.path.rpartition("/")[2]:
            case "start":
                address = "/api/v1/connectors/still/start"
            case "check":
                address = "/api/v1/connectors/still/check"
            case "cancel":
                continue  # it was, above
            case _:
                address = things.address(route)
        body: Any = route.body
        if route.path == "/api/v1/exports" and route.method == "POST":
            body = {**body, "definition": {**body["definition"], "subdirectory": "others"}}
        if route.method == "DELETE" and route.path.startswith("/api/v1/connectors"):
            address = "/api/v1/connectors/pond"
        answer = admin.http.request(route.method, address, json=body)
        assert answer.is_success, f"{route}: {answer.text}"


def _too_often(api: Api, seen: Seen, things: Things, folder: Path) -> None:
    with serving(api.installation, folder / "log", EXPORT_PIPELINE_REQUESTS_PER_MINUTE="1") as url:
        key = api.key(api.organization())
        limited = Api(url, api.installation, folder / "log")
        with noted(limited, seen, key) as http:
            for route in seen.routes:
                for _ in range(3):  # a minute may begin in between
                    answer = http.request(route.method, things.address(route), json=route.body)
                    if answer.status_code == 429:
                        assert int(answer.headers["Retry-After"]) >= 1
                        break
                else:
                    pytest.fail(f"{route} is answered as often as one asks")
