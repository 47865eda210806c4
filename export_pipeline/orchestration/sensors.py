"""What watches: queued tasks become runs, and runs that ended badly are told to the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import dagster as dg
import sqlalchemy as sa

from export_pipeline.deployment import Deployment, open_deployment
from export_pipeline.exports.task import ExportTask
from export_pipeline.orchestration.jobs import export_task
from export_pipeline.orchestration.names import EXPORT_TAG, TASK_TAG, TASKS_NEXT
from export_pipeline.settings import Settings
from export_pipeline.store.claims import release_all
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import get_export
from export_pipeline.store.ledger import HourFailure, write_failure
from export_pipeline.store.task_counts import counts_of
from export_pipeline.store.tasks import fail_task, get_task, queued_tasks

# Each becomes a run at once; the run queue decides how many of them work at the same time.
TASKS_PER_TICK = 100

SECONDS_BETWEEN_LOOKS = 5  # a customer watches a task start; an empty look costs one query

WILL_RETRY_TAG = "dagster/will_retry"


@contextmanager
def _deployment() -> Iterator[Deployment]:
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
    """A task's id is its run key: however often it is seen queued, Dagster makes one run of it."""
    with _deployment() as deployment, reading(deployment.control) as connection:
        tasks = queued_tasks(connection, TASKS_PER_TICK)
        slugs = {task.id: get_export(connection, task.export_id).slug for task in tasks}
    if not tasks:
        yield dg.SkipReason("no task is queued")
    for task in tasks:
        yield dg.RunRequest(
            run_key=task.id,
            run_config={"ops": {"plan_task": {"config": {"task_id": task.id}}}},
            tags={TASK_TAG: task.id, EXPORT_TAG: slugs[task.id], **TASKS_NEXT},
        )


def _ended_badly(context: dg.RunStatusSensorContext) -> None:
    run = context.dagster_run
    how = "was cancelled" if run.status is dg.DagsterRunStatus.CANCELED else "failed"
    with _deployment() as deployment, writing(deployment.control) as connection:
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
        task_id = run.tags.get(TASK_TAG)
        if task_id is not None and not will_retry:
            _end_task(connection, get_task(connection, task_id), f"run {run.run_id} {how}")


def _end_task(connection: sa.Connection, task: ExportTask, reason: str) -> None:
    """Hours that nobody will deliver now must not leave their task STARTED for ever."""
    counts = counts_of(connection, task)
    left = counts.hours - counts.delivered - counts.failed
    if left > 0:
        fail_task(connection, task.id, f"{reason} with {left} hours left to do")


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
