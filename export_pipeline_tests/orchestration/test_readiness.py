"""What the check `connector_ready` says of a connector."""

from dataclasses import replace

import dagster as dg
import pytest

from export_pipeline.connectors.checking import CheckStep
from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.orchestration.readiness import readiness
from export_pipeline.store.connectors import StoredConnector
from export_pipeline_tests.builders import FIRST_HOUR

KEY = dg.AssetKey(["exports", "flights"])
CONNECTOR = StoredConnector(
    id="connector-1",
    organization="acme",
    name="bucket",
    type="s3",
    created_at=FIRST_HOUR,
    state=ConnectorState.RUNNING,
    reason="Its check passed.",
    state_since=FIRST_HOUR,
    generation=2,
    checked_at=FIRST_HOUR,
    next_check_at=None,
)
STEPS = [
    CheckStep(name="list", ok=True, message="Fine."),
    CheckStep(name="write", ok=False, message="Refused: let a|b\nwrite."),
]


@pytest.mark.parametrize(
    ("state", "passed", "severity"),
    [
        (ConnectorState.RUNNING, True, dg.AssetCheckSeverity.WARN),
        (ConnectorState.STARTING, False, dg.AssetCheckSeverity.WARN),
        (ConnectorState.STOPPING, False, dg.AssetCheckSeverity.WARN),
        (ConnectorState.STOPPED, False, dg.AssetCheckSeverity.WARN),
        (ConnectorState.FAILED, False, dg.AssetCheckSeverity.ERROR),
    ],
)
def test_only_one_that_runs_is_ready_and_one_that_failed_is_an_error(
    state: ConnectorState, passed: bool, severity: dg.AssetCheckSeverity
) -> None:
    evaluation = readiness(KEY, replace(CONNECTOR, state=state), STEPS)
    assert (evaluation.passed, evaluation.severity) == (passed, severity)


def test_it_says_the_state_its_reason_and_the_steps_of_the_last_check() -> None:
    evaluation = readiness(KEY, replace(CONNECTOR, state=ConnectorState.FAILED, reason="Refused."), STEPS)
    assert evaluation.description == "connector 'bucket' is FAILED: Refused."
    said = {name: value.value for name, value in evaluation.metadata.items()}
    assert said == {
        "connector": "bucket",
        "state": "FAILED",
        "reason": "Refused.",
        "checked_at": "2013-01-01T00:00:00+00:00",
        "steps": "| step | | |\n|---|---|---|\n| list | passed | Fine. |\n"
        "| write | failed | Refused: let a\\|b write. |",
    }


def test_one_that_was_never_checked_says_so() -> None:
    evaluation = readiness(KEY, replace(CONNECTOR, checked_at=None), [])
    assert (evaluation.metadata["checked_at"].value, evaluation.metadata["steps"].value) == ("never", "none")
