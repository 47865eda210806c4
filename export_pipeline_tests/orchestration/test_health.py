"""Connectors are checked in time, and Dagster hears of their states."""

import socket
from datetime import UTC, datetime

import dagster as dg

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.control.connectors import fail_connector, stop_connector
from export_pipeline.exports.export import Export
from export_pipeline.orchestration.health import check_all, check_connectors, connector_health
from export_pipeline.orchestration.readiness import CONNECTOR_READY
from export_pipeline.orchestration.resources import DeploymentResource
from export_pipeline.store.claims import claim, release_all
from export_pipeline.store.connector_states import change_state, last_check
from export_pipeline.store.connectors import add_connector
from export_pipeline.store.database import reading, writing
from export_pipeline.windows import ONE_HOUR
from export_pipeline_tests.buckets import CONNECTOR, connector, connector_to, export_through, remove
from export_pipeline_tests.installations import FIRST, Installation
from export_pipeline_tests.orchestration.running import EVENTS
from export_pipeline_tests.servers.s3 import S3Server


class Ticks:
    """The sensor, tick after tick, with the cursor of the one before."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._cursor: str | None = None

    def __call__(self) -> tuple[int, str | None]:
        """How many runs it asks for, and why none."""
        context = dg.build_sensor_context(instance=self._instance, cursor=self._cursor)
        tick = connector_health.evaluate_tick(context)
        self._cursor = tick.cursor
        return len(tick.run_requests or []), tick.skip_message


def check_due(instance: dg.DagsterInstance) -> None:
    result = check_connectors.execute_in_process(
        instance=instance, resources={"deployment": DeploymentResource()}
    )
    assert result.success


def move(installation: Installation, name: str, state: ConnectorState) -> None:
    with writing(installation.deployment.control) as connection:
        change_state(connection, connector(installation, name).id, state, "So be it.", now=datetime.now(UTC))


def told(instance: dg.DagsterInstance) -> list[tuple[bool, str]]:
    """Every evaluation of the check, the oldest first: whether it passed, and the state."""
    key = dg.AssetCheckKey(EVENTS, CONNECTOR_READY)
    records = instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
    found = []
    for record in reversed(records):
        assert record.event is not None
        evaluation = record.event.dagster_event.asset_check_evaluation_data  # type: ignore[union-attr]
        found.append((evaluation.passed, str(evaluation.metadata["state"].value)))
    return found


def test_what_is_due_is_checked_by_one_run(
    installation: Installation, instance: dg.DagsterInstance, s3_server: S3Server
) -> None:
    tick = Ticks(instance)
    bucket = s3_server.new_bucket()
    connector_to(installation, s3_server.config(bucket))
    check_due(instance)  # direct_download was never checked
    assert tick() == (0, "no connector's check is due")
    move(installation, CONNECTOR, ConnectorState.STARTING)
    assert tick()[0] == 1

    run = instance.create_run_for_job(check_connectors, status=dg.DagsterRunStatus.STARTED)
    assert tick() == (0, "connectors are being checked")
    instance.delete_run(run.run_id)

    check_due(instance)
    assert connector(installation).state is ConnectorState.RUNNING
    assert tick() == (0, "no connector's check is due")


def test_each_change_of_state_is_told_once_to_the_exports_of_the_connector(
    installation: Installation, instance: dg.DagsterInstance, s3_server: S3Server
) -> None:
    tick = Ticks(instance)
    bucket = s3_server.new_bucket()
    export_through(installation, s3_server.config(bucket))
    installation.export("others")  # through another connector
    tick()
    assert told(instance) == [(True, "RUNNING")]
    remove(s3_server, bucket)
    move(installation, CONNECTOR, ConnectorState.STARTING)
    tick()
    check_due(instance)
    tick()
    tick()
    assert told(instance) == [(True, "RUNNING"), (False, "STARTING"), (False, "FAILED")]


def test_what_people_do_is_told_as_well(
    installation: Installation, instance: dg.DagsterInstance, s3_server: S3Server
) -> None:
    tick = Ticks(instance)
    export_through(installation, s3_server.config(s3_server.new_bucket()))
    tick()
    with writing(installation.deployment.control) as connection:
        fail_connector(connection, "default", CONNECTOR, "It moves on Monday.")
    tick()
    assert told(instance)[-1] == (False, "FAILED")


def test_a_connector_that_is_stopping_is_stopped_when_nothing_is_in_flight(
    installation: Installation, instance: dg.DagsterInstance, s3_server: S3Server
) -> None:
    tick = Ticks(instance)
    export: Export = export_through(installation, s3_server.config(s3_server.new_bucket()))
    now = datetime.now(UTC)
    with writing(installation.deployment.control) as connection:
        claim(connection, export.id, FIRST, "a run", now=now, expires_at=now + ONE_HOUR)
        stop_connector(connection, "default", CONNECTOR)
    tick()
    assert connector(installation).state is ConnectorState.STOPPING
    with writing(installation.deployment.control) as connection:
        release_all(connection, "a run")
    tick()
    assert connector(installation).state is ConnectorState.STOPPED
    assert told(instance)[-1] == (False, "STOPPED")


def test_a_store_that_keeps_silent_holds_up_neither_the_others_nor_the_run(
    installation: Installation, s3_server: S3Server
) -> None:
    deployment = installation.deployment
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = s3_server.config("a-bucket", endpoint_url=f"http://127.0.0.1:{silent.getsockname()[1]}")
        with writing(deployment.control) as connection:
            add_connector(connection, deployment.secret_key, "default", "silent", config)
        connector_to(installation, s3_server.config(s3_server.new_bucket()))
        move(installation, CONNECTOR, ConnectorState.STARTING)
        check_all(deployment, [connector(installation, "silent"), connector(installation)], 5)
    assert connector(installation).state is ConnectorState.RUNNING
    left = connector(installation, "silent")
    assert (left.state, left.reason) == (
        ConnectorState.STARTING,
        "The check has not ended within 5 seconds.",
    )
    with reading(deployment.control) as connection:
        assert [step.passes for step in last_check(connection, left.id)] == [True]
