"""Tasks from the command line: requested, listed, shown, watched."""

import re
from getpass import getuser

import pytest

from export_pipeline.store.database import writing
from export_pipeline.store.tasks import start_task
from export_pipeline_tests.cli.conftest import CallCli
from export_pipeline_tests.cli.deliveries import deliver, fail
from export_pipeline_tests.expiries import expire_task
from export_pipeline_tests.installations import Installation, hours

THREE_HOURS = ("--from", "2026-01-05T00:00:00Z", "--to", "2026-01-05-03:00")


def test_a_task_is_requested(call_cli: CallCli, installation: Installation) -> None:
    installation.export()

    task = call_cli("task", "create", "events", *THREE_HOURS, "--force", "--json").document

    assert (task["export"], task["status"], task["progress"], task["force"]) == ("events", "QUEUED", 0, True)
    assert (task["since"], task["until"]) == ("2026-01-05T00:00:00Z", "2026-01-05T03:00:00Z")
    assert task["hours"] == {"wanted": 3, "delivered": 0, "failed": 0}


def test_people_hear_how_to_watch_it(call_cli: CallCli, installation: Installation) -> None:
    installation.export()

    said = call_cli("task", "create", "events", *THREE_HOURS).out

    (task,) = call_cli("task", "list", "--json").document["tasks"]
    assert said == (
        f"requested 3 hours of events as task {task['id']}\n"
        f"see how far it is: export-pipeline task watch {task['id']}\n"
    )


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        (
            "2026-01-05T03:00:00Z",
            "2026-01-05T03:00:00Z",
            "--to: 2026-01-05T03:00:00+00:00 is not after the start, 2026-01-05T03:00:00+00:00",
        ),
        ("2026-01-05T03:00:00", "2026-01-05T04:00:00Z", "--from: '2026-01-05T03:00:00' names no zone; add Z"),
        (
            "2026-01-05T03:30:00Z",
            "2026-01-05T05:00:00Z",
            "--from: 2026-01-05T03:30:00+00:00 is not on the hour",
        ),
        ("2025-12-31T00:00:00Z", "2026-01-05T05:00:00Z", "--from: the export begins at 2026-01-05"),
    ],
)
def test_a_range_that_cannot_be_is_refused(
    call_cli: CallCli, installation: Installation, since: str, until: str, message: str
) -> None:
    installation.export()

    result = call_cli("task", "create", "events", "--from", since, "--to", until)

    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"error: {message}")
    assert not re.search(r"\b(since|until)\b", result.err)
    assert call_cli("task", "list", "--json").document == {"tasks": []}


def test_another_part_of_an_hour_is_refused_by_what_was_typed(
    call_cli: CallCli, installation: Installation
) -> None:
    installation.export(standing=False)
    begins = ("--from", "2026-01-05T00:00:00Z")
    call_cli("task", "create", "events", *begins, "--to", "2026-01-05T00:20:00Z")

    result = call_cli("task", "create", "events", *begins, "--to", "2026-01-05T00:40:00Z")

    assert (result.code, result.err.startswith("error: --from, --to: task ")) == (2, True)


def test_no_tasks_is_a_hint(call_cli: CallCli) -> None:
    assert "export-pipeline task create" in call_cli("task", "list").out


def test_the_tasks_of_one_export_are_listed(call_cli: CallCli, installation: Installation) -> None:
    installation.export("events-a")
    installation.export("events-b")
    call_cli("task", "create", "events-a", *THREE_HOURS)
    call_cli("task", "create", "events-b", *THREE_HOURS)

    lines = call_cli("task", "list", "--export", "events-b").out.splitlines()

    assert [line.split()[1] for line in lines if "events-" in line] == ["events-b"]


def test_a_task_is_shown_with_its_failures(call_cli: CallCli, installation: Installation) -> None:
    export = installation.export()
    task = call_cli("task", "create", "events", *THREE_HOURS, "--json").document["id"]
    deliver(installation, export, hours(0, 1))
    fail(installation, export, hours(2, 2))

    shown = call_cli("task", "show", task)

    assert (shown.code, "ERROR" in shown.out) == (0, True)
    assert "2 of 3 delivered, 1 failed" in shown.out
    assert "2026-01-05T02:00:00Z  upload: not allowed to write" in shown.out


def test_a_task_that_is_not_there_is_refused(call_cli: CallCli) -> None:
    assert call_cli("task", "show", "42").code == 2


def test_a_queued_task_is_cancelled_at_once_and_tried_again(
    call_cli: CallCli, installation: Installation
) -> None:
    installation.export()
    task = call_cli("task", "create", "events", *THREE_HOURS, "--json").document["id"]

    cancelled = call_cli("task", "cancel", task)
    shown = call_cli("task", "show", task, "--json").document
    retried = call_cli("task", "retry", task)
    again = call_cli("task", "show", task, "--json").document

    assert "had not begun" in cancelled.out
    assert (shown["status"], shown["error"]) == (
        "ERROR",
        f"cancelled by {getuser()} at {shown['ended_at'][:19]}Z",
    )
    assert "3 of 3 hours are left to deliver" in retried.out
    assert (again["status"], again["error"], again["cancel_requested_at"]) == ("QUEUED", None, None)


def test_a_task_that_is_under_way_is_said_to_stop(call_cli: CallCli, installation: Installation) -> None:
    installation.export()
    task = call_cli("task", "create", "events", *THREE_HOURS, "--json").document["id"]
    with writing(installation.deployment.control) as connection:
        start_task(connection, task)

    assert "stops now" in call_cli("task", "cancel", task).out
    assert f"cancelled by {getuser()}" in call_cli("task", "show", task).out
    assert call_cli("task", "show", task, "--json").document["status"] == "STARTED"


def test_what_is_not_under_way_is_not_cancelled_and_what_did_not_fail_not_retried(
    call_cli: CallCli, installation: Installation
) -> None:
    export = installation.export()
    task = call_cli("task", "create", "events", *THREE_HOURS, "--json").document["id"]
    queued = call_cli("task", "retry", task)
    deliver(installation, export, hours(0, 2))
    finished = call_cli("task", "cancel", task)

    assert (queued.code, "is QUEUED" in queued.err) == (2, True)
    assert (finished.code, "is FINISHED: there is nothing to cancel" in finished.err) == (2, True)


def test_a_task_whose_files_have_expired_says_since_when(
    call_cli: CallCli, installation: Installation
) -> None:
    export = installation.export()
    task = call_cli("task", "create", "events", *THREE_HOURS, "--json").document
    deliver(installation, export, hours(0, 2))
    assert call_cli("task", "show", task["id"], "--json").document["expired_at"] is None
    assert "expired" not in call_cli("task", "show", task["id"]).out

    expire_task(installation, task["id"])

    shown = call_cli("task", "show", task["id"], "--json").document
    assert (shown["status"], shown["hours"]["delivered"]) == ("FINISHED", 3)
    (line,) = [line for line in call_cli("task", "show", task["id"]).out.splitlines() if "expired" in line]
    assert line.split() == ["files", "expired", "at", f"{shown['expired_at'][:19]}Z"]
