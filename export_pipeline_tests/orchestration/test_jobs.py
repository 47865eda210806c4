"""The one job for all export tasks."""

import re
from typing import Any

import dagster as dg
import pytest

from export_pipeline.control.tasks import create_task, show_task
from export_pipeline.exports.task import ExportTask, TaskStatus
from export_pipeline.orchestration.jobs import export_task
from export_pipeline.store.database import reading, writing
from export_pipeline.windows import ONE_HOUR
from export_pipeline_tests.installations import FIRST, ROWS_PER_HOUR, Installation, hours
from export_pipeline_tests.orchestration.running import definitions, materializations, run_from
from export_pipeline_tests.runs import deliver, ledger


def a_task(installation: Installation, first: int, last: int, **changes: Any) -> ExportTask:
    """A request for these hours of `events`."""
    asked: dict[str, Any] = {
        "organization": "default",
        "export": "events",
        "since": FIRST + first * ONE_HOUR,
        "until": FIRST + (last + 1) * ONE_HOUR,
        **changes,
    }
    with writing(installation.deployment.control) as connection:
        return create_task(connection, **asked)


def run_task(instance: dg.DagsterInstance, task_id: str) -> dg.ExecuteInProcessResult:
    """The job as the sensor launches it."""
    return (
        definitions()
        .resolve_job_def("export_task")
        .execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"ops": {"plan_task": {"config": {"task_id": task_id}}}},
        )
    )


def test_a_tasks_hours_are_delivered_and_no_others(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    assert run_task(instance, a_task(installation, 2, 5).id).success
    assert [entry.hour for entry in ledger(installation, export)] == [w.start for w in hours(2, 5)]


def test_hours_of_a_standing_export_are_materialized_though_a_task_delivered_them(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    run_task(instance, a_task(installation, 2, 3).id)
    assert materializations(instance) == [(window.key, 1) for window in hours(2, 3)]


def test_an_export_that_does_not_stand_is_delivered_without_an_asset(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export(standing=False)
    assert run_task(instance, a_task(installation, 0, 1).id).success
    assert len(ledger(installation, export)) == 2
    assert materializations(instance) == []


def test_a_task_by_force_delivers_again_what_changed(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 1))
    installation.change_source("DELETE FROM events WHERE id = 25")
    assert run_task(instance, a_task(installation, 0, 1, force=True).id).success
    found = [(entry.revision, entry.rows) for entry in ledger(installation, export)]
    assert found == [(1, ROWS_PER_HOUR), (2, ROWS_PER_HOUR - 1)]


@pytest.mark.usefixtures("installation")
def test_a_task_that_is_not_there_fails_its_run_and_is_named(instance: dg.DagsterInstance) -> None:
    result = run_task(instance, "nobody's")
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert "nobody's" in str(failed.step_failure_data.error)


def test_a_task_with_a_failing_hour_fails_its_run_and_delivers_the_others(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    in_the_way = installation.downloads / "events/2026-01-05-03-00.csv"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("somebody else's")
    result = run_task(instance, a_task(installation, 2, 5).id)
    assert not result.success
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    message = str(failed.step_failure_data.user_failure_data)
    assert "1 of 4 hours failed" in message
    assert "2026-01-05-03:00 (upload, configure)" in message
    assert len(ledger(installation, export)) == 3


def test_a_tasks_run_begun_at_its_last_op_does_what_is_missing(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    in_the_way = installation.downloads / "events/2026-01-05-03-00.csv"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("somebody else's")
    failed = run_task(instance, a_task(installation, 2, 5).id)
    in_the_way.unlink()
    assert run_from(
        instance, failed.run_id, dg.ReexecutionOptions.from_failure(failed.run_id, instance)
    ).success
    assert [entry.hour for entry in ledger(installation, export)] == [w.start for w in hours(2, 5)]


def test_a_run_that_died_is_begun_anew_from_its_first_op() -> None:
    """Its staged files may lie on another machine, or nowhere."""
    assert export_task.tags["dagster/retry_strategy"] == "ALL_STEPS"


def test_of_an_export_with_a_single_file_one_run_delivers_the_range_as_one(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export(standing=False, layout="single")
    task = a_task(installation, 0, 23)

    assert run_task(instance, task.id).success

    (entry,) = ledger(installation, export)
    assert (entry.hour, entry.hours, entry.rows) == (FIRST, 24, 23 * ROWS_PER_HOUR)
    with reading(installation.deployment.control) as connection:
        view = show_task(connection, "default", task.id)
    assert (view.status, view.counts.delivered) == (TaskStatus.FINISHED, 24)
    assert run_task(instance, a_task(installation, 0, 23).id).success  # it finds the range in place
    assert ledger(installation, export) == [entry]


def test_a_range_in_one_file_that_fails_fails_its_run_and_names_the_hour(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export(standing=False, layout="single")
    task = a_task(installation, 5, 9)
    installation.change_source("ALTER TABLE events RENAME amount TO price")

    result = run_task(instance, task.id)

    (failed,) = [event for event in result.all_events if event.is_step_failure]
    # Several hours are read at once: whichever was refused first is named.
    assert re.search(r"2026-01-05-0[5-9]:00: events is not what was declared", str(failed.step_failure_data))
    with reading(installation.deployment.control) as connection:
        view = show_task(connection, "default", task.id)
    assert (view.status, view.counts.failed) == (TaskStatus.ERROR, 5)
