"""Tasks from request to file, and a run that is killed, under a real daemon."""

import os
import shutil
import signal
from pathlib import Path

import psutil

from export_pipeline.control.tasks import TaskView, create_task, show_task
from export_pipeline.exports.export import Export
from export_pipeline.exports.task import TaskStatus
from export_pipeline.receipts.verifying import verify
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import find_export
from export_pipeline.windows import ONE_HOUR
from export_pipeline_tests.acceptance.conftest import Services
from export_pipeline_tests.installations import FIRST, HOURS, hours
from export_pipeline_tests.runs import ledger


def request(services: Services, how_many: int) -> str:
    with writing(services.installation.deployment.control) as connection:
        return create_task(
            connection,
            organization="default",
            export="events",
            since=FIRST,
            until=FIRST + how_many * ONE_HOUR,
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
    export = export_with_many_rows(services)
    task = request(services, HOURS)
    services.wait(lambda: len(ledger(installation, export)) >= 2, "the run at work")
    killed = kill_the_run()
    delivered = len(ledger(installation, export))
    assert killed
    assert delivered < HOURS, "it was killed too late to show anything"
    services.wait(
        lambda: view(services, task).status is TaskStatus.FINISHED, "the task finished all the same"
    )
    assert_proven_by_two_runs(services, export)


def test_a_backfills_run_killed_is_begun_anew_though_nothing_is_left_of_what_it_staged(
    services: Services,
) -> None:
    """As on another machine. Its job is Dagster's own, of which a run that died is retried in the middle."""
    installation = services.installation
    export = export_with_many_rows(services)
    keys = [window.key for window in hours(0, HOURS - 1)]
    backfill = services.webserver.launch_backfill([["exports", "events"]], keys, "to be killed")
    services.wait(lambda: len(ledger(installation, export)) >= 2, "the run at work")
    killed = kill_the_run()
    assert killed
    services.wait(lambda: is_dead(killed), "the run's process has ended")
    shutil.rmtree(installation.folder / "staging")
    assert len(ledger(installation, export)) < HOURS, "it was killed too late to show anything"
    services.wait(lambda: len(ledger(installation, export)) == HOURS, "all hours delivered all the same")
    services.wait(
        lambda: sorted(services.webserver.runs_of_backfill(backfill).values()) == ["FAILURE", "SUCCESS"],
        "the second run ended well",
    )
    assert_proven_by_two_runs(services, export)
    left = {path.suffix for path in (installation.folder / "dagster/storage").rglob("*") if path.is_file()}
    assert left <= {".out", ".err", ".complete"}, "something but Dagster's own logs"


def export_with_many_rows(services: Services) -> Export:
    """Rows enough that a run is still at work when it is killed."""
    services.installation.change_source(
        "INSERT INTO events SELECT happened_at + to_microseconds(j), id * 100000 + j + 1000, kind, amount"
        " FROM events, range(4000) AS more(j)"
    )
    with reading(services.installation.deployment.control) as connection:
        return find_export(connection, "default", "events")


def assert_proven_by_two_runs(services: Services, export: Export) -> None:
    """Every hour delivered once, with all its rows, by the run that was killed or the one after it."""
    entries = ledger(services.installation, export)
    assert [entry.revision for entry in entries] == [1] * HOURS
    assert len({entry.run_id for entry in entries}) == 2
    destination = services.installation.deployment.connector(export.connector_id).open()
    assert not [problem for entry in entries for problem in verify(destination, entry.receipt_key).problems]
    assert sum(entry.rows for entry in entries) == 20 * 23 * 4001


def is_dead(process: int) -> bool:
    """Whether it does nothing any more, though its parent may not have noticed."""
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def kill_the_run() -> int | None:
    """SIGKILL for the process that Dagster's code server made for the run; its id, if there was one."""
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
            return int(process.name)
    return None
