"""The sensor requests what is due, and says what it did."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg

from export_pipeline.control.event_exports import EventExport
from export_pipeline.control.schedules import create_schedule
from export_pipeline.exports.recurring import Frequency, Period, Recurrence
from export_pipeline.orchestration.recurring import due_event_exports
from export_pipeline.store.database import reading, writing
from export_pipeline.store.schedules import change_schedule
from export_pipeline.store.tasks import list_tasks
from export_pipeline_tests.installations import Installation


def tick(instance: dg.DagsterInstance) -> str | None:
    return due_event_exports.evaluate_tick(dg.build_sensor_context(instance=instance)).skip_message


def test_a_period_that_is_over_becomes_a_task(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    deployment = installation.deployment
    assert tick(instance) == "no schedule is due"
    with writing(deployment.control) as connection:
        made = create_schedule(
            connection,
            deployment.dataset,
            organization="default",
            author="somebody",
            asked=EventExport(),
            emails=[],
            recurrence=Recurrence(frequency=Frequency.DAILY, timezone="UTC"),
        )
        begin = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
        change_schedule(connection, replace(made, next=Period(begin, begin + timedelta(days=1))))

    assert tick(instance) == "1 exports were requested"

    with reading(deployment.control) as connection:
        (task,) = list_tasks(connection, "default")
    assert (task.since, task.until) == (begin, begin + timedelta(days=1))


def test_without_a_dataset_there_is_nothing_to_do(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    (installation.folder / "dataset.toml").unlink()

    assert tick(instance) == "no dataset is declared"
