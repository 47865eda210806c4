"""What is said of a connector."""

from datetime import UTC, datetime

import pytest

from export_pipeline.cli.connector_documents import (
    state_line,
    step_document,
    step_line,
    waits_for,
    well,
)
from export_pipeline.connectors.checking import CheckStep
from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.store.connectors import StoredConnector

GOOD = CheckStep(name="list", ok=True, message="Fine.")
BUSY = CheckStep(name="write", ok=False, message="It is busy.", passes=True)


def a_connector(state: ConnectorState, reason: str = "So be it.") -> StoredConnector:
    now = datetime(2026, 1, 5, tzinfo=UTC)
    return StoredConnector(
        id="1",
        organization="acme",
        name="sales",
        type="s3",
        created_at=now,
        state=state,
        reason=reason,
        state_since=now,
        generation=7,
        checked_at=None,
        next_check_at=None,
    )


@pytest.mark.parametrize("state", ConnectorState)
def test_exports_wait_unless_a_connector_runs(state: ConnectorState) -> None:
    waits = waits_for(a_connector(state))

    assert (waits is None) is (state is ConnectorState.RUNNING)
    assert waits in (None, f"waits, because sales is {state}: So be it.")


def test_a_state_without_a_reason_is_said_alone() -> None:
    assert state_line(a_connector(ConnectorState.RUNNING, reason="")) == "sales is RUNNING"


def test_steps_are_told_to_people_and_machines() -> None:
    assert [step_line(step) for step in (GOOD, BUSY)] == ["ok      list: Fine.", "FAILED  write: It is busy."]
    assert step_document(BUSY) == {"name": "write", "ok": False, "message": "It is busy.", "passes": True}
    assert (well([GOOD]), well([GOOD, BUSY]), well([])) == (True, False, True)
