"""What watches: queued tasks become runs, and runs that ended badly are told to the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import dagster as dg
import sqlalchemy as sa

from export_pipeline.deployment import Deployment, open_deployment
from export_pipeline.exports.task import ExportTask
from export_pipeline.orchestration.jobs import export_task
from export_pipeline.orchestration.names import (
    ATTEMPT_TAG,
    EXPORT_TAG,
    RANGE_END_TAG,
    RANGE_START_TAG,
    TASK_TAG,
    TASKS_NEXT,
    WAITS_TAG,
)
from export_pipeline.settings import Settings
from export_pipeline.store.claims import release_all
from export_pipeline.store.connectors import get_connector
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import get_export
from export_pipeline.store.ledger import HourFailure, write_failure
from export_pipeline.store.signs_of_life import SENSORS as SENSORS_LIFE
from export_pipeline.store.signs_of_life import note_life
from export_pipeline.store.task_counts import counts_of
from export_pipeline.store.tasks import count_waiting_tasks, end_task, fail_task, get_task, queued_tasks
from export_pipeline.store.waits import forget_wait, waits_of, why_wait
from export_pipeline.windows import HourWindow

# Each becomes a run at once; the run queue decides how many of them work at the same time.
TASKS_PER_TICK = 100

SECONDS_BETWEEN_LOOKS = 5  # a customer watches a task start; an empty look costs one query

WILL_RETRY_TAG = "dagster/will_retry"


@contextmanager
def opened_deployment() -> Iterator[Deployment]:
    deployment = open_deployment(Settings())
    try:
        yield deployment
    finally:
        deployment.close()


@dg.sensor(
    job=export_task,
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a run for every export task that was requested.",
)
def queued_export_tasks(_context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """The run key names task and attempt: however often that is seen queued, Dagster makes one run of it."""
    with opened_deployment() as deployment:
        with writing(deployment.control) as connection:
            note_life(connection, SENSORS_LIFE, datetime.now(UTC))
        with reading(deployment.control) as connection:
            tasks = queued_tasks(connection, TASKS_PER_TICK)
            slugs = {task.id: get_export(connection, task.export_id).slug for task in tasks}
            waiting = [] if tasks else _waiting(connection)
    if not tasks:
        yield dg.SkipReason("; ".join(waiting) or "no task is queued")
    for task in tasks:
        yield dg.RunRequest(
            run_key=f"{task.id}/{task.attempt}",
            run_config={"ops": {"plan_task": {"config": {"task_id": task.id}}}},
            tags={
                TASK_TAG: task.id,
                ATTEMPT_TAG: str(task.attempt),
                EXPORT_TAG: slugs[task.id],
                **TASKS_NEXT,
            },
        )


def _waiting(connection: sa.Connection) -> list[str]:
    """Which tasks cannot begin, and why."""
    sentences = []
    for connector_id, tasks in count_waiting_tasks(connection).items():
        reason = why_wait(get_connector(connection, connector_id))
        sentences.append(f"{'1 task waits' if tasks == 1 else f'{tasks:,} tasks wait'} for {reason}")
    return sentences


def _ended_badly(context: dg.RunStatusSensorContext) -> None:
    run = context.dagster_run
    how = "was cancelled" if run.status is dg.DagsterRunStatus.CANCELED else "failed"
    with opened_deployment() as deployment, writing(deployment.control) as connection:
        will_retry = run.tags.get(WILL_RETRY_TAG) == "true"
        for claim in release_all(connection, run.run_id):
            if will_retry:
                continue  # the run that follows takes them up; until then they have not failed
            failure = HourFailure(
                export_id=claim.export_id,
                hour=claim.hour,
                stage=claim.stage,
                kind="retry",
                message=f"run {run.run_id} {how} while it worked on the hour",
                run_id=run.run_id,
                failed_at=datetime.now(UTC),
            )
            write_failure(connection, failure)
        if WAITS_TAG in run.tags and not will_retry:
            _end_waits(context, connection, f"run {run.run_id} {how} before it took the hour up")
        task_id = run.tags.get(TASK_TAG)
        if task_id is not None and not will_retry:
            task = get_task(connection, task_id)
            # One that is in the queue again, as its connector stopped running, is another run's by now.
            if run.tags.get(ATTEMPT_TAG, "1") == str(task.attempt):
                _end_task(connection, task, f"run {run.run_id} {how}")


def _end_waits(context: dg.RunStatusSensorContext, connection: sa.Connection, reason: str) -> None:
    """What a run was to take up, and did not, fails like any hour: the same run is not asked for twice.

    Hours that have begun to wait since then do so for their connector, and for another run.
    """
    run = context.dagster_run
    record = context.instance.get_run_record_by_id(run.run_id)
    export_id, first, last = (run.tags[tag] for tag in (WAITS_TAG, RANGE_START_TAG, RANGE_END_TAG))
    for wait in waits_of(connection, export_id):
        in_range = first <= HourWindow(wait.hour).key <= last
        if not in_range or record is None or wait.since > record.create_timestamp.replace(tzinfo=UTC):
            continue
        failure = HourFailure(
            export_id=export_id,
            hour=wait.hour,
            stage="extract",
            kind="retry",
            message=reason,
            run_id=run.run_id,
            failed_at=datetime.now(UTC),
        )
        write_failure(connection, failure)
        forget_wait(connection, export_id, wait.hour)


def _end_task(connection: sa.Connection, task: ExportTask, reason: str) -> None:
    """Hours that nobody will deliver now must not leave their task STARTED for ever."""
    counts = counts_of(connection, task)
    left = counts.hours - counts.delivered - counts.failed
    if left > 0:
        fail_task(connection, task.id, task.cancellation or f"{reason} with {left} hours left to do")
    elif task.ended_at is None:
        end_task(connection, task.id, task.attempt)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.FAILURE,
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells the ledger of hours whose run failed or died.",
)
def failed_runs(context: dg.RunStatusSensorContext) -> None:
    """A failing hour is noted by its run; this notes what a run that died had in hand."""
    _ended_badly(context)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.CANCELED,
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells the ledger of hours whose run was cancelled.",
)
def cancelled_runs(context: dg.RunStatusSensorContext) -> None:
    """As for failed runs."""
    _ended_badly(context)


SENSORS = (queued_export_tasks, failed_runs, cancelled_runs)
