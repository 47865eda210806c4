"""Tasks from request to file, and a run that is killed, under a real daemon."""

import os
import signal
from pathlib import Path

from export_pipeline.control.tasks import TaskView, create_task, show_task
from export_pipeline.exports.task import TaskStatus
from export_pipeline.receipts.verifying import verify
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import find_export
from export_pipeline.windows import ONE_HOUR
from export_pipeline_tests.acceptance.conftest import Services
from export_pipeline_tests.installations import FIRST, HOURS
from export_pipeline_tests.runs import ledger


def request(services: Services, hours: int) -> str:
    with writing(services.installation.deployment.control) as connection:
        return create_task(
            connection, organization="default", export="events", since=FIRST, until=FIRST + hours * ONE_HOUR
        ).id


def view(services: Services, task: str) -> TaskView:
    with reading(services.installation.deployment.control) as connection:
        return show_task(connection, "default", task)


def test_a_requested_task_is_picked_up_and_finished(services: Services) -> None:
    task = request(services, 6)
    services.wait(lambda: view(services, task).status is TaskStatus.FINISHED, "the task finished")
    assert view(services, task).progress == 100
    assert view(services, task).counts.delivered == 6


def test_a_run_killed_in_the_middle_is_begun_anew_and_ends_correct(services: Services) -> None:
    """Run monitoring finds that its process is gone, and the run is tried again by itself."""
    installation = services.installation
    with reading(installation.deployment.control) as connection:
        export = find_export(connection, "default", "events")
    # Rows enough that the run is still at work when it is killed.
    installation.change_source(
        "INSERT INTO events SELECT happened_at + to_microseconds(j), id * 100000 + j + 1000, kind, amount"
        " FROM events, range(4000) AS more(j)"
    )
    task = request(services, HOURS)
    services.wait(lambda: len(ledger(installation, export)) >= 2, "the run at work")
    killed = kill_the_run()
    delivered = len(ledger(installation, export))
    assert killed
    assert delivered < HOURS, "it was killed too late to show anything"
    services.wait(
        lambda: view(services, task).status is TaskStatus.FINISHED, "the task finished all the same"
    )
    entries = ledger(installation, export)
    assert [entry.revision for entry in entries] == [1] * HOURS
    assert len({entry.run_id for entry in entries}) == 2
    destination = installation.deployment.connector(export.connector_id).open()
    assert not [problem for entry in entries for problem in verify(destination, entry.receipt_key).problems]
    assert sum(entry.rows for entry in entries) == 20 * 23 * 4001


def kill_the_run() -> bool:
    """SIGKILL for the process that Dagster's code server made for the run."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            environ = (process / "environ").read_bytes()
        except OSError:
            continue
        if f"PYTEST_CURRENT_TEST={os.environ['PYTEST_CURRENT_TEST'].split(' ')[0]}".encode() not in environ:
            continue
        if any(b"spawn_main" in part for part in command):
            os.kill(int(process.name), signal.SIGKILL)
            return True
    return False
