"""States of stored connectors: moved, checked, settled."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from export_pipeline.connectors.checking import CheckStep
from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.store.claims import claim, release
from export_pipeline.store.connector_states import (
    ask_for_check,
    change_state,
    connectors_to_check,
    last_check,
    note_check,
    settle_stopping,
)
from export_pipeline.store.connectors import StoredConnector, get_connector, hide_connector, list_connectors
from export_pipeline.store.database import open_control_database, reading, upgrade, writing
from export_pipeline_tests.builders import FIRST_HOUR, ORGANIZATION
from export_pipeline_tests.control_databases import stored_connector, stored_export

STARTING, RUNNING, STOPPING, STOPPED, FAILED = ConnectorState

NOW = datetime(2040, 1, 1, tzinfo=UTC)  # after everything that a test makes
GOOD = [CheckStep(name="list", ok=True, message="Fine.")]
BUSY = [*GOOD, CheckStep(name="write", ok=False, message="It is busy.", passes=True)]
BAD = [CheckStep(name="list", ok=False, message="It is refused.")]


def noted(
    control: sa.Engine, connector: StoredConnector, steps: list[CheckStep], *, now: datetime = NOW
) -> StoredConnector | None:
    with writing(control) as connection:
        return note_check(connection, connector, steps, now=now, spread=0)


def checked(control: sa.Engine, id_: str, steps: list[CheckStep], *, now: datetime = NOW) -> StoredConnector:
    result = noted(control, present(control, id_), steps, now=now)
    assert result is not None
    return result


def moved(control: sa.Engine, id_: str, state: ConnectorState, reason: str = "So be it.") -> StoredConnector:
    with writing(control) as connection:
        return change_state(connection, id_, state, reason, now=NOW)


def present(control: sa.Engine, id_: str) -> StoredConnector:
    with reading(control) as connection:
        return get_connector(connection, id_)


def due(control: sa.Engine, now: datetime = NOW, limit: int = 10) -> list[str]:
    with reading(control) as connection:
        return [connector.name for connector in connectors_to_check(connection, now, limit)]


def test_a_new_connector_starts_and_is_to_be_checked(control: sa.Engine) -> None:
    stored = stored_connector(control)

    assert (stored.state, stored.reason) == (STARTING, "It has not been checked yet.")
    assert due(control) == [stored.name]


def test_a_check_that_passes_makes_it_run_for_an_hour(control: sa.Engine) -> None:
    running = checked(control, stored_connector(control).id, GOOD)

    assert (running.state, running.reason, running.state_since) == (RUNNING, "Its check passed.", NOW)
    assert (running.checked_at, running.next_check_at) == (NOW, NOW + timedelta(hours=1))
    assert due(control, NOW + timedelta(minutes=59)) == []
    assert due(control, NOW + timedelta(hours=1)) == ["bucket"]


def test_a_check_that_passes_again_does_not_begin_the_state_anew(control: sa.Engine) -> None:
    id_ = stored_connector(control).id
    checked(control, id_, GOOD)

    assert checked(control, id_, GOOD, now=NOW + timedelta(hours=1)).state_since == NOW


def test_what_passes_is_tried_again_after_longer_and_longer_waits(control: sa.Engine) -> None:
    id_, now, waits = stored_connector(control).id, NOW, []
    checked(control, id_, GOOD)
    for _ in range(3):
        result = checked(control, id_, BUSY, now=now)
        assert (result.state, result.reason) == (STARTING, "It is busy.")
        assert result.next_check_at is not None
        waits.append((result.next_check_at - now).total_seconds())
        now = result.next_check_at

    assert waits == [30, 60, 120]
    assert checked(control, id_, GOOD, now=now).state is RUNNING
    again = checked(control, id_, BUSY, now=now)
    assert again.next_check_at == now + timedelta(seconds=30)


def test_where_probes_stay_a_running_connector_is_checked_once_a_day(control: sa.Engine) -> None:
    left = [*GOOD, CheckStep(name="delete", ok=True, message="It may stay there.", leaves=True)]

    running = checked(control, stored_connector(control).id, left)

    assert running.next_check_at == NOW + timedelta(days=1)


def test_what_somebody_has_to_change_fails_and_is_not_tried_again(control: sa.Engine) -> None:
    failed = checked(control, stored_connector(control).id, BAD)

    assert (failed.state, failed.reason, failed.next_check_at) == (FAILED, "It is refused.", None)
    assert due(control, NOW + timedelta(days=365)) == []


def test_a_check_of_what_was_failed_by_hand_is_kept_and_moves_nothing(control: sa.Engine) -> None:
    id_ = stored_connector(control).id
    moved(control, id_, FAILED, "We move house.")

    result = checked(control, id_, GOOD)

    assert (result.state, result.reason, result.checked_at) == (FAILED, "We move house.", NOW)
    with reading(control) as connection:
        assert list(last_check(connection, id_)) == GOOD


@pytest.mark.parametrize("state", ConnectorState)
def test_a_check_of_what_was_changed_meanwhile_counts_for_nothing(
    control: sa.Engine, state: ConnectorState
) -> None:
    before = stored_connector(control)
    after = moved(control, before.id, state)

    assert noted(control, before, BAD) is None
    assert present(control, before.id) == after


def test_the_check_of_a_connector_that_was_deleted_counts_for_nothing(control: sa.Engine) -> None:
    stored = stored_connector(control)
    with writing(control) as connection:
        hide_connector(connection, stored.id)

    assert noted(control, stored, GOOD) is None


def test_of_two_checks_at_once_one_counts(control: sa.Engine) -> None:
    stored = stored_connector(control)
    barrier = threading.Barrier(2)

    def note(steps: list[CheckStep]) -> StoredConnector | None:
        with reading(control):
            barrier.wait(30)
        return noted(control, stored, steps)

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(note, [GOOD, BAD]))

    (counted,) = [result for result in results if result is not None]
    assert present(control, stored.id) == counted


def test_starting_again_forgets_the_last_check_and_its_failures(control: sa.Engine) -> None:
    id_ = stored_connector(control).id
    checked(control, id_, BUSY)
    checked(control, id_, BUSY)

    started = moved(control, id_, STARTING)

    assert (started.checked_at, started.next_check_at) == (None, None)
    assert due(control) == ["bucket"]
    with reading(control) as connection:
        assert list(last_check(connection, id_)) == []
    assert checked(control, id_, BUSY).next_check_at == NOW + timedelta(seconds=30)


def test_stopping_keeps_what_the_last_check_said(control: sa.Engine) -> None:
    id_ = stored_connector(control).id
    checked(control, id_, GOOD)

    moved(control, id_, STOPPED)

    with reading(control) as connection:
        assert list(last_check(connection, id_)) == GOOD


def test_who_waited_longest_is_checked_first(control: sa.Engine) -> None:
    for minutes, name in enumerate(["first", "second", "third"]):
        checked(control, stored_connector(control, name=name).id, GOOD, now=NOW - timedelta(minutes=minutes))

    assert due(control, NOW + timedelta(hours=2), limit=2) == ["third", "second"]


def test_a_running_connector_is_checked_soon_when_somebody_asks(control: sa.Engine) -> None:
    id_ = stored_connector(control).id
    checked(control, id_, GOOD)

    with writing(control) as connection:
        ask_for_check(connection, id_, now=NOW + timedelta(seconds=5))

    assert due(control, NOW + timedelta(seconds=5)) == []  # it was only just checked
    assert due(control, NOW + timedelta(seconds=30)) == ["bucket"]


@pytest.mark.parametrize("state", [STOPPING, STOPPED, FAILED])
def test_nobody_asks_for_a_check_of_what_does_not_run(control: sa.Engine, state: ConnectorState) -> None:
    id_ = stored_connector(control).id
    moved(control, id_, state)

    with writing(control) as connection:
        ask_for_check(connection, id_, now=NOW)

    assert due(control, NOW + timedelta(days=1)) == []


def test_asking_does_not_shorten_the_wait_of_what_starts(control: sa.Engine) -> None:
    id_ = stored_connector(control).id
    before = checked(control, id_, BUSY)

    with writing(control) as connection:
        ask_for_check(connection, id_, now=NOW)

    assert present(control, id_) == before


def test_what_is_stopping_is_stopped_when_nothing_is_in_flight(control: sa.Engine) -> None:
    connector = stored_connector(control)
    export = stored_export(control, connector)
    with writing(control) as connection:
        claim(connection, export.id, FIRST_HOUR, "run", now=NOW, expires_at=NOW + timedelta(minutes=5))
    moved(control, connector.id, STOPPING, "Enough.")

    with writing(control) as connection:
        assert list(settle_stopping(connection, NOW)) == []
        release(connection, export.id, [FIRST_HOUR], "run")
        (settled,) = settle_stopping(connection, NOW)

    assert (settled.id, settled.state, settled.reason) == (connector.id, STOPPED, "Enough.")


def test_a_claim_that_lapsed_is_not_waited_for(control: sa.Engine) -> None:
    connector = stored_connector(control)
    export = stored_export(control, connector)
    with writing(control) as connection:
        claim(connection, export.id, FIRST_HOUR, "run", now=NOW, expires_at=NOW + timedelta(minutes=5))
    moved(control, connector.id, STOPPING)

    with writing(control) as connection:
        assert [one.state for one in settle_stopping(connection, NOW + timedelta(minutes=5))] == [STOPPED]


def test_settling_leaves_every_other_state_alone(control: sa.Engine) -> None:
    for state in (STARTING, RUNNING, STOPPED, FAILED):
        moved(control, stored_connector(control, name=state.lower()).id, state)

    with writing(control) as connection:
        assert list(settle_stopping(connection, NOW)) == []


def test_connectors_of_the_release_before_are_running(control_url: str) -> None:
    engine = open_control_database(control_url)
    with writing(engine) as connection:
        upgrade_to(connection, "0002")
        connection.execute(sa.text("insert into organizations values ('acme', '2013-01-01 00:00:00')"))
        insert_as_before(connection, "before")

    upgrade(engine)
    with writing(engine) as connection:
        insert_as_before(connection, "after")  # the program of before goes on for a while
        after, before = list_connectors(connection, ORGANIZATION)
        soon = connectors_to_check(connection, NOW, 10)

    for connector in (after, before):
        assert (connector.state, connector.reason, connector.generation) == (RUNNING, "", 1)
        assert connector.state_since == connector.created_at == FIRST_HOUR
    assert {connector.name for connector in soon} == {"before", "after"}
    assert checked(engine, before.id, BAD).state is FAILED
    engine.dispose()


def upgrade_to(connection: sa.Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", "export_pipeline:store/migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def insert_as_before(connection: sa.Connection, name: str) -> None:
    connection.execute(
        sa.text(
            "insert into connectors (id, organization, name, type, sealed_config, created_at)"
            " values (:name, 'acme', :name, 's3', :sealed, :at)"
        ),
        {
            "name": name,
            "sealed": b"sealed",
            "at": "2013-01-01 00:00:00+00" if connection.dialect.name != "sqlite" else OLD,
        },
    )


OLD = "2013-01-01 00:00:00.000000"
