"""A run whose task is cancelled stops by itself, leaves nothing half-visible, and blames no hour."""

import threading
import time

import dagster as dg
import pytest

from export_pipeline.control.tasks import TaskView, cancel_task, retry_task, show_task
from export_pipeline.exports.export import Export
from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.exports.task import ExportTask, TaskStatus
from export_pipeline.orchestration.cancelling import cancellable
from export_pipeline.orchestration.order import Order, order_of
from export_pipeline.pipeline.progress import Cancelled
from export_pipeline.store.claims import claims_between
from export_pipeline.store.database import reading, writing
from export_pipeline.store.tasks import start_task
from export_pipeline.windows import ONE_HOUR
from export_pipeline_tests.installations import FIRST, HOURS, Installation, hours
from export_pipeline_tests.orchestration.test_jobs import a_task, run_task
from export_pipeline_tests.runs import deliver, ledger


def cancel(installation: Installation, task: ExportTask) -> TaskView:
    with writing(installation.deployment.control) as connection:
        return cancel_task(connection, "default", task.id, by="Anna")


def shown(installation: Installation, task: ExportTask) -> TaskView:
    with reading(installation.deployment.control) as connection:
        return show_task(connection, "default", task.id)


def cancel_once_it_reads(installation: Installation, task: ExportTask) -> threading.Thread:
    """Cancel a task as soon as its run waits for the source."""

    def wait_and_cancel() -> None:
        give_up = time.monotonic() + 120
        while not any(thread.name == "waiting for the source" for thread in threading.enumerate()):
            if time.monotonic() > give_up:
                return
            time.sleep(0.01)
        cancel(installation, task)

    thread = threading.Thread(target=wait_and_cancel)
    thread.start()
    return thread


def without_end(installation: Installation) -> None:
    """From here on the source needs for ever to answer."""
    installation.change_source("ALTER TABLE events RENAME TO few")
    installation.change_source(
        "CREATE VIEW events AS SELECT few.* FROM few, range(1000000000), range(1000000000)"
    )


def back_to_normal(installation: Installation) -> None:
    installation.change_source("DROP VIEW events")
    installation.change_source("ALTER TABLE few RENAME TO events")


def nothing_is_left(installation: Installation, export: Export) -> bool:
    """No claim and no staged file is left behind by a run."""
    deployment = installation.deployment
    with reading(deployment.control) as connection:
        claims = claims_between(connection, export.id, FIRST, FIRST + HOURS * ONE_HOUR)
    staged = [path for path in deployment.settings.staging_folder.rglob("*") if path.is_file()]
    return not claims and not staged


def test_a_run_at_work_stops_and_its_task_can_be_tried_again(
    installation: Installation, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPORT_PIPELINE_HOURS_PER_CHUNK", "2")
    export = installation.export()
    deliver(installation, export, hours(0, 0))
    without_end(installation)
    task = a_task(installation, 0, 5)

    thread = cancel_once_it_reads(installation, task)
    result = run_task(instance, task.id)
    thread.join()

    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert run.status is dg.DagsterRunStatus.CANCELED
    extracts = [
        event for event in result.all_events if event.is_step_start and "extract" in str(event.step_key)
    ]
    assert len(extracts) == 1  # the other chunks are not begun
    view = shown(installation, task)
    assert view.status is TaskStatus.ERROR
    assert view.task.error is not None
    assert view.task.error.startswith("cancelled by Anna at 20")
    assert (view.counts.delivered, view.failures) == (1, ())
    assert view.ended_at is not None
    assert nothing_is_left(installation, export)
    assert len([*installation.downloads.rglob("*.csv")]) == 1

    back_to_normal(installation)
    with writing(installation.deployment.control) as connection:
        again = retry_task(connection, "default", task.id)
    assert (again.status, again.task.error, again.task.attempt) == (TaskStatus.QUEUED, None, 2)
    assert run_task(instance, task.id).success
    assert shown(installation, task).status is TaskStatus.FINISHED
    assert len(ledger(installation, export)) == 6


def test_a_run_that_was_launched_for_a_cancelled_task_does_nothing(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    task = a_task(installation, 0, 5)
    assert cancel(installation, task).status is TaskStatus.ERROR

    result = run_task(instance, task.id)

    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert run.status is dg.DagsterRunStatus.CANCELED
    assert not ledger(installation, export)
    view = shown(installation, task)
    assert (view.status, view.task.started_at) == (TaskStatus.ERROR, None)


def test_a_task_that_is_cancelled_when_all_is_delivered_is_finished(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    task = a_task(installation, 0, 1)
    with writing(installation.deployment.control) as connection:
        start_task(connection, task.id)
    assert cancel(installation, task).status is TaskStatus.STARTED
    deliver(installation, export, hours(0, 1))

    run_task(instance, task.id)

    view = shown(installation, task)
    assert (view.status, view.task.error) == (TaskStatus.FINISHED, None)


def test_what_is_of_no_task_is_stopped_as_ever(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    order = Order(export_id="export-1", hours=(), proven_since=None, notes_waits=True)

    @dg.op
    def stopped(context: dg.OpExecutionContext) -> None:
        with cancellable(context, installation.deployment, order):
            raise Cancelled

    @dg.job
    def a_job() -> None:
        stopped()

    with pytest.raises(Cancelled):
        a_job.execute_in_process(instance=instance)


def test_an_order_of_a_task_knows_it(installation: Installation) -> None:
    installation.export()
    task = a_task(installation, 0, 5, force=True)

    order = order_of(task, FileLayout.HOURLY)

    assert (order.task_id, order.hours, order.proven_since) == (
        task.id,
        task.windows(FileLayout.HOURLY),
        task.requested_at,
    )
