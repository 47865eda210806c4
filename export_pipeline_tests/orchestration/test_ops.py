"""The ops between Dagster and the stages: how work is cut, what is said of it, how it fails."""

import os
import time

import dagster as dg
import pytest

from export_pipeline.control.exports import delete_export
from export_pipeline.control.filters import create_filter, replace_filter
from export_pipeline.orchestration.names import FORCE_TAG, RESUME_TAG
from export_pipeline.orchestration.ops import extract, upload
from export_pipeline.pipeline.staging import SECONDS_KEPT, Staging
from export_pipeline.receipts.receipt import receipt_from
from export_pipeline.store.database import writing
from export_pipeline_tests.installations import ROWS_PER_HOUR, Installation, hours
from export_pipeline_tests.orchestration.running import (
    EVENTS,
    definitions,
    materializations,
    run_from,
    run_hours,
)
from export_pipeline_tests.runs import ledger


def chunks(result: dg.ExecuteInProcessResult, op: str) -> list[str]:
    """The chunks that the op worked on, in the order in which it did."""
    return [
        event.step_key.removeprefix(f"events.{op}[").removesuffix("]")
        for event in result.all_events
        if event.is_step_success and event.step_key is not None and f"{op}[" in event.step_key
    ]


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    """What the one step that failed says for itself."""
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    return str(failed.step_failure_data.user_failure_data) + str(failed.step_failure_data.error)


def metadata_of(result: dg.ExecuteInProcessResult, op: str) -> dict[str, object]:
    (output,) = [
        event.step_output_data
        for event in result.all_events
        if event.is_successful_output and event.step_key is not None and f"{op}[" in event.step_key
    ]
    return {name: value.value for name, value in output.metadata.items()}


