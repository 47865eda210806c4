"""Tasks over the API."""

from datetime import UTC, datetime
from typing import Any

import pytest

from export_pipeline.store.database import reading
from export_pipeline.store.exports import get_export
from export_pipeline_tests.api.conftest import Api, Somebody
from export_pipeline_tests.expiries import expire_task
from export_pipeline_tests.installations import hours
from export_pipeline_tests.runs import deliver

TASKS = "/api/v1/tasks"
RANGE = {"export": "events", "since": "2026-01-05T01:00:00Z", "until": "2026-01-05T04:00:00Z"}


@pytest.fixture
def events(admin: Somebody) -> Somebody:
    admin.lake()
    admin.export()
    return admin


def test_hours_are_asked_for_and_watched(events: Somebody) -> None:
    made = events.post(TASKS, json=RANGE)

    assert made.status_code == 201
    task = made.json()
    assert made.headers["Location"] == f"{TASKS}/{task['id']}"
    assert (task["status"], task["progress"]) == ("QUEUED", 0)
    assert task["hours"] == {"wanted": 3, "delivered": 0, "failed": 0}
    assert "lake" in task["waits_for"]
    assert events.get(f"{TASKS}/{task['id']}").json() == task


@pytest.mark.parametrize(
    ("changes", "status", "fields"),
    [
        ({"export": "nothing"}, 404, []),
        ({"until": RANGE["since"]}, 400, ["until"]),
        ({"since": "2025-01-01T00:00:00Z"}, 400, ["since"]),
        ({"since": "2026-01-05T01:00:00"}, 400, ["since"]),
        ({"since": "2026-01-05T01:30:00Z"}, 400, ["since"]),
        ({"since": "0001-01-01T00:00:00+23:00"}, 400, ["since"]),
        ({"until": "9999-12-31T23:59:59-23:00"}, 400, ["until"]),
        ({"force": "no idea"}, 400, ["force"]),
    ],
    ids=str,
)
def test_what_is_wrong_is_named_and_nothing_is_asked_for(
    events: Somebody, changes: dict[str, Any], status: int, fields: list[str]
) -> None:
    refused = events.post(TASKS, json={**RANGE, **changes})

    assert refused.status_code == status
    assert [fault["field"] for fault in refused.json()["faults"]] == fields
    assert events.get(TASKS).json()["tasks"] == []


def test_the_newest_task_is_listed_first(events: Somebody) -> None:
    events.export("others")
    ids = [events.post(TASKS, json=RANGE).json()["id"] for _ in range(3)]
    events.post(TASKS, json={**RANGE, "export": "others"})

    first = events.get(TASKS, params={"export": "events", "limit": 2}).json()
    events.post(TASKS, json=RANGE)
    second = events.get(TASKS, params={"export": "events", "cursor": first["next"]}).json()

    assert [one["id"] for page in (first, second) for one in page["tasks"]] == ids[::-1]
    assert events.get(TASKS, params={"export": "nothing"}).status_code == 404


def test_a_task_is_cancelled_and_tried_again(events: Somebody) -> None:
    id_ = events.post(TASKS, json=RANGE).json()["id"]

    assert events.post(f"{TASKS}/{id_}/retry").status_code == 409  # it is queued
    cancelled = events.post(f"{TASKS}/{id_}/cancel").json()
    assert cancelled["status"] == "ERROR"
    assert "cancelled by test" in cancelled["error"]
    assert cancelled["ended_at"]
    assert events.post(f"{TASKS}/{id_}/cancel").status_code == 409  # it has ended
    assert events.post(f"{TASKS}/{id_}/retry").json()["status"] == "QUEUED"
    actions = [one["action"] for one in events.get("/api/v1/audit").json()["entries"]]
    assert actions[:3] == ["task.retry", "task.cancel", "task.create"]


def test_a_task_whose_files_have_expired_says_since_when_and_receipts_stay(api: Api, admin: Somebody) -> None:
    deployment = api.installation.deployment
    made = admin.export(connector="direct_download")
    task = admin.post(TASKS, json=RANGE).json()
    with reading(deployment.control) as connection:
        export = get_export(connection, made["id"])
    assert not deliver(api.installation, export, hours(1, 3)).failed
    where = "/api/v1/exports/events"
    assert admin.get(f"{TASKS}/{task['id']}").json()["expired_at"] is None
    before = admin.get(f"{where}/receipts/2026-01-05-01:00").content

    expire_task(api.installation, task["id"])

    shown = admin.get(f"{TASKS}/{task['id']}").json()
    assert (shown["status"], shown["progress"]) == ("FINISHED", 100)
    assert abs((datetime.now(UTC) - datetime.fromisoformat(shown["expired_at"])).total_seconds()) < 600
    coverage = admin.get(f"{where}/coverage").json()
    assert (coverage["hours"], coverage["expired_hours"]) == (3, 3)
    receipts = admin.get(f"{where}/receipts").json()["receipts"]
    assert [one["expired_at"] for one in receipts] == [shown["expired_at"]] * 3
    assert admin.get(f"{where}/receipts/2026-01-05-01:00").content == before

    later = admin.post(TASKS, json=RANGE).json()  # asks for files that are there no more
    assert (later["status"], later["hours"]["delivered"]) == ("QUEUED", 0)
    assert not deliver(api.installation, export, hours(1, 3)).failed
    assert admin.get(f"{TASKS}/{later['id']}").json()["hours"]["delivered"] == 3
    assert admin.get(f"{where}/coverage").json()["expired_hours"] == 0
