"""A task that is cancelled under way, and tried again: by a real daemon, into a store that takes its time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
import pytest

from export_pipeline_tests.api.whole import Whole, a_whole_service
from export_pipeline_tests.buckets import connector_to
from export_pipeline_tests.installations import HOURS
from export_pipeline_tests.runs import ledger
from export_pipeline_tests.servers.fault_proxy import Fault, Request, fault_proxy
from export_pipeline_tests.servers.s3 import S3Server

TASKS = "/api/v1/tasks"
DAY = {"export": "events", "since": "2026-01-05T00:00:00Z", "until": "2026-01-06T00:00:00Z"}


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    with a_whole_service(tmp_path) as service:
        yield service


def a_slow_one(request: Request) -> Fault | None:
    return Fault.SLOW if request.method == "PUT" else None


def port_of(server: S3Server) -> int:
    port = urlsplit(server.endpoint_url).port
    assert port is not None
    return port


def runs_of(whole: Whole) -> list[str]:
    """How Dagster's runs ended, or how they are."""
    with dg.DagsterInstance.from_config(str(whole.installation.folder / "dagster")) as instance:
        return [run.status.value for run in instance.get_runs()]


def test_a_task_under_way_ends_within_seconds_and_goes_on_where_it_was(
    whole: Whole, s3_server: S3Server
) -> None:
    with (
        fault_proxy(port_of(s3_server), a_slow_one) as slow,
        whole.api.client(whole.api.key("default", "exports:edit")) as http,
    ):
        bucket = s3_server.config(s3_server.new_bucket(), endpoint_url=slow.url)
        connector_to(whole.installation, bucket, name="lake")
        export = whole.installation.export(connector="lake", standing=False)

        def task() -> dict[str, Any]:
            shown: dict[str, Any] = http.get(address).json()
            return shown

        address = http.post(TASKS, json=DAY).headers["Location"]
        whole.wait(lambda: task()["hours"]["delivered"] > 0, "the first hour")
        assert http.post(f"{address}/cancel").status_code == 200
        whole.wait(lambda: task()["ended_at"] is not None, "the cancelled task's end")

        ended = task()
        assert ended["status"] == "ERROR"
        assert ended["error"].startswith("cancelled by test at 2")
        kept = {entry.hour: entry for entry in ledger(whole.installation, export)}
        assert 0 < len(kept) == ended["hours"]["delivered"] < HOURS
        assert ended["failures"] == []
        whole.wait(lambda: "CANCELED" in runs_of(whole), "Dagster shows the run as cancelled")

        assert http.post(f"{address}/retry").status_code == 200
        whole.wait(lambda: task()["status"] == "FINISHED", "the rest of the hours")
        after = {entry.hour: entry for entry in ledger(whole.installation, export)}
        assert len(after) == HOURS
        assert {hour: after[hour] for hour in kept} == kept
