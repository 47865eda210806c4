"""Every route of the description, and one thing of each kind to try it on."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from export_pipeline.store.database import writing
from export_pipeline.store.ledger import write_entry
from export_pipeline.windows import ONE_HOUR
from export_pipeline_tests.api.conftest import BUCKET, DEFINITION, Api, Somebody
from export_pipeline_tests.builders import a_ledger_entry
from export_pipeline_tests.installations import FIRST

HOUR = "2026-01-05-00:00"
RANGE = {"export": "events", "since": "2026-01-05T01:00:00Z", "until": "2026-01-05T02:00:00Z"}

# A body for each kind of request there is; a new kind has to be added.
BODIES: dict[str, Any] = {
    "ConnectorRequest": {"name": "pond", "config": BUCKET},
    "ReplaceRequest": {"config": BUCKET},
    "FailRequest": {"reason": "It is being moved."},
    "ExportRequest": {"name": "others", "connector": "lake", "definition": DEFINITION},
    "DryRunRequest": {
        "name": "tried",
        "connector": "lake",
        "definition": {**DEFINITION, "subdirectory": "tried"},
    },
    "DefinitionRequest": {"definition": {**DEFINITION, "subdirectory": "events"}},
    "FilterRequest": {"name": "small", "text": "amount < 5"},
    "TextRequest": {"text": "amount > 7"},
    "TaskRequest": RANGE,
    "KeyRequest": {"name": "nightly", "privileges": ["exports:view"]},
    "Rotation": {},
}


@dataclass(frozen=True)
class Route:
    """A route as the description has it."""

    method: str
    path: str
    described: dict[str, Any] = field(repr=False, compare=False, hash=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def statuses(self) -> set[int]:
        return {int(status) for status in self.described["responses"]}

    @property
    def body(self) -> Any:
        content = self.described.get("requestBody", {}).get("content")
        return BODIES[content["application/json"]["schema"]["$ref"].rpartition("/")[2]] if content else None

    @property
    def headers(self) -> set[str]:
        return {one["name"] for one in self.described.get("parameters", []) if one["in"] == "header"}

    def is_of(self, path: str) -> bool:
        """Whether the address is one of the route's."""
        ours, theirs = self.path.split("/"), path.split("/")
        return len(ours) == len(theirs) and all(
            one == another or one.startswith("{") for one, another in zip(ours, theirs, strict=True)
        )


def every_route(url: str) -> list[Route]:
    """The routes that need a key."""
    paths = httpx.get(f"{url}/openapi.json").json()["paths"]
    return [
        Route(method.upper(), path, described)
        for path, of_path in paths.items()
        if path.startswith("/api/")
        for method, described in of_path.items()
    ]


@dataclass(frozen=True)
class Things:
    """What an organization has: one of each kind. `address` fills a route with it."""

    ids: dict[str, str]

    def address(self, route: Route) -> str:
        """The route's address for the thing of its kind."""
        id_ = self.id_of(route) if "{" in route.path else ""
        return route.path.replace("{name}", id_).replace("{id}", id_).replace("{hour}", HOUR)

    def id_of(self, route: Route) -> str:
        """The thing that the route is tried on: a task that has files, where it is for these."""
        parts = route.path.split("/")
        return self.ids["downloads" if parts[-1] == "downloads" else parts[3]]


def make_things(api: Api, somebody: Somebody) -> Things:
    """One thing of each kind."""
    somebody.lake()
    export = somebody.export()
    somebody.post("/api/v1/filters", json={"name": "big", "text": "amount > 5"})
    task = somebody.post("/api/v1/tasks", json=RANGE).json()["id"]
    key = somebody.post("/api/v1/keys", json=BODIES["KeyRequest"]).json()["id"]
    fetched = somebody.export("fetched", connector="direct_download")
    downloads = somebody.post("/api/v1/tasks", json={**RANGE, "export": "fetched"}).json()["id"]
    with writing(api.installation.deployment.control) as connection:
        write_entry(connection, a_ledger_entry(export_id=export["id"], hour=FIRST))
        write_entry(connection, a_ledger_entry(export_id=fetched["id"], hour=FIRST + ONE_HOUR))
    ids = {"connectors": "lake", "exports": "events", "filters": "big", "tasks": task, "keys": key}
    return Things({**ids, "downloads": downloads})
