"""Nobody sees or changes what is another organization's: every route of every face is tried."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi.routing import iter_route_contexts

from export_pipeline.api.app import application
from export_pipeline.store.database import reading
from export_pipeline.store.metadata import METADATA
from export_pipeline_tests.api.belongings import (
    QUERIES,
    REST,
    Belongings,
    bodies,
    make_belongings,
    names_something,
)
from export_pipeline_tests.api.conftest import Api, Somebody

# Anybody may ask there, and is told nothing of anybody's.
PUBLIC = {
    *("/docs", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/openapi.json", "/healthz", "/readyz"),
    *(f"{base}{slash}" for base in ("/v1", "/contributor/v1", "/consumer/v1") for slash in ("", "/")),
    *(
        f"{base}/{what}/{asked}"
        for base in REST
        for what in ("dimensions", "exports", "filters")
        for asked in ("monitoring/health", "status")
    ),
}

# What has a name there has it for one organization: another may give the same.
FREE_NAMES = {
    "POST /api/v1/connectors",
    "POST /api/v1/keys",
    "POST /connectors/{name}",
    "POST /v1/analytics/outputs/{kind}",
    "POST /v1/analytics/outputs/{kind}/",
    "POST /v1/entity/{eid}",
}

SIGNED = "/downloads/"

# How often and when somebody asked.
COUNTED = {"request_counts", "contributor_request_counts"}


@dataclass(frozen=True)
class Route:
    """A route of the application."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Walk:
    """Requests for what is somebody's, by others."""

    theirs: Belongings
    bodies: Mapping[tuple[str, str], Any]

    def asked(self, http: httpx.Client, route: Route) -> httpx.Response:
        """The answer. It tells nothing of the owner's but what was sent."""
        address, query = self.theirs.address(route.path), QUERIES.get(route.path)
        body = self.bodies.get((route.method, route.path))
        answer = http.request(route.method, address, params=query, json=body)
        sent, told = f"{address}{json.dumps(body)}{http.headers}", answer.text.casefold()
        assert not [word for word in self.theirs.words if word in told and word not in sent], route
        return answer


@pytest.fixture(scope="module")
def routes(api: Api) -> list[Route]:
    """All there are, as the application has them."""
    app = application(api.installation.deployment)
    found = [
        Route(method, context.path)
        for context in iter_route_contexts(app.routes)
        for method in sorted(context.methods or ())
        if context.path and method != "HEAD"
    ]
    assert len(found) > 140
    assert {route.path for route in found} >= PUBLIC
    assert {str(route) for route in found} >= FREE_NAMES
    return found


def keyed(routes: list[Route]) -> list[Route]:
    return [route for route in routes if route.path not in PUBLIC and not route.path.startswith(SIGNED)]


def stored(api: Api) -> Counter[tuple[str, str]]:
    """Everything that is kept, but when keys were used and how often."""
    rows: Counter[tuple[str, str]] = Counter()
    with reading(api.installation.deployment.control) as connection:
        for table in METADATA.tables.values():
            if table.name not in COUNTED:
                columns = [column for column in table.c if column.name != "last_used_at"]
                found = connection.execute(sa.select(*columns))
                rows.update((table.name, str(tuple(row))) for row in found)
    return rows


def test_nobodys_things_are_anothers_by_any_route(api: Api, admin: Somebody, routes: list[Route]) -> None:
    theirs, stranger = make_belongings(api, admin), api.organization()
    walk = Walk(theirs, bodies(api, theirs, stranger))
    key, before = api.key(stranger), stored(api)

    with api.client() as nobody:
        for route in routes:
            answer = walk.asked(nobody, route)
            expected = 200 if route.path in PUBLIC else 403 if route.path.startswith(SIGNED) else 401
            assert answer.status_code == expected, f"{route}, without a key: {answer.text}"
    with api.client(key, **{"X-Tenant-Org-Id": theirs.organization}) as elsewhere:
        for route in keyed(routes):
            answer = walk.asked(elsewhere, route)
            assert answer.status_code == 404, f"{route}, in another's organization: {answer.text}"
    with api.client(key) as http:
        for route in keyed(routes):
            if str(route) in FREE_NAMES:
                continue
            answer = walk.asked(http, route)
            if names_something(route.path):
                fits = answer.status_code == 404
            elif route.method == "GET":
                fits = answer.status_code in (200, 400)
            else:
                fits = answer.status_code in (400, 404)
            assert fits, f"{route}, of another's: {answer.status_code} {answer.text}"

    assert stored(api) == before
    _names_are_free(api, walk, before)
    _owners_find_it_all(walk, routes, admin)


def _names_are_free(api: Api, walk: Walk, before: Counter[tuple[str, str]]) -> None:
    with api.client(api.key(api.organization())) as namesake:
        for told in sorted(FREE_NAMES):
            answer = walk.asked(namesake, Route(*told.split(" ")))
            assert answer.status_code == 201, f"{told}: {answer.text}"
    assert before <= stored(api)


def _owners_find_it_all(walk: Walk, routes: list[Route], owner: Somebody) -> None:
    """What was there for nobody else is there: no address was wrong."""
    named = [
        route
        for route in keyed(routes)
        if route.method != "DELETE" and names_something(route.path) and str(route) not in FREE_NAMES
    ]
    assert len(named) > 50
    for route in sorted(named, key=lambda route: "/session/open/" in route.path):  # it ends the open one
        body = walk.bodies.get((route.method, route.path))
        answer = owner.http.request(route.method, walk.theirs.address(route.path), json=body)
        assert answer.status_code != 404, f"{route}, of the owner's: {answer.text}"
