"""The whole life of jobs: a link to fetch, and a file in a bucket; a real daemon does them."""

import csv
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from export_pipeline_tests.api.botify.asking import JOBS, a_payload
from export_pipeline_tests.api.managed.test_life import a_bucket
from export_pipeline_tests.api.whole import Whole, a_whole_service
from export_pipeline_tests.servers.s3 import S3Server


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    with a_whole_service(tmp_path) as service:
        yield service


def rows_of(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(gzip.decompress(data).decode(), newline="")))


def test_the_whole_life_of_jobs(whole: Whole, s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    key = whole.api.key("default", "exports:edit", "connectors:edit")
    headers = {"Authorization": f"Token {key}"}
    with httpx.Client(base_url=whole.api.url, headers=headers, timeout=60) as http:
        assert http.post("/connectors/lake", json=a_bucket(s3_server, bucket)).status_code == 201
        lake = http.get("/v1/connectors/default").json()["results"][0]
        assert (lake["type"], lake["name"]) == ("s3", f"s3://{bucket}")

        def ask(**changes: Any) -> str:
            body = {"job_type": "export", "payload": a_payload("default", **changes)}
            made = http.post(JOBS, json=body)
            assert made.status_code == 201, made.text
            return str(made.json()["job_url"])

        few = {"field": "events.kind", "predicate": "eq", "value": "kind 1"}
        fetched = ask(export_size=50)
        query = {"query": {"dimensions": ["events.id", "events.kind"], "filters": few}}
        stored = ask(
            connector=lake["id"],
            extra_config={"subdirectory": "$crawl.year-$crawl.month_2digits", "push_helpers": True},
            query=query,
        )
        jobs: dict[str, Any] = {}

        def done() -> bool:
            jobs.update({url: http.get(url).json() for url in (fetched, stored)})
            assert all(job["job_status"] != "FAILED" for job in jobs.values()), jobs
            return all(job["job_status"] == "DONE" for job in jobs.values())

        whole.wait(done, "both jobs done")

        results = jobs[fetched]["results"]
        assert results["nb_lines"] == 50
        file = httpx.get(results["download_url"])  # without a key
        assert file.headers["Content-Type"] == "application/gzip"
        assert 'filename="data.csv.gz"' in file.headers["Content-Disposition"]
        rows = rows_of(file.content)
        assert [int(row["id"]) for row in rows] == [*range(50)]

        results = jobs[stored]["results"]
        assert results["download_url"] is None
        destination = s3_server.config(bucket).open()
        rows = rows_of(b"".join(destination.get("2026-01/data.csv.gz")))
        assert results["nb_lines"] == len(rows) > 0
        assert {row["kind"] for row in rows} == {"kind 1"}
        assert any("_schemas/" in stored.key for stored in destination.list(""))
        listed = http.get(JOBS).json()
        assert (listed["count"], [job["job_url"] for job in listed["results"]]) == (2, [stored, fetched])
