"""The two checks that every run of an asset makes."""

from typing import Any

import dagster as dg

from export_pipeline.orchestration.checks import RECEIPT_VERIFIES, ROWS_RECONCILE
from export_pipeline_tests.installations import ROWS_PER_HOUR, Installation
from export_pipeline_tests.orchestration.running import definitions, run_hours


def checks_of(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    return {evaluation.check_name: evaluation for evaluation in result.get_asset_check_evaluations()}


def test_both_checks_pass_when_all_is_in_order(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.export()
    found = checks_of(run_hours(instance, 0, 2))
    assert {name: check.passed for name, check in found.items()} == {
        RECEIPT_VERIFIES: True,
        ROWS_RECONCILE: True,
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
    assert {key.name for key in keys} == {RECEIPT_VERIFIES, ROWS_RECONCILE}
