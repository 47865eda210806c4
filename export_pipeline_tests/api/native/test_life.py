"""The whole life of an export over our own API: from a connector to proven files in a bucket, by a real
daemon; the control database on SQLite and on PostgreSQL.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from export_pipeline.receipts.verifying import verify
from export_pipeline_tests.api.whole import Whole, a_whole_service
from export_pipeline_tests.installations import ROWS_PER_HOUR
from export_pipeline_tests.servers.s3 import S3Server

API = "/api/v1"


@pytest.fixture(params=["sqlite", "postgresql"])
def whole(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Whole]:
    on_postgresql = request.param == "postgresql"
    url = request.getfixturevalue("postgres_database") if on_postgresql else None
    with a_whole_service(tmp_path, control_url=url) as service:
        yield service


def a_bucket(server: S3Server, name: str) -> dict[str, Any]:
    return {
        "type": "s3",
        "bucket": name,
        "prefix": "acme",
        "region": "eu-central-1",
        "endpoint_url": server.endpoint_url,
        "access_key_id": server.writer.access_key_id,
        "secret_access_key": server.writer.secret_access_key,
        "read": {
            "access_key_id": server.reader.access_key_id,
            "secret_access_key": server.reader.secret_access_key,
        },
    }


def a_late_row_is_in(whole: Whole) -> bool:
    """Whether the source took one more row of the second hour. DuckDB takes none while a run reads it."""
    try:
        whole.installation.change_source(
            "INSERT INTO events VALUES ('2026-01-05 01:30:00+00', 1000, 'kind 2', 1)"
        )
    except duckdb.IOException:
        return False
    return True


def test_the_whole_life_of_an_export(whole: Whole, s3_server: S3Server) -> None:
    name = s3_server.new_bucket()
    organization = whole.api.organization()
    key = whole.api.key(organization, "connectors:edit", "exports:edit")
    with whole.api.client(key) as http:

        def asked(method: str, path: str, **given: Any) -> dict[str, Any]:
            answer = http.request(method, API + path, **given)
            assert answer.is_success, answer.text
            document: dict[str, Any] = answer.json()
            return document

        def running() -> bool:
            found = asked("GET", "/connectors/lake")
            assert found["state"] != "FAILED", found
            return bool(found["state"] == "RUNNING")

        def deliver(first: str, last: str, **changes: Any) -> None:
            hours = {"since": f"2026-01-05T{first}:00:00Z", "until": f"2026-01-05T{last}:00:00Z"}
            task = asked("POST", "/tasks", json={"export": "events", **hours, **changes})
            whole.wait(lambda: asked("GET", f"/tasks/{task['id']}")["ended_at"] is not None, "the task's end")
            assert asked("GET", f"/tasks/{task['id']}")["status"] == "FINISHED"

        asked("POST", "/connectors", json={"name": "lake", "config": a_bucket(s3_server, name)})
        whole.wait(running, "the connector was checked and runs")

        asked("POST", "/filters", json={"name": "even", "text": "kind == 'kind 2' OR kind == 'kind 4'"})
        definition = {
            "tables": [{"name": "events", "columns": ["id", "kind"], "filter": "$even"}],
            "format": "csv.gz",
            "subdirectory": "events/$date",
            "first_hour": "2026-01-05T00:00:00Z",
            "until": "2026-01-05T04:00:00Z",
        }
        body = {"name": "events", "connector": "lake", "definition": definition}
        tried = asked("POST", "/exports/dry-run", json=body)
        asked("POST", "/exports", json=body)
        deliver(first="00", last="04")
        whole.wait(lambda: a_late_row_is_in(whole), "the run let go of the source's file")
        deliver(first="01", last="02", force=True)

        coverage = asked("GET", "/exports/events/coverage")
        assert (coverage["hours"], coverage["failed"]) == (4, 0)
        receipts = asked("GET", "/exports/events/receipts")["receipts"]
        assert [receipt["revision"] for receipt in receipts] == [1, 2, 1, 1]
        destination = s3_server.config(name, prefix="acme").open()
        rows = 0
        for receipt in receipts:
            proof = verify(destination, receipt["key"])
            assert proof.ok, proof.problems
            rows += receipt["rows"]
        assert rows == coverage["rows"] == tried["rows"]["events"] + 1 > ROWS_PER_HOUR / 2
        text = gzip.decompress(
            b"".join(destination.get("events/2026-01-05/2026-01-05-01-00.csv.gz"))
        ).decode()
        header, *lines = text.splitlines()
        assert header == "id,kind"
        assert {line.split(",")[1] for line in lines} == {"kind 2", "kind 4"}

        asked("DELETE", "/exports/events")
        assert http.get(f"{API}/exports/events").status_code == 404
        asked("POST", "/connectors/lake/stop")
        asked("DELETE", "/connectors/lake")
    assert [*destination.list("events")] != []  # a customer's bucket is the customer's
    assert httpx.get(f"{whole.api.url}{API}/connectors").status_code == 401
