"""The states of a connector, and what leads from one to the next.

    made ──> STARTING ──check passed──> RUNNING        replaced, from any state ──> STARTING
                 ^  <──check delayed──     │
                 │                         │           failed by hand, from any state ──> FAILED
              started                   stopped        check refused, STARTING or RUNNING ──> FAILED
                 │                         v
              STOPPED <──nothing in flight── STOPPING <──stopped── FAILED, STARTING

RUNNING is earned by a check and lost by one; exports wait at a connector in any other state.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum

from export_pipeline.connectors.checking import CheckStep

# A credential can be withdrawn at any time, and an hour is the longest that we let files run into that
# unannounced; the failure of an upload asks for a check at once.
BETWEEN_CHECKS = timedelta(hours=1)

# Where each check leaves its probe behind: somebody has to sweep there.
BETWEEN_CHECKS_THAT_LEAVE_SOMETHING = timedelta(days=1)

# After a check that failed for a reason that passes; doubled with each one more.
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)


class ConnectorState(StrEnum):
    """Files go through a RUNNING connector, and through no other."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    FAILED = "FAILED"


class Action(StrEnum):
    """What people may ask of a connector."""

    REPLACE = "replace"
    START = "start"
    STOP = "stop"
    FAIL = "fail"
    DELETE = "delete"


class Verdict(StrEnum):
    """What a check came to: all is well, it may be soon without anybody's doing, or somebody has to act."""

    PASSED = "passed"
    DELAYED = "delayed"
    REFUSED = "refused"


_EVERY = frozenset(ConnectorState)

# The states in which a connector is tried by itself.
CHECKED = frozenset({ConnectorState.STARTING, ConnectorState.RUNNING})

# From which states each action may be taken, and where it leads: None, to the end.
ACTIONS: Mapping[Action, tuple[frozenset[ConnectorState], ConnectorState | None]] = {
    Action.REPLACE: (_EVERY, ConnectorState.STARTING),
    Action.START: (frozenset({ConnectorState.STOPPED}), ConnectorState.STARTING),
    Action.STOP: (CHECKED | {ConnectorState.FAILED}, ConnectorState.STOPPING),
    Action.FAIL: (_EVERY, ConnectorState.FAILED),
    Action.DELETE: (_EVERY, None),
}

AFTER_CHECK: Mapping[Verdict, ConnectorState] = {
    Verdict.PASSED: ConnectorState.RUNNING,
    Verdict.DELAYED: ConnectorState.STARTING,
    Verdict.REFUSED: ConnectorState.FAILED,
}


def actions_in(state: ConnectorState) -> Sequence[Action]:
    """What may be asked of a connector in that state."""
    return [action for action, (states, _) in ACTIONS.items() if state in states]


def verdict_of(steps: Sequence[CheckStep]) -> Verdict:
    """What the steps of a check come to."""
    failed = [step for step in steps if not step.ok]
    if not failed:
        return Verdict.PASSED
    return Verdict.DELAYED if all(step.passes for step in failed) else Verdict.REFUSED


def after_check(state: ConnectorState, verdict: Verdict, *, always_there: bool) -> ConnectorState:
    """The state that a check leads to. It moves nothing that is stopped or failed: that is for people.

    One that is `always_there` never fails for good: who mends it is the operator, and nobody starts it again.
    """
    if state not in CHECKED:
        return state
    if always_there and verdict is Verdict.REFUSED:
        return ConnectorState.STARTING
    return AFTER_CHECK[verdict]


def wait_after(failed_checks: int, spread: float, *, leaves: bool = False) -> timedelta:
    """How long to wait after so many checks that failed in a row, or after one that passed (0).

    `leaves`: the check that passed has left something behind, as every one after it will.
    `spread`, from 0 to 1, keeps those apart that began together: up to a quarter is taken off the wait.
    """
    if not failed_checks:
        wait = BETWEEN_CHECKS_THAT_LEAVE_SOMETHING if leaves else BETWEEN_CHECKS
    else:
        # The exponent is bounded before the power is taken: nobody resets a count of years.
        wait = min(FIRST_WAIT * 2 ** min(failed_checks - 1, 20), LONGEST_WAIT)
    return wait * (1 - spread / 4)
