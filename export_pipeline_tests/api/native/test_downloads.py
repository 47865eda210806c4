"""Links to a task's files, given out by the API and followed without a key."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from export_pipeline.control.tasks import delete_task
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import get_export
from export_pipeline_tests.api.conftest import Api, Somebody
from export_pipeline_tests.expiries import expire_task
from export_pipeline_tests.installations import ROWS_PER_HOUR, hours
from export_pipeline_tests.runs import deliver

TASKS = "/api/v1/tasks"
RANGE = {"export": "events", "since": "2026-01-05T01:00:00Z", "until": "2026-01-05T04:00:00Z"}


@pytest.fixture
def task(api: Api, admin: Somebody) -> str:
    """Three hours, delivered to `direct_download`; the last has no rows."""
    made = admin.export(connector="direct_download")
    id_: str = admin.post(TASKS, json=RANGE).json()["id"]
    with reading(api.installation.deployment.control) as connection:
        export = get_export(connection, made["id"])
    assert not deliver(api.installation, export, hours(1, 3)).failed
    return id_


def pages(admin: Somebody, task: str, limit: int) -> Iterator[dict[str, Any]]:
    cursor = None
    while True:
        asked = {"limit": limit, **({"cursor": cursor} if cursor else {})}
        page = admin.get(f"{TASKS}/{task}/downloads", params=asked).json()
        yield page
        if (cursor := page["next"]) is None:
            return


def test_every_file_has_a_link_that_needs_no_key(admin: Somebody, task: str) -> None:
    first, second = pages(admin, task, 2)

    files = [*first["files"], *second["files"]]
    assert [(one["hour"], one["table"], one["rows"]) for one in files] == [
        ("2026-01-05-01:00", "events", ROWS_PER_HOUR),
        ("2026-01-05-02:00", "events", ROWS_PER_HOUR),
        ("2026-01-05-03:00", "events", 0),
    ]
    for one in files:
        got = httpx.get(one["link"])
        assert (got.status_code, len(got.content)) == (200, one["bytes"])
        assert hashlib.sha256(got.content).hexdigest() == one["sha256"]
    lasts = datetime.fromisoformat(first["expires_at"]) - datetime.now(UTC)
    assert 0 < lasts.total_seconds() <= 3600


def test_one_link_has_all_of_them_in_a_zip(admin: Somebody, task: str) -> None:
    got = httpx.get(admin.get(f"{TASKS}/{task}/downloads").json()["archive"])

    assert got.headers["Content-Disposition"] == 'attachment; filename="events.zip"'
    with zipfile.ZipFile(io.BytesIO(got.content)) as found:
        assert len(found.read("events.csv").splitlines()) == 1 + 2 * ROWS_PER_HOUR


def test_a_task_whose_files_are_not_here_yet_or_ever_says_so(admin: Somebody) -> None:
    admin.lake()
    answers = {}
    for export, connector in (("there", "lake"), ("here", "direct_download")):
        admin.export(export, connector=connector)
        id_ = admin.post(TASKS, json={**RANGE, "export": export}).json()["id"]
        answers[connector] = admin.get(f"{TASKS}/{id_}/downloads")

    assert [answer.status_code for answer in answers.values()] == [409, 409]
    assert "delivers to the connector 'lake': fetch its files there" in answers["lake"].json()["detail"]
    queued = answers["direct_download"].json()
    assert "is QUEUED: its files are to be had when it is FINISHED" in queued["detail"]
    assert queued["allowed"] == ["cancel"]


def test_after_the_files_have_expired_neither_links_nor_lists_lead_to_them(
    api: Api, admin: Somebody, task: str
) -> None:
    given = admin.get(f"{TASKS}/{task}/downloads").json()

    expire_task(api.installation, task)

    assert httpx.get(given["files"][0]["link"]).status_code == 410
    assert httpx.get(given["archive"]).status_code == 410
    answer = admin.get(f"{TASKS}/{task}/downloads")
    assert (answer.status_code, "ask for its hours anew" in answer.json()["detail"]) == (410, True)


def test_of_a_deleted_export_neither_links_nor_lists_lead_to_files(admin: Somebody, task: str) -> None:
    given = admin.get(f"{TASKS}/{task}/downloads").json()

    assert admin.delete("/api/v1/exports/events").is_success

    assert httpx.get(given["files"][0]["link"]).status_code == 410
    assert httpx.get(given["archive"]).status_code == 410
    answer = admin.get(f"{TASKS}/{task}/downloads")
    assert (answer.status_code, "was deleted" in answer.json()["detail"]) == (410, True)


def test_a_deleted_task_and_anothers_have_none(api: Api, admin: Somebody, task: str) -> None:
    given = admin.get(f"{TASKS}/{task}/downloads").json()
    with api.client(api.key(api.organization())) as stranger:
        assert stranger.get(f"{TASKS}/{task}/downloads").status_code == 404
    with api.client(api.key(admin.organization, "connectors:edit")) as colleague:
        assert colleague.get(f"{TASKS}/{task}/downloads").status_code == 403
    with writing(api.installation.deployment.control) as connection:
        delete_task(connection, admin.organization, task, by="test")

    assert admin.get(f"{TASKS}/{task}/downloads").status_code == 410
    assert httpx.get(given["files"][0]["link"]).status_code == 410
