"""The daily job: on by default, does what the command does, and shows it."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from export_pipeline.orchestration.retention import retention_daily
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import find_export
from export_pipeline.store.schema import HOURS
from export_pipeline_tests.installations import Installation, hours
from export_pipeline_tests.orchestration.running import definitions
from export_pipeline_tests.runs import deliver, ledger


@pytest.fixture
def old(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Three hours that were found in place eight days ago; files stay for seven."""
    deliver(installation, installation.export(), hours(0, 2))
    with writing(installation.deployment.control) as connection:
        eight_days_ago = datetime.now(UTC) - timedelta(days=8)
        connection.execute(HOURS.update().values(proven_at=eight_days_ago))
    monkeypatch.setenv("EXPORT_PIPELINE_DOWNLOAD_DAYS", "7")
    return installation


def run(instance: dg.DagsterInstance, **config: bool) -> dg.ExecuteInProcessResult:
    return (
        definitions()
        .resolve_job_def("retention")
        .execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"ops": {"let_go": {"config": config}}} if config else None,
        )
    )


def shown(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    (event,) = result.get_step_success_events()[:1]
    output = result.filter_events(lambda one: one.is_successful_output)[0]
    assert event.step_key == output.step_key == "let_go"
    return {
        name: value.value
        for name, value in output.event_specific_data.metadata.items()  # type: ignore[union-attr]
    }


def there(installation: Installation) -> int:
    return len([*(installation.downloads / "events").glob("*.csv")])


def test_it_is_planned_daily_from_the_start(installation: Installation, instance: dg.DagsterInstance) -> None:  # noqa: ARG001
    schedule = definitions().get_repository_def().get_schedule_def("retention_daily")

    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert (schedule.job_name, schedule.execution_timezone) == ("retention", "UTC")
    minute, hour, *days = str(schedule.cron_schedule).split()
    assert (minute.isdigit(), hour.isdigit(), days) == (True, True, ["*", "*", "*"])
    at = datetime(2026, 1, 5, 3, 23, tzinfo=UTC)
    tick = retention_daily.evaluate_tick(
        dg.build_schedule_context(instance=instance, scheduled_execution_time=at)
    )
    assert tick.run_requests is not None
    assert len(tick.run_requests) == 1


def test_a_run_deletes_what_is_due_and_shows_how_much(
    old: Installation, instance: dg.DagsterInstance
) -> None:
    result = run(instance)

    assert result.success
    found = shown(result)
    assert (found["hours"], found["hours left"], found["dry run"]) == (3, 0, False)
    assert isinstance(found["bytes"], int)
    assert found["bytes"] > 0
    assert there(old) == 0


def test_a_dry_run_shows_it_and_changes_nothing(old: Installation, instance: dg.DagsterInstance) -> None:
    result = run(instance, dry_run=True)

    assert (shown(result)["hours"], shown(result)["dry run"]) == (3, True)
    assert there(old) == 3


def test_a_run_fails_that_could_not_delete_everything(
    old: Installation, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = old.folder / "downloads.json"
    document.write_text('{"type": "s3", "buckett": "x"}')
    monkeypatch.setenv("EXPORT_PIPELINE_DOWNLOADS", str(document))

    result = run(instance)

    assert not result.success
    (failure,) = result.filter_events(lambda event: event.is_step_failure)
    details = failure.step_failure_data.user_failure_data
    assert details is not None
    assert "default/events: EXPORT_PIPELINE_DOWNLOADS" in (details.description or "")
    assert details.metadata["hours"].value == 0
    assert there(old) == 3


def test_hours_that_have_expired_are_delivered_by_a_backfill(
    old: Installation, instance: dg.DagsterInstance
) -> None:
    run(instance)

    delivered = (
        definitions()
        .resolve_job_def("deliver__events")
        .execute_in_process(instance=instance, partition_key=hours(1, 1)[0].key)
    )

    assert delivered.success
    assert there(old) == 1
    with reading(old.deployment.control) as connection:
        export = find_export(connection, "default", "events")
    assert [entry.expired_at is None for entry in ledger(old, export)] == [False, True, False]