def test_hours_are_cut_into_chunks_as_the_operator_says(
    installation: Installation, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPORT_PIPELINE_HOURS_PER_CHUNK", "2")
    export = installation.export()
    result = run_hours(instance, 0, 4)
    assert len(chunks(result, "upload")) == 3
    assert len(ledger(installation, export)) == 5


def test_a_chunk_is_finished_before_the_next_is_read(
    installation: Installation, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that what is staged at a time stays small, however long the range."""
    monkeypatch.setenv("EXPORT_PIPELINE_HOURS_PER_CHUNK", "1")
    installation.export()
    result = run_hours(instance, 0, 2)
    steps = [
        event.step_key.split("[")[0].rpartition(".")[2]
        for event in result.all_events
        if event.is_step_success and event.step_key is not None and "[" in event.step_key
    ]
    assert steps == ["extract", "format_rows", "upload"] * 3


def test_each_op_says_how_much_it_did(installation: Installation, instance: dg.DagsterInstance) -> None:
    export = installation.export()
    result = run_hours(instance, 4, 5)
    assert metadata_of(result, "extract") == {"hours": 2, "rows": 2 * ROWS_PER_HOUR}
    written = sum(entry.bytes for entry in ledger(installation, export))
    assert metadata_of(result, "format_rows") == {"hours": 2, "bytes": written}


def test_columns_that_are_not_declared_are_told_of_and_no_failure(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    installation.change_source("alter table events add extra varchar")
    result = run_hours(instance, 0, 1)
    assert result.success
    assert metadata_of(result, "extract")["columns not declared"] == "events.extra"


def test_a_changed_table_fails_its_hours_for_somebody_to_configure(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    installation.change_source("alter table events alter amount type varchar")
    assert "(extract, configure): events is not what was declared" in failure_of(run_hours(instance, 0, 1))


def test_a_deleted_export_fails_its_run_and_says_what_to_do(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    """Dagster shows the asset until somebody reloads the code location."""
    installation.export()
    job = definitions().resolve_job_def("deliver__events")
    with writing(installation.deployment.control) as connection:
        delete_export(connection, "default", "events")
    result = job.execute_in_process(instance=instance, raise_on_error=False, partition_key=hours(0, 0)[0].key)
    assert not result.success
    assert f"the export behind {EVENTS.to_user_string()} was deleted; reload the code location" in failure_of(
        result
    )


def test_every_failing_hour_of_a_chunk_is_named_with_its_reason(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    for hour in (1, 4):
        in_the_way = installation.downloads / f"events/2026-01-05-{hour:02}-00.csv"
        in_the_way.parent.mkdir(parents=True, exist_ok=True)
        in_the_way.write_text("somebody else's")
    message = failure_of(run_hours(instance, 0, 5))
    assert "2 of 6 hours failed; the others are delivered." in message
    for hour in (1, 4):
        assert f"2026-01-05-{hour:02}:00 (upload, configure): 'events/2026-01-05-{hour:02}-00.csv'" in message


def test_a_run_sweeps_what_others_left_behind_days_ago(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    root = installation.deployment.settings.staging_folder
    left = Staging(root, "a run that died").folder("export-1", hours(0, 0)[0])
    long_ago = time.time() - SECONDS_KEPT - 60
    os.utime(root / "a run that died", (long_ago, long_ago))
    run_hours(instance, 0, 0)
    assert not left.exists()


def steps_of(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """The ops that a run executed, in order."""
    events = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_START)
    return [str(event.step_key).removeprefix("exports__events.") for event in events]


def test_a_failed_run_that_is_begun_at_its_last_op_does_what_is_missing(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    """As the UI's "re-execute from failure" does, once the reason is mended."""
    export = installation.export()
    in_the_way = installation.downloads / "events/2026-01-05-02-00.csv"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("somebody else's")
    failed = run_hours(instance, 0, 5)
    in_the_way.unlink()
    again = run_from(instance, failed.run_id, dg.ReexecutionOptions.from_failure(failed.run_id, instance))
    assert again.success
    assert steps_of(instance, again.run_id) == ["prove"]
    assert [entry.hour for entry in ledger(installation, export)] == [w.start for w in hours(0, 5)]
    assert materializations(instance) == [(window.key, 1) for window in hours(0, 5)]


def test_a_run_begun_in_the_middle_reads_again_what_is_not_delivered(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    """What its earlier ops handed on was in the memory of a process that is gone."""
    export = installation.export()
    in_the_way = installation.downloads / "events/2026-01-05-02-00.csv"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("somebody else's")
    failed = run_hours(instance, 0, 5)
    in_the_way.unlink()
    steps = ["upload[chunk_00000]", "prove"]
    options = dg.ReexecutionOptions(failed.run_id, [f"exports__events.{step}" for step in steps])
    assert run_from(instance, failed.run_id, options).success
    assert len(ledger(installation, export)) == 6


def test_a_forced_run_begun_at_its_last_op_does_not_deliver_again_what_it_delivered(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    in_the_way = installation.downloads / "events/2026-01-05-02-00.csv"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("somebody else's")
    failed = run_hours(instance, 0, 3, tags={FORCE_TAG: "true"})
    proven = {entry.hour: entry.proven_at for entry in ledger(installation, export)}
    in_the_way.unlink()
    instance.add_run_tags(failed.run_id, {RESUME_TAG: "true"})  # which Dagster's daemon and pages add
    again = run_from(instance, failed.run_id, dg.ReexecutionOptions.from_failure(failed.run_id, instance))
    assert again.success
    now = {entry.hour: entry.proven_at for entry in ledger(installation, export)}
    assert len(now) == 4
    assert proven.items() <= now.items()


@pytest.mark.parametrize("job", ["deliver__events", "__ASSET_JOB"])
def test_a_run_that_dies_will_be_begun_anew_from_its_first_op(
    installation: Installation, instance: dg.DagsterInstance, job: str
) -> None:
    """Also a backfill's, whose job Dagster makes itself."""
    installation.export()
    run = instance.get_run_by_id(run_hours(instance, 0, 0, job=job).run_id)
    assert run is not None
    assert run.tags["dagster/retry_strategy"] == "ALL_STEPS"


def test_an_operator_may_say_how_a_run_that_dies_is_retried(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    result = run_hours(instance, 0, 0, tags={"dagster/retry_strategy": "FROM_FAILURE"})
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert run.tags["dagster/retry_strategy"] == "FROM_FAILURE"


def test_reading_and_writing_are_limited_apart() -> None:
    """An operator allows so many runs at the source and so many at the destination."""
    assert (extract.pool, upload.pool) == ("source", "destination")


def test_a_run_applies_named_filters_as_they_stand_when_it_reads(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    control, dataset = installation.deployment.control, installation.deployment.dataset
    with writing(control) as connection:
        create_filter(connection, organization="default", name="FEW", text="id < 5")
    export = installation.export(filter="$FEW")
    assert run_hours(instance, 0, 0).success
    with writing(control) as connection:
        replace_filter(
            connection, dataset, organization="default", name="FEW", text=f"id < {ROWS_PER_HOUR + 7}"
        )
    assert run_hours(instance, 0, 1).success
    receipts = [receipt_from(entry.receipt.encode(), "") for entry in ledger(installation, export)]
    assert [(receipt.revision, receipt.tables[0].filter, receipt.rows) for receipt in receipts] == [
        (1, "id < 5", 5),  # delivered before, and left alone
        (1, f"id < {ROWS_PER_HOUR + 7}", 7),
    ]


def test_an_hour_forced_after_a_named_filter_changed_is_a_new_revision(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    control, dataset = installation.deployment.control, installation.deployment.dataset
    with writing(control) as connection:
        create_filter(connection, organization="default", name="FEW", text="id < 5")
    export = installation.export(filter="$FEW")
    run_hours(instance, 0, 0)
    with writing(control) as connection:
        replace_filter(connection, dataset, organization="default", name="FEW", text="id < 9")
    assert run_hours(instance, 0, 0, force=True).success
    (entry,) = ledger(installation, export)
    assert (entry.revision, entry.rows) == (2, 9)
