"""The machine: every action and every verdict of a check in every state."""

from datetime import timedelta
from itertools import product

import pytest

from export_pipeline.connectors.checking import CheckStep
from export_pipeline.connectors.lifecycle import (
    ACTIONS,
    BETWEEN_CHECKS,
    Action,
    ConnectorState,
    Verdict,
    actions_in,
    after_check,
    verdict_of,
    wait_after,
)

STARTING, RUNNING, STOPPING, STOPPED, FAILED = ConnectorState
PASSED, DELAYED, REFUSED = Verdict

# What people read in docs/connectors.md, said once more.
ALLOWED = {
    STARTING: {"replace", "stop", "fail", "delete"},
    RUNNING: {"replace", "stop", "fail", "delete"},
    STOPPING: {"replace", "fail", "delete"},
    STOPPED: {"replace", "start", "fail", "delete"},
    FAILED: {"replace", "stop", "fail", "delete"},
}

GOOD = CheckStep(name="list", ok=True, message="Fine.")
BUSY = CheckStep(name="list", ok=False, message="Busy.", passes=True)
BAD = CheckStep(name="list", ok=False, message="Refused.")


@pytest.mark.parametrize("state", ConnectorState)
def test_what_may_be_done_in_a_state(state: ConnectorState) -> None:
    assert {str(action) for action in actions_in(state)} == ALLOWED[state]


def test_where_each_action_leads() -> None:
    assert {action: leads for action, (_, leads) in ACTIONS.items()} == {
        Action.REPLACE: STARTING,
        Action.START: STARTING,
        Action.STOP: STOPPING,
        Action.FAIL: FAILED,
        Action.DELETE: None,
    }


@pytest.mark.parametrize(
    ("state", "verdict"), [*product((STARTING, RUNNING), Verdict)], ids=lambda value: str(value)
)
def test_where_a_check_leads(state: ConnectorState, verdict: Verdict) -> None:
    expected = {PASSED: RUNNING, DELAYED: STARTING, REFUSED: FAILED}[verdict]

    assert after_check(state, verdict, always_there=False) is expected


@pytest.mark.parametrize(
    ("state", "verdict"), [*product((STOPPING, STOPPED, FAILED), Verdict)], ids=lambda value: str(value)
)
def test_a_check_moves_nothing_that_people_have_to_move(state: ConnectorState, verdict: Verdict) -> None:
    assert after_check(state, verdict, always_there=False) is state


@pytest.mark.parametrize("verdict", [DELAYED, REFUSED])
def test_what_is_always_there_is_tried_again_whatever_its_check_says(verdict: Verdict) -> None:
    assert after_check(RUNNING, verdict, always_there=True) is STARTING
    assert after_check(STARTING, PASSED, always_there=True) is RUNNING


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [([GOOD], PASSED), ([GOOD, BUSY], DELAYED), ([GOOD, BAD], REFUSED), ([BUSY, BAD], REFUSED)],
)
def test_what_the_steps_come_to(steps: list[CheckStep], verdict: Verdict) -> None:
    assert verdict_of(steps) is verdict


def test_the_waits_double_up_to_an_hour() -> None:
    minutes = [wait_after(failed, 0) / timedelta(minutes=1) for failed in range(1, 10)]

    assert minutes == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert wait_after(10**6, 0) == timedelta(hours=1)


def test_what_passed_is_looked_at_within_an_hour_and_not_all_at_once() -> None:
    assert wait_after(0, 0) == BETWEEN_CHECKS
    assert wait_after(0, 1) == BETWEEN_CHECKS * 0.75


def test_where_each_check_leaves_something_it_is_made_once_a_day() -> None:
    assert wait_after(0, 0, leaves=True) == timedelta(days=1)
    assert wait_after(1, 0, leaves=True) == timedelta(seconds=30)
