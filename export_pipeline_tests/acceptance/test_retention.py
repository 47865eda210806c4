"""Retention by the real daemon: its schedule runs from the start, and a run of it deletes what is due."""

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import find_export
from export_pipeline.store.schema import HOURS
from export_pipeline_tests.acceptance.commands import dagster
from export_pipeline_tests.acceptance.conftest import Services
from export_pipeline_tests.installations import Installation, hours
from export_pipeline_tests.runs import deliver, ledger


@pytest.fixture(autouse=True)
def _a_week(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files stay for seven days, as every process of the test is told."""
    monkeypatch.setenv("EXPORT_PIPELINE_DOWNLOAD_DAYS", "7")


def asked(services: Services, query: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{services.webserver.url}/graphql",
        json.dumps({"query": query}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        data: dict[str, Any] = json.load(response)["data"]
    return data


def files(installation: Installation) -> int:
    return len([*(installation.downloads / "events").glob("*.csv")])


def test_the_daemon_deletes_what_has_expired(services: Services) -> None:
    installation = services.installation
    with reading(installation.deployment.control) as connection:
        export = find_export(connection, "default", "events")
    deliver(installation, export, hours(0, 2))
    with writing(installation.deployment.control) as connection:
        eight_days_ago = datetime.now(UTC) - timedelta(days=8)
        old = HOURS.c.hour < hours(2, 2)[0].start
        connection.execute(HOURS.update().where(old).values(proven_at=eight_days_ago))

    query = (
        "{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError {"
        " ... on RepositoryLocation { repositories { schedules { name scheduleState { status } } } }"
        " } } } } }"
    )
    (entry,) = asked(services, query)["workspaceOrError"]["locationEntries"]
    (repository,) = entry["locationOrLoadError"]["repositories"]
    states = {one["name"]: one["scheduleState"]["status"] for one in repository["schedules"]}
    assert states["retention_daily"] == "RUNNING"

    dagster("job", "launch", "-w", "workspace.yaml", "-j", "retention", environ=services.environ)
    services.wait(lambda: files(installation) == 1, "files that have expired are gone")
    services.wait(
        lambda: [bool(one.removed_at) for one in ledger(installation, export)] == [True, True, False],
        "the ledger knows",
    )
