"""Queued tasks become runs once; runs that end badly are told to the ledger."""

import uuid
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.control.exports import delete_export
from export_pipeline.control.tasks import create_task, show_task
from export_pipeline.exports.export import Export
from export_pipeline.exports.task import ExportTask, TaskStatus
from export_pipeline.orchestration.jobs import export_task
from export_pipeline.orchestration.names import (
    PRIORITY_TAG,
    RANGE_END_TAG,
    RANGE_START_TAG,
    TASK_TAG,
    WAITS_TAG,
)
from export_pipeline.orchestration.resources import DeploymentResource
from export_pipeline.orchestration.sensors import (
    TASKS_PER_TICK,
    WILL_RETRY_TAG,
    cancelled_runs,
    failed_runs,
    queued_export_tasks,
)
from export_pipeline.store.claims import claim, claims_between, note_progress
from export_pipeline.store.connector_states import change_state
from export_pipeline.store.database import reading, writing
from export_pipeline.store.ledger import failures_between
from export_pipeline.store.signs_of_life import SENSORS, last_seen
from export_pipeline.store.tasks import get_task, request_cancel, start_task
from export_pipeline.store.waits import note_wait, waits_of
from export_pipeline.windows import ONE_HOUR
from export_pipeline_tests.installations import FIRST, Installation, hours
from export_pipeline_tests.runs import deliver


def a_task(installation: Installation, first: int = 0, last: int = 3, force: bool = False) -> ExportTask:
    with writing(installation.deployment.control) as connection:
        return create_task(
            connection,
            organization="default",
            export="events",
            since=FIRST + first * ONE_HOUR,
            until=FIRST + (last + 1) * ONE_HOUR,
            force=force,
        )


