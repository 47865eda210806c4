"""From a contribution over HTTP to a Parquet file in a bucket, with its receipt, by a real daemon."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from export_pipeline.connectors.s3 import S3Config
from export_pipeline.control.exports import definition_from
from export_pipeline.control.requests import request_export
from export_pipeline.control.tasks import TaskView, show_task
from export_pipeline.exports.task import ExportTask, TaskStatus
from export_pipeline.receipts.receipt import Receipt, digest_of, receipt_from
from export_pipeline.receipts.verifying import verify
from export_pipeline.store.database import reading, writing
from export_pipeline.windows import floor
from export_pipeline_tests.api.whole import Whole, a_whole_service
from export_pipeline_tests.buckets import CONNECTOR, connector_to
from export_pipeline_tests.contributions.webhook_servers import saying_of_each, service
from export_pipeline_tests.servers.s3 import S3Server

COUNTRY = {
    "name": "Countries",
    "description": "All the countries in the world",
    "schema": {
        "type": "object",
        "properties": {
            "population": {"type": "integer"},
            "capital": {"type": "object", "properties": {"name": {"type": "string"}}},
        },
    },
}


@dataclass(frozen=True)
class Coordinator:
    """Whoever makes entity types and data connectors for an organization."""

    url: str
    key: str

    def asks(self, method: str, path: str, body: Any = None) -> httpx.Response:
        fields = {"x-bbk-auth-token": self.key}
        answer = httpx.request(method, f"{self.url}{path}", headers=fields, json=body, timeout=60)
        assert answer.is_success, answer.text
        return answer

    def connects(self, cid: str, *, live: bool, **changes: Any) -> "Contributor":
        """Make a data connector of `country`."""
        body = {"name": cid, "description": cid, **changes}
        made = self.asks("POST", f"/v1/entity/country/connector/{cid}", body).json()
        if live:
            self.asks("POST", f"/v1/entity/country/connector/{cid}/live")
        return Contributor(f"{self.url}/contributor/v1/connector/{made['id']}/session", made["token"])

    def tables(self) -> dict[str, list[str]]:
        """The tables that are shown to the organization, with their columns."""
        shown = self.asks("GET", "/api/v1/dataset").json()["tables"]
        return {table["name"]: [column["name"] for column in table["columns"]] for table in shown}


@dataclass(frozen=True)
class Contributor:
    """Whoever has the token of a data connector."""

    url: str
    token: str

    def asks(self, method: str, path: str, body: Any = None) -> httpx.Response:
        fields = {"x-bbk-auth-token": self.token}
        answer = httpx.request(method, f"{self.url}/{path}", headers=fields, json=body, timeout=60)
        assert answer.is_success, answer.text
        return answer

    def contributes(self, *records: dict[str, Any], delete: tuple[str, ...] = ()) -> None:
        """In a session of its own."""
        sid = self.asks("GET", "open/accrue").json()
        if records:
            self.asks("POST", f"{sid}/upsert", list(records))
        if delete:
            self.asks("POST", f"{sid}/delete", list(delete))
        self.asks("GET", f"{sid}/close/true")


@dataclass(frozen=True)
class Day:
    """All that takes part."""

    whole: Whole
    bucket: S3Config
    ours: Coordinator
    others: Coordinator
    began: datetime

    def exported(self, organization: str, connector: str, until: datetime) -> ExportTask:
        """A one-off export of `country`, from the hour in which the day began, when it has ended."""
        deployment = self.whole.installation.deployment
        definition = {
            "tables": [{"name": "country"}],
            "format": {"type": "parquet"},
            "subdirectory": "$export",
            "minutes_to_settle": 0,
            "first_hour": floor(self.began).isoformat(),
        }
        with writing(deployment.control) as connection:
            task = request_export(
                connection,
                deployment.secret_key,
                deployment.dataset_of(organization),
                organization=organization,
                connector=connector,
                definition=definition_from(definition),
                since=floor(self.began),
                until=until,
                origin="test",
            )

        def view() -> TaskView:
            with reading(deployment.control) as connection:
                return show_task(connection, organization, task.id)

        ended = (TaskStatus.FINISHED, TaskStatus.ERROR)
        self.whole.wait(lambda: view().status in ended, "the task ended")
        assert view().status is TaskStatus.FINISHED, view()
        return task

    def rows(self) -> list[dict[str, Any]]:
        """What lies in the bucket."""
        destination = self.bucket.open()
        files = [stored.key for stored in destination.list("") if stored.key.endswith(".parquet")]
        return [
            row
            for key in sorted(files)
            for row in pq.read_table(io.BytesIO(b"".join(destination.get(key)))).to_pylist()
        ]

    def receipts(self) -> list[tuple[Receipt, bytes]]:
        """Those in the bucket, each of which verifies."""
        destination = self.bucket.open()
        keys = [stored.key for stored in destination.list("") if "/_receipts/" in stored.key]
        assert keys
        for key in keys:
            found = verify(destination, key)
            assert found.ok, found
        return [(receipt_from(text, key), text) for key in keys for text in [b"".join(destination.get(key))]]


@pytest.fixture(params=["sqlite", "postgresql"])
def day(request: pytest.FixtureRequest, tmp_path: Path, s3_server: S3Server) -> Iterator[Day]:
    """The control database is on each kind."""
    on_postgresql = request.param == "postgresql"
    control_url = request.getfixturevalue("postgres_database") if on_postgresql else None
    bucket = s3_server.config(s3_server.new_bucket())
    with a_whole_service(tmp_path, control_url=control_url) as whole:
        connector_to(whole.installation, bucket)
        others = whole.api.organization()
        ours, theirs = (Coordinator(whole.api.url, whole.api.key(one)) for one in ("default", others))
        yield Day(whole, bucket, ours, theirs, datetime.now(UTC))


def a_country(id_: str, population: int | None = None, **entity: Any) -> dict[str, Any]:
    return {"id": id_, "name": id_.upper(), "entity": {"population": population, **entity}}


def said(target: str) -> Any:
    """Only one country's population is known."""
    return {"entity": {"population": 67_000_000}} if target.endswith("/country/gb") else []


