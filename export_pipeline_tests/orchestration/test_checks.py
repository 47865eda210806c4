"""The three checks that every run of an asset makes."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.orchestration.checks import RECEIPT_VERIFIES, ROWS_RECONCILE, evaluations
from export_pipeline.orchestration.outcome import Outcome
from export_pipeline.orchestration.readiness import CONNECTOR_READY
from export_pipeline.orchestration.resources import DeploymentResource
from export_pipeline.store.connector_states import change_state
from export_pipeline.store.database import writing
from export_pipeline_tests.builders import a_failure
from export_pipeline_tests.installations import ROWS_PER_HOUR, Installation, hours
from export_pipeline_tests.orchestration.running import EVENTS, definitions, run_hours
from export_pipeline_tests.runs import deliver


@pytest.fixture
def deployment(installation: Installation) -> Iterator[DeploymentResource]:
    """As an op is given it."""
    with dg.build_resources({"deployment": DeploymentResource()}) as resources:
        assert installation
        yield resources.deployment


def checks_of(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    return {evaluation.check_name: evaluation for evaluation in result.get_asset_check_evaluations()}


def test_all_checks_pass_when_all_is_in_order(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    found = checks_of(run_hours(instance, 0, 2))
    assert {name: check.passed for name, check in found.items()} == {
        RECEIPT_VERIFIES: True,
        ROWS_RECONCILE: True,
        CONNECTOR_READY: True,
    }
    assert found[ROWS_RECONCILE].metadata["rows"].value == 3 * ROWS_PER_HOUR


def test_a_file_that_was_altered_fails_the_check_by_name(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    run_hours(instance, 0, 2)
    altered = installation.downloads / "events/2026-01-05-01-00.csv"
    altered.write_bytes(altered.read_bytes().replace(b"kind 1", b"kind 9"))
    found = checks_of(run_hours(instance, 0, 2))
    assert not found[RECEIPT_VERIFIES].passed
    assert "events/2026-01-05-01-00.csv" in found[RECEIPT_VERIFIES].metadata["faults"].value


def test_the_checks_are_declared_on_the_asset(installation: Installation) -> None:
    installation.export()
    keys = definitions().resolve_asset_graph().asset_check_keys
    assert {key.name for key in keys} == {RECEIPT_VERIFIES, ROWS_RECONCILE, CONNECTOR_READY}


def test_they_are_made_though_a_chunk_failed_and_the_failed_hour_is_a_fault(
    installation: Installation, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the chunks after it do not turn them green."""
    monkeypatch.setenv("EXPORT_PIPELINE_HOURS_PER_CHUNK", "2")
    installation.export()
    in_the_way = installation.downloads / "events/2026-01-05-01-00.csv"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("somebody else's")
    result = run_hours(instance, 0, 5)
    assert not result.success
    found = checks_of(result)
    assert {name: check.passed for name, check in found.items()} == {
        RECEIPT_VERIFIES: False,
        ROWS_RECONCILE: True,
        CONNECTOR_READY: True,
    }
    assert "1 faults in 6 hours" in found[RECEIPT_VERIFIES].description
    assert "2026-01-05-01:00 (upload, configure)" in found[RECEIPT_VERIFIES].metadata["faults"].value
    assert found[ROWS_RECONCILE].metadata["rows"].value == 4 * ROWS_PER_HOUR  # one failed, one has none


def test_what_the_run_read_back_itself_is_not_read_again(
    installation: Installation, deployment: DeploymentResource
) -> None:
    """Nothing is left at the destination, and nobody looks."""
    export = installation.export()
    outcome = Outcome.of(deliver(installation, export, hours(0, 2)))
    shutil.rmtree(installation.downloads)
    assert [one.passed for one in evaluations(EVENTS, deployment, export.id, outcome)] == [True] * 3
    earlier = Outcome(found=tuple(hours(0, 2)))
    verifies, *_ = evaluations(EVENTS, deployment, export.id, earlier)
    assert not verifies.passed
    assert verifies.description == "3 faults in 3 hours"


def test_hours_beside_those_that_were_found_are_not_read(
    installation: Installation, deployment: DeploymentResource
) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 2))
    (installation.downloads / "events/2026-01-05-01-00.csv").unlink()
    found = Outcome(found=(hours(0, 0)[0], hours(2, 2)[0]))
    assert [one.passed for one in evaluations(EVENTS, deployment, export.id, found)] == [True] * 3


def test_hours_at_a_destination_that_cannot_be_opened_are_faults_with_its_reason(
    installation: Installation, deployment: DeploymentResource
) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 1))
    shutil.rmtree(installation.downloads)
    installation.downloads.write_text("no folder")
    verifies, *_ = evaluations(EVENTS, deployment, export.id, Outcome(found=tuple(hours(0, 1))))
    assert verifies.description == "2 faults in 2 hours"


def test_a_run_all_of_whose_hours_failed_makes_them_without_a_look(
    installation: Installation, deployment: DeploymentResource
) -> None:
    export = installation.export()
    failed = Outcome(failed=(a_failure(message="the bucket is gone"),))
    verifies, reconcile, _ = evaluations(EVENTS, deployment, export.id, failed)
    assert (verifies.passed, reconcile.passed) == (False, True)
    assert "the bucket is gone; not delivered by this run" in str(verifies.metadata["faults"].value)


def test_a_run_whose_connector_does_not_run_says_so_and_calls_no_hour_damaged(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    with writing(installation.deployment.control) as connection:
        change_state(
            connection, export.connector_id, ConnectorState.FAILED, "It is refused.", now=datetime.now(UTC)
        )
    found = checks_of(run_hours(instance, 0, 2))
    assert {name: check.passed for name, check in found.items()} == {
        RECEIPT_VERIFIES: True,
        ROWS_RECONCILE: True,
        CONNECTOR_READY: False,
    }
    assert found[CONNECTOR_READY].severity is dg.AssetCheckSeverity.ERROR
    assert found[CONNECTOR_READY].metadata["reason"].value == "It is refused."
