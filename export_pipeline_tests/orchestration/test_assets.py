"""Runs of an export's asset, by Dagster itself."""

import dagster as dg
from dagster._core.storage.partition_status_cache import AssetPartitionStatus  # what its pages show

from export_pipeline.orchestration.assets import export_asset, partitions_of
from export_pipeline.orchestration.names import FORCE_TAG
from export_pipeline_tests.installations import HOURS, ROWS_PER_HOUR, Installation, hours
from export_pipeline_tests.orchestration.running import EVENTS, definitions, materializations, run_hours
from export_pipeline_tests.runs import ledger


def test_a_ranged_run_materializes_each_hour_once(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    assert run_hours(instance).success
    assert materializations(instance) == [(window.key, 1) for window in hours(0, HOURS - 1)]
    assert len(ledger(installation, export)) == HOURS


def test_a_materialization_says_what_a_person_wants_to_see(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    run_hours(instance, 5, 5)
    event = instance.get_latest_materialization_event(EVENTS)
    assert event is not None
    assert event.asset_materialization is not None
    metadata = {name: value.value for name, value in event.asset_materialization.metadata.items()}
    assert metadata["rows"] == ROWS_PER_HOUR
    assert metadata["path"] == "events/2026-01-05-05-00.csv"
    assert metadata["receipt"] == "events/_receipts/events/2026-01-05-05-00.json"
    file = installation.downloads / "events/2026-01-05-05-00.csv"
    assert metadata["bytes"] == file.stat().st_size
    assert {"seconds", "sha256", "snapshot", "files"} <= set(metadata)


def test_another_run_over_the_same_hours_adds_no_materialization(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    run_hours(instance, 0, 3)
    assert run_hours(instance, 0, 5).success
    assert materializations(instance) == [(window.key, 1) for window in hours(0, 5)]


def test_forced_by_configuration_changed_hours_are_a_second_revision(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    run_hours(instance, 0, 2)
    installation.change_source("UPDATE events SET kind = 'changed' WHERE id = 25")
    assert run_hours(instance, 0, 2, force=True).success
    zero, one, two = (window.key for window in hours(0, 2))
    assert materializations(instance) == [(zero, 1), (one, 1), (one, 2), (two, 1)]


def test_forced_by_a_tag_changed_hours_are_delivered_again(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    run_hours(instance, 1, 1)
    installation.change_source("DELETE FROM events WHERE id = 25")
    assert run_hours(instance, 1, 1, tags={FORCE_TAG: "true"}).success
    text = (installation.downloads / "events/2026-01-05-01-00.csv").read_text()
    assert len(text.splitlines()) == 1 + ROWS_PER_HOUR - 1


def test_a_failing_hour_fails_the_run_and_names_itself_and_its_neighbours_arrive(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    in_the_way = installation.downloads / "events/2026-01-05-02-00.csv"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("somebody else's")
    result = run_hours(instance, 0, 5)
    assert not result.success
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    message = str(failed.step_failure_data.user_failure_data)
    assert "2026-01-05-02:00 (upload, configure)" in message
    assert "1 of 6 hours failed" in message
    assert materializations(instance) == [(window.key, 1) for window in hours(0, 1) + hours(3, 5)]

    in_the_way.unlink()
    assert run_hours(instance, 0, 5).success
    assert materializations(instance) == [(window.key, 1) for window in hours(0, 5)]


def test_of_a_day_with_a_failing_hour_dagster_shows_the_others_as_materialized(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    partitions = partitions_of(installation.export())
    in_the_way = installation.downloads / "events/2026-01-05-02-00.csv"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("somebody else's")
    assert not run_hours(instance).success
    statuses = instance.get_status_by_partition(EVENTS, partitions.get_partition_keys(), partitions)
    assert statuses is not None
    expected = dict.fromkeys(
        (window.key for window in hours(0, HOURS - 1)), AssetPartitionStatus.MATERIALIZED
    )
    assert statuses == expected | {hours(2, 2)[0].key: AssetPartitionStatus.FAILED}


def test_an_hour_that_dagster_was_never_told_of_is_told_by_the_next_run(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    """As after a run that died between the ledger and the event."""
    installation.export()
    with dg.instance_for_test() as forgotten:
        run_hours(forgotten, 0, 3)
    assert run_hours(instance, 0, 3).success
    assert materializations(instance) == [(window.key, 1) for window in hours(0, 3)]


def test_an_asset_says_which_rows_it_is_of(installation: Installation) -> None:
    plain = export_asset(installation.export("plain"), hours_per_run=None)
    tables = [{"name": "events", "filters": ["id > 5", "kind != null"]}]
    chosen = export_asset(
        installation.export("chosen", tables=tables, filter="amount < 1"), hours_per_run=None
    )

    assert [*plain.descriptions_by_key.values()] == [
        "One csv file an hour of **events**, to `plain/$year-$month-$day-$hour-$minute.$extension`,"
        " each hour with a receipt."
    ]
    assert [*chosen.descriptions_by_key.values()] == [
        "One csv file an hour of **events** (where `(id > 5) AND (kind != null)`), where `amount < 1`,"
        " to `chosen/$year-$month-$day-$hour-$minute.$extension`, each hour with a receipt."
    ]


def test_two_exports_in_one_run_do_not_mix(installation: Installation, instance: dg.DagsterInstance) -> None:
    installation.export()
    installation.export("other", filter="id < 0")
    job = definitions().resolve_implicit_global_asset_job_def()
    windows = hours(0, 1)
    result = job.execute_in_process(
        instance=instance,
        tags={
            "dagster/asset_partition_range_start": windows[0].key,
            "dagster/asset_partition_range_end": windows[-1].key,
        },
    )
    assert result.success
    rows = {
        (export, record.asset_materialization.metadata["rows"].value)
        for export in ("events", "other")
        for record in instance.fetch_materializations(dg.AssetKey(["exports", export]), limit=10).records
        if record.asset_materialization is not None
    }
    assert rows == {("events", ROWS_PER_HOUR), ("other", 0)}


def test_partitions_are_the_exports_hours_by_our_keys(installation: Installation) -> None:
    partitions = partitions_of(installation.export())
    assert partitions.get_partition_keys() == [window.key for window in hours(0, HOURS - 1)]


def test_an_export_that_does_not_stand_has_no_asset(installation: Installation) -> None:
    installation.export("once", standing=False)
    assert not definitions().resolve_asset_graph().get_all_asset_keys()