def test_what_live_connectors_contribute_arrives_in_the_bucket_and_what_leaves_leaves_it(day: Day) -> None:
    for organization in (day.ours, day.others):
        organization.asks("POST", "/v1/entity/country", COUNTRY)
    with service(saying_of_each(said)) as webhook:
        wikipedia = day.ours.connects("wikipedia", live=True, webhook=f"{webhook.url}/hook")
        draft = day.ours.connects("draft", live=False)
        theirs = day.others.connects("wikipedia", live=True)
        wikipedia.contributes(
            a_country("gb", 1, capital={"name": "London", "river": "Thames"}), a_country("it", 59)
        )
        draft.contributes(a_country("nowhere", 0))
        theirs.contributes(a_country("elsewhere", 0))
        until = datetime.now(UTC)

        day.exported("default", CONNECTOR, until)

        assert {row["vendor_id"]: row["population"] for row in day.rows()} == {"gb": 67_000_000, "it": 59}
        (gb,) = [row for row in day.rows() if row["vendor_id"] == "gb"]
        assert (gb["record_name"], gb["connector"], gb["capital.name"]) == ("GB", "wikipedia", "London")
        assert gb["extra"] == '{"capital": {"river": "Thames"}}'
        assert day.began < gb["accepted_at"] < until
        assert sorted(set(webhook.asked)) == [
            "/hook/entity/country/gb",
            "/hook/entity/country/it",
        ]
        before = day.receipts()
        assert sum(receipt.rows for receipt, _ in before) == 2

        wikipedia.contributes(delete=("it",))
        day.exported("default", CONNECTOR, until)

        assert [row["vendor_id"] for row in day.rows()] == ["gb"]
        changed = [receipt for receipt, _ in day.receipts() if receipt.revision == 2]
        assert len(changed) == 1
        assert changed[0].supersedes in {digest_of(text) for _, text in before}

        day.ours.asks("DELETE", "/v1/entity/country/connector/wikipedia/live")
        day.exported("default", CONNECTOR, until)
        assert day.rows() == []


def test_another_organizations_entity_types_are_neither_shown_nor_exported(day: Day) -> None:
    day.ours.asks("POST", "/v1/entity/country", COUNTRY)
    day.others.asks("POST", "/v1/entity/country", {**COUNTRY, "schema": {}})
    day.others.asks("POST", "/v1/entity/city", COUNTRY)
    day.ours.connects("wikipedia", live=True).contributes(a_country("gb", 1))
    day.others.connects("wikipedia", live=True).contributes(a_country("elsewhere", 2))

    assert {*day.ours.tables()} == {"events", "country"}
    assert {*day.others.tables()} == {"events", "country", "city"}
    assert "population" in day.ours.tables()["country"]
    assert "population" not in day.others.tables()["country"]

    day.exported("default", CONNECTOR, datetime.now(UTC))

    assert [row["vendor_id"] for row in day.rows()] == ["gb"]
