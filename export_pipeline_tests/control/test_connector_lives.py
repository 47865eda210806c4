"""Whatever is done to a connector and its checks say, it is in the state that a small model names."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from export_pipeline.connectors.checking import CheckStep
from export_pipeline.control.connectors import (
    fail_connector,
    replace_connector,
    start_connector,
    stop_connector,
)
from export_pipeline.errors import WrongState
from export_pipeline.store.claims import claim, release
from export_pipeline.store.connector_states import note_check, settle_stopping
from export_pipeline.store.connectors import StoredConnector, find_connector
from export_pipeline.store.database import reading, writing
from export_pipeline_tests.builders import FIRST_HOUR, ORGANIZATION, an_s3_connector
from export_pipeline_tests.control_databases import KEY, emptied, stored_connector, stored_export

CHECKS = {
    "passes": CheckStep(name="list", ok=True, message="Fine."),
    "is delayed": CheckStep(name="list", ok=False, message="Busy.", passes=True),
    "is refused": CheckStep(name="list", ok=False, message="Refused."),
}
# The model: what becomes of a state, by what is done. What is not there is refused.
ALL = ("STARTING", "RUNNING", "STOPPING", "STOPPED", "FAILED")
MOVES = {
    "replace": dict.fromkeys(ALL, "STARTING"),
    "start": {"STOPPED": "STARTING"},
    "stop": dict.fromkeys(("STARTING", "RUNNING", "FAILED"), "STOPPING"),
    "fail": dict.fromkeys(ALL, "FAILED"),
    "passes": {"STARTING": "RUNNING"},
    "is delayed": {"RUNNING": "STARTING"},
    "is refused": {"STARTING": "FAILED", "RUNNING": "FAILED"},
}


class Life(RuleBasedStateMachine):
    """One connector, and perhaps an hour that goes through it."""

    def __init__(self, control: sa.Engine) -> None:
        super().__init__()
        self.control = emptied(control)
        self.now = datetime.now(UTC)
        self.export = stored_export(control, stored_connector(control))
        self.busy = False
        self.state = "STARTING"
        self.read_earlier = self.present()

    def present(self) -> StoredConnector:
        with reading(self.control) as connection:
            return find_connector(connection, ORGANIZATION, "bucket")

    @rule(action=st.sampled_from(["replace", "start", "stop", "fail"]))
    def act(self, action: str) -> None:
        expected = MOVES[action].get(self.state)
        if expected is None:
            with pytest.raises(WrongState, match=f"is {self.state} and cannot"):
                self.do(action)
            return
        self.state = expected
        if expected == "STOPPING" and not self.busy:
            self.state = "STOPPED"
        assert self.do(action).state == self.state

    def do(self, action: str) -> StoredConnector:
        actions: dict[str, Callable[[sa.Connection], StoredConnector]] = {
            "replace": lambda connection: replace_connector(
                connection, KEY, organization=ORGANIZATION, name="bucket", config=an_s3_connector()
            ),
            "start": lambda connection: start_connector(connection, ORGANIZATION, "bucket"),
            "stop": lambda connection: stop_connector(connection, ORGANIZATION, "bucket"),
            "fail": lambda connection: fail_connector(connection, ORGANIZATION, "bucket"),
        }
        with writing(self.control) as connection:
            return actions[action](connection)

    @rule(result=st.sampled_from(sorted(CHECKS)))
    def check(self, result: str) -> None:
        self.state = MOVES[result].get(self.state, self.state)
        assert self.note(self.present(), result) is not None

    @rule()
    def begin_a_slow_check(self) -> None:
        self.read_earlier = self.present()

    @rule(result=st.sampled_from(sorted(CHECKS)))
    def end_the_slow_check(self, result: str) -> None:
        overtaken = self.read_earlier != self.present()
        if not overtaken:
            self.state = MOVES[result].get(self.state, self.state)
        assert (self.note(self.read_earlier, result) is None) is overtaken

    def note(self, connector: StoredConnector, result: str) -> StoredConnector | None:
        with writing(self.control) as connection:
            return note_check(connection, connector, [CHECKS[result]], now=self.now, spread=0.5)

    @rule()
    def an_hour_begins(self) -> None:
        with writing(self.control) as connection:
            until = self.now + timedelta(hours=1)
            claim(connection, self.export.id, FIRST_HOUR, "run", now=self.now, expires_at=until)
        self.busy = True

    @rule()
    def an_hour_ends(self) -> None:
        with writing(self.control) as connection:
            release(connection, self.export.id, [FIRST_HOUR], "run")
        self.busy = False

    @rule()
    def settle(self) -> None:
        if self.state == "STOPPING" and not self.busy:
            self.state = "STOPPED"
        with writing(self.control) as connection:
            settle_stopping(connection, self.now)

    @invariant()
    def the_state_is_the_models(self) -> None:
        present = self.present()
        assert present.state == self.state
        assert present.reason.endswith(".")
        assert present.next_check_at is None or self.state in ("STARTING", "RUNNING")


def test_every_life_is_one_of_the_models(control: sa.Engine) -> None:
    class LifeHere(Life):
        def __init__(self) -> None:
            super().__init__(control)

    run_state_machine_as_test(
        LifeHere,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
