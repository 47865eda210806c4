"""Hours that waited for their connector are taken up again, once."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.exports.export import Export
from export_pipeline.orchestration.assets import export_job
from export_pipeline.orchestration.names import (
    PRIORITY_TAG,
    PROVEN_SINCE_TAG,
    RANGE_END_TAG,
    RANGE_START_TAG,
    WAITS_TAG,
)
from export_pipeline.orchestration.schedules import export_schedule
from export_pipeline.orchestration.waiting import ranges, waiting_hours
from export_pipeline.store.connector_states import change_state
from export_pipeline.store.database import reading, writing
from export_pipeline.store.ledger import failures_between
from export_pipeline.store.waits import Wait, note_wait, waits_of
from export_pipeline.windows import ONE_HOUR
from export_pipeline_tests.installations import FIRST, HOURS, Installation, hours
from export_pipeline_tests.orchestration.running import EVENTS, definitions, run_hours
from export_pipeline_tests.runs import ledger


def move(installation: Installation, export: Export, state: ConnectorState) -> None:
    with writing(installation.deployment.control) as connection:
        change_state(connection, export.connector_id, state, "So be it.", now=datetime.now(UTC))


def wait(
    installation: Installation, export: Export, first: int, last: int, proven_since: datetime | None = None
) -> None:
    with writing(installation.deployment.control) as connection:
        for window in hours(first, last):
            note_wait(connection, export.id, window.start, now=datetime.now(UTC), proven_since=proven_since)


def waiting(installation: Installation, export: Export) -> list[datetime]:
    with reading(installation.deployment.control) as connection:
        return [one.hour for one in waits_of(connection, export.id)]


def requests(instance: dg.DagsterInstance, *exports: Export) -> list[dg.RunRequest]:
    sensor = waiting_hours({export.id: export_job(export) for export in exports})
    tick = sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
    return [*(tick.run_requests or [])]


def run(instance: dg.DagsterInstance, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    """What Dagster does with a request."""
    job = definitions().resolve_job_def(request.job_name or "")
    return job.execute_in_process(instance=instance, raise_on_error=False, tags=dict(request.tags))


def test_what_a_run_left_waiting_is_delivered_when_the_connector_is_running_again(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    run_hours(instance, 0, 1)
    move(installation, export, ConnectorState.FAILED)
    stopped = run_hours(instance, 0, 5)
    assert not stopped.success
    assert len(waiting(installation, export)) == 4
    with reading(installation.deployment.control) as connection:
        assert not failures_between(connection, export.id, FIRST, FIRST + HOURS * ONE_HOUR)
    assert requests(instance, export) == []

    move(installation, export, ConnectorState.RUNNING)
    (request,) = requests(instance, export)
    assert run(instance, request).success
    assert len(ledger(installation, export)) == 6
    assert waiting(installation, export) == []
    assert instance.get_materialized_partitions(EVENTS) == {window.key for window in hours(0, 5)}
    assert requests(instance, export) == []


def test_a_request_names_its_range_and_stands_behind_fresh_hours(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    wait(installation, export, 3, 5)
    (request,) = requests(instance, export)
    assert request.job_name == "deliver__events"
    assert (request.tags[RANGE_START_TAG], request.tags[RANGE_END_TAG]) == (
        "2026-01-05-03:00",
        "2026-01-05-05:00",
    )
    assert request.tags[WAITS_TAG] == export.id
    assert 0 < int(request.tags[PRIORITY_TAG]) < 2


def test_every_gap_makes_a_range_of_its_own(installation: Installation, instance: dg.DagsterInstance) -> None:
    export = installation.export()
    wait(installation, export, 3, 5)
    wait(installation, export, 8, 8)
    assert [request.tags[RANGE_START_TAG][-5:] for request in requests(instance, export)] == [
        "03:00",
        "08:00",
    ]


def test_what_is_asked_by_force_is_a_range_of_its_own() -> None:
    waits = [
        Wait(export_id="e", hour=window.start, since=FIRST, proven_since=FIRST if number in {1, 2} else None)
        for number, window in enumerate(hours(0, 4))
    ]
    assert [len(part) for part in ranges(waits)] == [1, 2, 2]
    assert list(ranges([])) == []


def test_asked_again_it_is_the_same_run_until_the_connector_has_stopped_in_between(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    wait(installation, export, 0, 2)
    first, again = (requests(instance, export)[0].run_key for _ in range(2))
    assert first == again
    move(installation, export, ConnectorState.STARTING)
    move(installation, export, ConnectorState.RUNNING)
    assert requests(instance, export)[0].run_key != first


def test_while_a_run_takes_its_waits_away_an_export_is_left_alone(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    """What is left of its range would look like another one."""
    export, other = installation.export(), installation.export("others")
    wait(installation, export, 0, 2)
    wait(installation, other, 5, 5)
    request = requests(instance, export, other)[0]
    job = definitions().resolve_job_def("deliver__events")
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=dict(request.tags))
    (left,) = requests(instance, export, other)
    assert left.tags[WAITS_TAG] == other.id


def test_an_export_made_since_the_definitions_were_loaded_waits_for_the_next_reload(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export, new = installation.export(), installation.export("others")
    wait(installation, new, 0, 2)
    assert requests(instance, export) == []
    assert len(requests(instance, export, new)) == 1


def test_what_waited_by_force_is_delivered_by_force(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    run_hours(instance, 0, 2)
    move(installation, export, ConnectorState.STOPPED)
    before = datetime.now(UTC) - timedelta(seconds=30)
    assert not run_hours(instance, 0, 2, force=True).success
    move(installation, export, ConnectorState.RUNNING)
    (request,) = requests(instance, export)
    assert datetime.fromisoformat(request.tags[PROVEN_SINCE_TAG]) > before
    proven = [entry.proven_at for entry in ledger(installation, export)]
    assert run(instance, request).success
    assert all(
        entry.proven_at > earlier for entry, earlier in zip(ledger(installation, export), proven, strict=True)
    )
    assert waiting(installation, export) == []


def test_a_tick_whose_hour_would_wait_starts_no_run_and_the_hour_is_made_up_for(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    move(installation, export, ConnectorState.FAILED)
    schedule = export_schedule(export, export_job(export))
    moment = FIRST + timedelta(hours=6, minutes=10)
    skipped = schedule(dg.build_schedule_context(scheduled_execution_time=moment))
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == (
        "2026-01-05-05:00 of events waits for connector 'direct_download', which is FAILED: So be it."
    )
    move(installation, export, ConnectorState.RUNNING)
    (request,) = requests(instance, export)
    assert run(instance, request).success
    assert [entry.hour for entry in ledger(installation, export)] == [hours(5, 5)[0].start]


def test_a_tick_whose_hour_is_delivered_already_notes_no_wait(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    run_hours(instance, 5, 5)
    move(installation, export, ConnectorState.STOPPED)
    schedule = export_schedule(export, export_job(export))
    schedule(dg.build_schedule_context(scheduled_execution_time=FIRST + timedelta(hours=6, minutes=10)))
    assert waiting(installation, export) == []


def test_hours_that_fail_wait_no_more(installation: Installation, instance: dg.DagsterInstance) -> None:
    """For another reason than their connector: then they are failed hours like any other."""
    export = installation.export()
    wait(installation, export, 0, 2)
    (request,) = requests(instance, export)
    installation.change_source("alter table events alter amount type varchar")

    assert not run(instance, request).success

    assert waiting(installation, export) == []
    with reading(installation.deployment.control) as connection:
        assert len(failures_between(connection, export.id, FIRST, FIRST + HOURS * ONE_HOUR)) == 3
