"""The hourly tick of each export."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import sqlalchemy as sa

from export_pipeline.exports.export import Export
from export_pipeline.orchestration.assets import export_job
from export_pipeline.orchestration.names import PRIORITY_TAG, TASKS_NEXT
from export_pipeline.orchestration.schedules import export_schedule
from export_pipeline.store.database import writing
from export_pipeline.store.exports import hide_export
from export_pipeline.store.schema import EXPORTS
from export_pipeline_tests.installations import FIRST, HOURS, Installation


def evaluated(export: Export, moment: datetime) -> object:
    schedule = export_schedule(export, export_job(export))
    return schedule(dg.build_schedule_context(scheduled_execution_time=moment))


def test_the_tick_asks_for_the_hour_that_ended(installation: Installation) -> None:
    export = installation.export()
    request = evaluated(export, FIRST + timedelta(hours=6, minutes=10))
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2026-01-05-05:00"
    assert request.run_key == f"{export.id}/2026-01-05-05:00"


def test_its_run_goes_ahead_of_tasks_and_backfills_that_wait(installation: Installation) -> None:
    request = evaluated(installation.export(), FIRST + timedelta(hours=6, minutes=10))
    assert isinstance(request, dg.RunRequest)
    assert int(request.tags[PRIORITY_TAG]) > int(TASKS_NEXT[PRIORITY_TAG]) > 0


def test_it_ticks_once_an_hour_when_rows_have_settled(installation: Installation) -> None:
    export = installation.export(minutes_to_settle=25)
    schedule = export_schedule(export, export_job(export))
    assert schedule.cron_schedule == "25 * * * *"
    assert schedule.execution_timezone == "UTC"


def test_settling_longer_than_an_hour_asks_for_an_earlier_hour(installation: Installation) -> None:
    export = installation.export(minutes_to_settle=130)
    request = evaluated(export, FIRST + timedelta(hours=6, minutes=10))
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2026-01-05-03:00"


def test_before_the_first_hour_is_over_it_is_skipped_with_a_reason(installation: Installation) -> None:
    skipped = evaluated(installation.export(), FIRST + timedelta(minutes=10))
    assert isinstance(skipped, dg.SkipReason)
    assert "begins at 2026-01-05T00:00:00" in str(skipped.skip_message)


def test_after_the_last_hour_it_is_skipped_with_a_reason(installation: Installation) -> None:
    export = installation.export()
    last = evaluated(export, FIRST + timedelta(hours=HOURS, minutes=10))
    assert isinstance(last, dg.RunRequest)
    skipped = evaluated(export, FIRST + timedelta(hours=HOURS + 1, minutes=10))
    assert isinstance(skipped, dg.SkipReason)
    assert "ended at 2026-01-06" in str(skipped.skip_message)


def test_a_paused_export_is_skipped_with_a_reason(installation: Installation) -> None:
    export = installation.export()
    with writing(installation.deployment.control) as connection:
        connection.execute(sa.update(EXPORTS).values(paused=True))
    skipped = evaluated(export, FIRST + timedelta(hours=6, minutes=10))
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == "events is paused"


def test_an_export_deleted_since_the_definitions_were_loaded_is_skipped(installation: Installation) -> None:
    export = installation.export()
    with writing(installation.deployment.control) as connection:
        hide_export(connection, export.id)
    skipped = evaluated(export, datetime(2026, 1, 5, 6, 10, tzinfo=UTC))
    assert isinstance(skipped, dg.SkipReason)
    assert "was deleted" in str(skipped.skip_message)
