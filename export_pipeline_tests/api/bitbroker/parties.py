"""Who takes part: a coordinator, a contributor with its token, a consumer; each as a client of the API."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from export_pipeline_tests.api.conftest import Api, Somebody
from export_pipeline_tests.contributing import COUNTRIES, WIKIPEDIA

COUNTRY = "/v1/entity/country"
CONNECTOR = f"{COUNTRY}/connector/wikipedia"
INSTANCES = "/consumer/v1/entity/country"
TOKEN = "x-bbk-auth-token"

NOT_FOUND = {"error": {"code": 404, "status": "Not Found", "message": ""}}


@dataclass(frozen=True)
class Contributor:
    """Who contributes by a data connector."""

    id: str
    token: str
    http: httpx.Client

    @property
    def base(self) -> str:
        return f"/contributor/v1/connector/{self.id}/session"

    def open(self, mode: str = "stream") -> str:
        """The id of a new session."""
        answer = self.http.get(f"{self.base}/open/{mode}")
        assert answer.status_code == 200, answer.text
        sid: str = answer.json()
        return sid

    def act(self, sid: str, action: str, body: Any) -> httpx.Response:
        return self.http.post(f"{self.base}/{sid}/{action}", json=body)

    def upsert(self, sid: str, *records: Mapping[str, Any]) -> dict[str, str]:
        """The public ids of records that are stored."""
        answer = self.act(sid, "upsert", records)
        assert answer.status_code == 200, answer.text
        told: dict[str, str] = answer.json()
        return told

    def close(self, sid: str, commit: str = "true") -> httpx.Response:
        return self.http.get(f"{self.base}/{sid}/close/{commit}")

    def contribute(self, *records: Mapping[str, Any]) -> dict[str, str]:
        """Records in a session of their own."""
        sid = self.open("accrue")
        told = self.upsert(sid, *records)
        assert self.close(sid).status_code == 200
        return told


def an_entity_type(coordinator: Somebody, eid: str = "country", **changes: Any) -> httpx.Response:
    made = coordinator.post(f"/v1/entity/{eid}", json=COUNTRIES | changes)
    assert made.status_code == 201, made.text
    return made


@contextmanager
def a_contributor(
    api: Api, coordinator: Somebody, eid: str = "country", cid: str = "wikipedia", **changes: Any
) -> Iterator[Contributor]:
    """One with a new data connector of an entity type that is there."""
    made = coordinator.post(f"/v1/entity/{eid}/connector/{cid}", json=WIKIPEDIA | changes)
    assert made.status_code == 201, made.text
    id_, token = made.json()["id"], made.json()["token"]
    with api.client(None, **{TOKEN: token}) as http:
        yield Contributor(id_, token, http)


def mistakes(answer: httpx.Response) -> list[tuple[str, int | None, str]]:
    """What a refusal names."""
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["code"], error["status"]) == (400, "Bad Request")
    assert all(one.keys() == {"name", "index", "reason"} for one in error["message"])
    return [(one["name"], one["index"], one["reason"]) for one in error["message"]]