def requests(instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    tick = queued_export_tasks.evaluate_tick(dg.build_sensor_context(instance=instance))
    return [*(tick.run_requests or [])]


def status_of(installation: Installation, task: ExportTask) -> TaskStatus:
    with reading(installation.deployment.control) as connection:
        return show_task(connection, "default", task.id).status


def end_badly(
    instance: dg.DagsterInstance,
    run_id: str,
    tags: dict[str, str],
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.FAILURE,
) -> None:
    """What Dagster does when a run has ended: evaluate the sensor for it."""
    config = {"ops": {"plan_task": {"config": {"task_id": "a task"}}}}
    run = instance.create_run_for_job(export_task, run_id=run_id, tags=tags, status=status, run_config=config)
    sensor, kind = (
        (failed_runs, dg.DagsterEventType.RUN_FAILURE)
        if status is dg.DagsterRunStatus.FAILURE
        else (cancelled_runs, dg.DagsterEventType.RUN_CANCELED)
    )
    event = dg.DagsterEvent(event_type_value=kind.value, job_name=run.job_name, message="ended")
    sensor(
        dg.build_run_status_sensor_context(
            sensor_name=sensor.name, dagster_event=event, dagster_instance=instance, dagster_run=run
        )
    )


def test_a_queued_task_becomes_one_run(installation: Installation, instance: dg.DagsterInstance) -> None:
    installation.export()
    task = a_task(installation)
    assert status_of(installation, task) is TaskStatus.QUEUED
    (request,) = requests(instance)
    assert request.run_key == f"{task.id}/1"
    assert request.run_config == {"ops": {"plan_task": {"config": {"task_id": task.id}}}}
    assert request.tags[TASK_TAG] == task.id
    assert request.tags[PRIORITY_TAG] == "1"


def test_seen_twice_before_it_started_it_has_the_same_run_key(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    """Which is how Dagster makes one run of it."""
    installation.export()
    a_task(installation)
    assert [one.run_key for one in requests(instance)] == [one.run_key for one in requests(instance)]


def test_a_task_that_was_taken_up_is_not_requested_again(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    task = a_task(installation)
    with writing(installation.deployment.control) as connection:
        start_task(connection, task.id)
    assert requests(instance) == []


def test_a_cancelled_task_whose_run_died_ends_as_cancelled(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    task = a_task(installation)
    with writing(installation.deployment.control) as connection:
        start_task(connection, task.id)
        request_cancel(connection, task.id, "Anna")
    assert status_of(installation, task) is TaskStatus.STARTED
    end_badly(instance, str(uuid.uuid4()), {TASK_TAG: task.id})
    with reading(installation.deployment.control) as connection:
        ended = get_task(connection, task.id)
    assert ended.error == ended.cancellation
    assert status_of(installation, task) is TaskStatus.ERROR


def test_many_tasks_are_taken_in_order_of_request(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    tasks = [a_task(installation, hour % 24, hour % 24) for hour in range(TASKS_PER_TICK + 1)]
    assert [one.tags[TASK_TAG] for one in requests(instance)] == [task.id for task in tasks[:TASKS_PER_TICK]]


def test_a_run_of_the_task_job_finishes_the_task(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    task = a_task(installation)
    (request,) = requests(instance)
    result = export_task.execute_in_process(
        instance=instance, run_config=request.run_config, resources=_resources()
    )
    assert result.success
    assert status_of(installation, task) is TaskStatus.FINISHED


def test_hours_of_a_task_are_materialized_on_the_standing_exports_asset(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    a_task(installation, 0, 3)
    (request,) = requests(instance)
    export_task.execute_in_process(instance=instance, run_config=request.run_config, resources=_resources())
    found = instance.get_materialized_partitions(dg.AssetKey(["exports", "events"]))
    assert found == {window.key for window in hours(0, 3)}


def test_a_task_of_an_export_that_does_not_stand_may_begin_within_an_hour(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export(standing=False)
    with writing(installation.deployment.control) as connection:
        task = create_task(
            connection,
            organization="default",
            export="events",
            since=FIRST + timedelta(minutes=30),
            until=FIRST + timedelta(minutes=90),
        )
    (request,) = requests(instance)
    export_task.execute_in_process(instance=instance, run_config=request.run_config, resources=_resources())
    assert status_of(installation, task) is TaskStatus.FINISHED
    first = (installation.downloads / "events/2026-01-05-00-00.csv").read_text().splitlines()
    assert first[1].startswith("2026-01-05T00:30:00")
    assert not instance.get_asset_keys()


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED])
def test_hours_that_a_dead_run_had_in_hand_are_noted_as_failed(
    installation: Installation, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    export = installation.export()
    run_id = dg.DagsterRun(job_name="export_task").run_id
    _hold(installation, export, run_id, 4)
    end_badly(instance, run_id, {}, status)
    with reading(installation.deployment.control) as connection:
        (failure,) = failures_between(connection, export.id, FIRST, FIRST + 24 * ONE_HOUR)
        assert not claims_between(connection, export.id, FIRST, FIRST + 24 * ONE_HOUR)
    assert (failure.hour, failure.stage, failure.kind) == (hours(4, 4)[0].start, "format", "retry")
    assert run_id in failure.message


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED])
def test_hours_that_waited_for_a_run_that_never_took_them_fail_with_it(
    installation: Installation, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    """Left waiting they would be for ever: Dagster makes no second run for the same request."""
    export = installation.export()
    now = datetime.now(UTC)
    with writing(installation.deployment.control) as connection:
        for window in hours(0, 3):
            later = (
                window == hours(2, 2)[0]
            )  # for its connector, which stopped again while the run was at work
            note_wait(connection, export.id, window.start, now=now + timedelta(hours=1) if later else now)
    run_id = dg.DagsterRun(job_name="export_task").run_id
    first, last = (window.key for window in (hours(0, 0)[0], hours(2, 2)[0]))
    end_badly(instance, run_id, {WAITS_TAG: export.id, RANGE_START_TAG: first, RANGE_END_TAG: last}, status)

    with reading(installation.deployment.control) as connection:
        failures = failures_between(connection, export.id, FIRST, FIRST + 24 * ONE_HOUR)
        left = [wait.hour for wait in waits_of(connection, export.id)]
    assert [failure.hour for failure in failures] == [window.start for window in hours(0, 1)]
    assert all(run_id in failure.message for failure in failures)
    assert left == [window.start for window in hours(2, 3)]


def test_a_task_whose_run_died_ends_in_error(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    task = a_task(installation, 0, 3)
    with writing(installation.deployment.control) as connection:
        start_task(connection, task.id)
    deliver(installation, export, hours(0, 1))
    run_id = dg.DagsterRun(job_name="export_task").run_id
    end_badly(instance, run_id, {TASK_TAG: task.id})
    with reading(installation.deployment.control) as connection:
        view = show_task(connection, "default", task.id)
    assert view.status is TaskStatus.ERROR
    assert view.task.error == f"run {run_id} failed with 2 hours left to do"
    assert view.progress == 50


def test_a_task_whose_run_will_be_tried_again_goes_on(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    task = a_task(installation, 4, 4)
    with writing(installation.deployment.control) as connection:
        start_task(connection, task.id)
    run_id = dg.DagsterRun(job_name="export_task").run_id
    _hold(installation, export, run_id, 4)
    end_badly(instance, run_id, {TASK_TAG: task.id, WILL_RETRY_TAG: "true"})
    assert status_of(installation, task) is TaskStatus.STARTED


def _hold(installation: Installation, export: Export, run_id: str, hour: int) -> None:
    """What a run leaves that is killed while it formats the hour."""
    (window,) = hours(hour, hour)
    now = datetime.now(UTC)
    with writing(installation.deployment.control) as connection:
        claim(connection, export.id, window.start, run_id, now=now, expires_at=now + ONE_HOUR)
        note_progress(connection, export.id, window.start, run_id, stage="format", done=1, total=2)


def _resources() -> dict[str, object]:
    return {"deployment": DeploymentResource()}


def test_a_task_whose_export_was_deleted_while_its_run_waited_is_not_delivered(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    task = a_task(installation)
    (request,) = requests(instance)
    with writing(installation.deployment.control) as connection:
        delete_export(connection, "default", "events")
    result = export_task.execute_in_process(
        instance=instance, run_config=request.run_config, resources=_resources(), raise_on_error=False
    )
    assert not result.success
    assert status_of(installation, task) is TaskStatus.ERROR
    assert not list(installation.downloads.rglob("*.csv"))


def move(installation: Installation, export: Export, state: ConnectorState) -> None:
    with writing(installation.deployment.control) as connection:
        change_state(connection, export.connector_id, state, "So be it.", now=datetime.now(UTC))


def run_of(instance: dg.DagsterInstance, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    return export_task.execute_in_process(
        instance=instance, run_config=request.run_config, resources=_resources(), raise_on_error=False
    )


def test_a_task_whose_connector_does_not_run_starts_no_run_and_the_tick_says_why(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    a_task(installation)
    move(installation, export, ConnectorState.STOPPED)
    tick = queued_export_tasks.evaluate_tick(dg.build_sensor_context(instance=instance))
    assert not tick.run_requests
    assert tick.skip_message == ("1 task waits for connector 'direct_download', which is STOPPED: So be it.")
    move(installation, export, ConnectorState.RUNNING)
    assert len(requests(instance)) == 1


def test_a_task_that_is_overtaken_waits_in_the_queue_and_is_finished_by_another_run(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    """Though the sensor hears of its first run's failure when the second is at work."""
    export = installation.export()
    task = a_task(installation)
    (first,) = requests(instance)
    move(installation, export, ConnectorState.FAILED)
    assert not run_of(instance, first).success
    assert status_of(installation, task) is TaskStatus.QUEUED
    assert requests(instance) == []
    with reading(installation.deployment.control) as connection:
        assert not waits_of(connection, export.id)  # the task knows
        assert not failures_between(connection, export.id, FIRST, FIRST + 24 * ONE_HOUR)

    move(installation, export, ConnectorState.RUNNING)
    (second,) = requests(instance)
    assert second.run_key == f"{task.id}/2"
    with writing(installation.deployment.control) as connection:
        start_task(connection, task.id)
    end_badly(instance, dg.DagsterRun(job_name="export_task").run_id, dict(first.tags))
    assert status_of(installation, task) is TaskStatus.STARTED
    assert run_of(instance, second).success
    assert status_of(installation, task) is TaskStatus.FINISHED


def test_each_look_leaves_a_sign_of_life(installation: Installation, instance: dg.DagsterInstance) -> None:
    before = datetime.now(UTC)
    requests(instance)

    with reading(installation.deployment.control) as connection:
        seen = last_seen(connection, SENSORS)
    assert seen is not None
    assert before <= seen <= datetime.now(UTC)
