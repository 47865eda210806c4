"""Two runs and the hours they both want."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.errors import Conflict
from export_pipeline.exports.export import Export
from export_pipeline.pipeline.claiming import BEGINS, GOES_ON, Claims, Taken
from export_pipeline.pipeline.progress import Cancelled
from export_pipeline.store.claims import Claim, claim, claims_between
from export_pipeline.store.connector_states import change_state
from export_pipeline.store.database import reading, writing
from export_pipeline.store.ledger import failures_between, write_entry, write_failure
from export_pipeline.store.waits import note_wait, waits_of
from export_pipeline.windows import ONE_HOUR, HourWindow
from export_pipeline_tests.builders import a_failure, a_ledger_entry
from export_pipeline_tests.installations import FIRST, HOURS, Installation, hours

(HOUR,) = hours(0, 0)
LEASE = timedelta(seconds=1)


@pytest.fixture
def control(installation: Installation) -> sa.Engine:
    return installation.deployment.control


@pytest.fixture
def export(installation: Installation) -> Export:
    return installation.export()


def a_runs_claims(control: sa.Engine, run_id: str = "ours", lease: timedelta = LEASE) -> Claims:
    return Claims(control, run_id, lease, threading.Event())


def held(control: sa.Engine, export: Export) -> list[Claim]:
    with reading(control) as connection:
        return [*claims_between(connection, export.id, FIRST, FIRST + HOURS * ONE_HOUR)]


def holder(control: sa.Engine, export: Export) -> str:
    """Who has the hour, when somebody asks for it now."""
    now = datetime.now(UTC)
    with writing(control) as connection:
        return claim(
            connection, export.id, HOUR.start, "somebody who asks", now=now, expires_at=now + LEASE
        ).owner


def held_by_another(control: sa.Engine, export: Export, seconds: float) -> None:
    """The hour is the run `theirs`, which gives no more sign of life."""
    now = datetime.now(UTC)
    until = now + timedelta(seconds=seconds)
    with writing(control) as connection:
        claim(connection, export.id, HOUR.start, "theirs", now=now, expires_at=until)


def delivered(control: sa.Engine, export: Export, proven_at: datetime) -> None:
    entry = a_ledger_entry(export_id=export.id, hour=HOUR.start, proven_at=proven_at)
    with writing(control) as connection:
        write_entry(connection, entry)


@contextmanager
def without_the_table(control: sa.Engine) -> Iterator[None]:
    """The database answers each question about claims with an error."""
    with writing(control) as connection:
        connection.execute(sa.text("ALTER TABLE claims RENAME TO claims_away"))
    try:
        yield
    finally:
        with writing(control) as connection:
            connection.execute(sa.text("ALTER TABLE claims_away RENAME TO claims"))


def test_a_free_hour_is_taken(control: sa.Engine, export: Export) -> None:
    assert a_runs_claims(control).take(export, HOUR, proven_since=None) is Taken.OURS
    assert [(one.owner, one.hour) for one in held(control, export)] == [("ours", HOUR.start)]


def test_our_own_hour_is_taken_again_by_the_next_stage(control: sa.Engine, export: Export) -> None:
    claims = a_runs_claims(control)
    claims.take(export, HOUR, proven_since=None)
    assert claims.take(export, HOUR, proven_since=None) is Taken.OURS


def test_a_delivered_hour_is_left_alone_and_not_kept_claimed(control: sa.Engine, export: Export) -> None:
    delivered(control, export, datetime(2020, 1, 1, tzinfo=UTC))
    assert a_runs_claims(control).take(export, HOUR, proven_since=None) is Taken.DELIVERED
    assert held(control, export) == []


@pytest.mark.parametrize(("later", "taken"), [(-1, Taken.OURS), (0, Taken.DELIVERED), (1, Taken.DELIVERED)])
def test_by_force_an_hour_is_taken_unless_proven_since(
    control: sa.Engine, export: Export, later: int, taken: Taken
) -> None:
    since = datetime.now(UTC)
    delivered(control, export, since + timedelta(seconds=later))
    assert a_runs_claims(control).take(export, HOUR, proven_since=since) is taken


def test_a_delivered_hour_in_doubt_is_taken(control: sa.Engine, export: Export) -> None:
    delivered(control, export, datetime(2020, 1, 1, tzinfo=UTC))
    forced = a_runs_claims(control, "forced")
    forced.take(export, HOUR, proven_since=datetime.now(UTC))
    forced.doubt(export, HOUR)
    forced.give_up(export, HOUR)

    assert a_runs_claims(control).take(export, HOUR, proven_since=None) is Taken.OURS


def test_whoever_lost_the_hour_does_not_put_it_in_doubt(control: sa.Engine, export: Export) -> None:
    delivered(control, export, datetime(2020, 1, 1, tzinfo=UTC))

    with pytest.raises(Conflict, match="the claim lapsed"):
        a_runs_claims(control).doubt(export, HOUR)

    assert a_runs_claims(control).take(export, HOUR, proven_since=None) is Taken.DELIVERED


def test_another_part_of_an_hour_is_not_delivered_yet(control: sa.Engine, export: Export) -> None:
    half = HourWindow(HOUR.start, HOUR.start, HOUR.start + ONE_HOUR / 2)
    entry = a_ledger_entry(export_id=export.id, hour=HOUR.start, until=half.until)
    with writing(control) as connection:
        write_entry(connection, entry)

    assert a_runs_claims(control).take(export, half, proven_since=None) is Taken.DELIVERED
    assert a_runs_claims(control).take(export, HOUR, proven_since=None) is Taken.OURS


def test_a_taken_hour_has_failed_no_more(control: sa.Engine, export: Export) -> None:
    with writing(control) as connection:
        write_failure(connection, a_failure(export_id=export.id, hour=HOUR.start))
    a_runs_claims(control).take(export, HOUR, proven_since=None)
    with reading(control) as connection:
        assert not failures_between(connection, export.id, FIRST, FIRST + ONE_HOUR)


def test_an_hour_that_another_run_gives_up_is_taken(control: sa.Engine, export: Export) -> None:
    held_by_another(control, export, 3600)
    theirs = a_runs_claims(control, "theirs")
    threading.Timer(0.3, theirs.give_up, (export, HOUR)).start()
    assert (
        a_runs_claims(control, lease=timedelta(seconds=30)).take(export, HOUR, proven_since=None)
        is Taken.OURS
    )


def test_an_hour_that_another_run_delivers_meanwhile_is_found(control: sa.Engine, export: Export) -> None:
    held_by_another(control, export, 3600)

    def deliver() -> None:
        delivered(control, export, datetime.now(UTC))
        a_runs_claims(control, "theirs").give_up(export, HOUR)

    threading.Timer(0.3, deliver).start()
    assert (
        a_runs_claims(control, lease=timedelta(seconds=30)).take(export, HOUR, proven_since=None)
        is Taken.DELIVERED
    )


def test_a_lapsed_claim_is_taken(control: sa.Engine, export: Export) -> None:
    held_by_another(control, export, LEASE.total_seconds())
    assert a_runs_claims(control).take(export, HOUR, proven_since=None) is Taken.OURS
    assert [one.owner for one in held(control, export)] == ["ours"]


def test_waiting_ends_when_the_run_is_cancelled(control: sa.Engine, export: Export) -> None:
    held_by_another(control, export, 3600)
    claims = a_runs_claims(control, lease=timedelta(hours=1))
    threading.Timer(0.3, claims.stop.set).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        claims.take(export, HOUR, proven_since=None)
    assert time.monotonic() - started < 5


def test_a_heartbeat_keeps_a_claim_alive_beyond_its_lease(control: sa.Engine, export: Export) -> None:
    claims = a_runs_claims(control)
    claims.take(export, HOUR, proven_since=None)
    with claims.kept_alive():
        time.sleep(2 * LEASE.total_seconds())
        assert holder(control, export) == "ours"


def test_without_a_heartbeat_a_claim_lapses(control: sa.Engine, export: Export) -> None:
    claims = a_runs_claims(control)
    claims.take(export, HOUR, proven_since=None)
    with claims.kept_alive():
        pass
    time.sleep(1.1 * LEASE.total_seconds())
    assert holder(control, export) == "somebody who asks"


def test_a_claim_from_before_is_renewed_as_soon_as_a_stage_begins(control: sa.Engine, export: Export) -> None:
    """Between two stages nothing beats; a long lease must not wait for the first quarter to pass."""
    a_runs_claims(control).take(export, HOUR, proven_since=None)
    with replace(a_runs_claims(control), lease=timedelta(hours=1)).kept_alive():
        (one,) = held(control, export)
        assert one.expires_at > datetime.now(UTC) + timedelta(minutes=59)


def test_a_heartbeat_outlives_a_hiccup_of_the_database(
    control: sa.Engine, export: Export, caplog: pytest.LogCaptureFixture
) -> None:
    claims = a_runs_claims(control)
    claims.take(export, HOUR, proven_since=None)
    with claims.kept_alive():
        with without_the_table(control):
            time.sleep(0.6 * LEASE.total_seconds())
        assert "could not renew the claims of run ours" in caplog.text
        time.sleep(LEASE.total_seconds())
        assert holder(control, export) == "ours"


def test_an_hour_given_up_is_free_and_its_neighbour_is_not(control: sa.Engine, export: Export) -> None:
    claims = a_runs_claims(control)
    one, other = hours(0, 1)
    for window in (one, other):
        claims.take(export, window, proven_since=None)
    claims.give_up(export, one)
    assert [claimed.hour for claimed in held(control, export)] == [other.start]


def test_progress_is_noted_at_once_and_then_at_most_once_a_second(control: sa.Engine, export: Export) -> None:
    claims = a_runs_claims(control, lease=timedelta(hours=1))
    claims.take(export, HOUR, proven_since=None)
    progress = claims.progress(export, HOUR, "extract")
    for done in range(1, 50):
        progress(done, 100)
    (early,) = held(control, export)
    time.sleep(1.05)
    progress(50, 100)
    (late,) = held(control, export)
    assert [(one.stage, one.done, one.total) for one in (early, late)] == [
        ("extract", 1, 100),
        ("extract", 50, 100),
    ]


def test_progress_tells_a_stage_to_stop(control: sa.Engine, export: Export) -> None:
    claims = a_runs_claims(control)
    progress = claims.progress(export, HOUR, "extract")
    claims.stop.set()
    with pytest.raises(Cancelled):
        progress(1, 100)


def test_progress_that_cannot_be_noted_fails_no_hour(
    control: sa.Engine, export: Export, caplog: pytest.LogCaptureFixture
) -> None:
    progress = a_runs_claims(control).progress(export, HOUR, "extract")
    with without_the_table(control):
        progress(1, 100)
    assert f"could not note the progress of {HOUR.key}" in caplog.text


def in_state(control: sa.Engine, export: Export, state: ConnectorState) -> None:
    with writing(control) as connection:
        change_state(connection, export.connector_id, state, "So be it.", now=datetime.now(UTC))


def waits(control: sa.Engine, export: Export) -> list[datetime]:
    with reading(control) as connection:
        return [wait.hour for wait in waits_of(connection, export.id)]


@pytest.mark.parametrize("state", sorted(set(ConnectorState) - {ConnectorState.RUNNING}), ids=str)
def test_an_hour_is_not_begun_while_its_connector_does_not_run_but_waits(
    control: sa.Engine, export: Export, state: ConnectorState
) -> None:
    in_state(control, export, state)
    assert a_runs_claims(control).take(export, HOUR, proven_since=None) is Taken.WAITING
    assert (held(control, export), waits(control, export)) == ([], [HOUR.start])


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (ConnectorState.STARTING, Taken.WAITING),
        (ConnectorState.STOPPING, Taken.OURS),
        (ConnectorState.STOPPED, Taken.WAITING),
        (ConnectorState.FAILED, Taken.WAITING),
    ],
)
def test_an_hour_that_was_begun_goes_on_while_its_connector_is_only_stopping(
    control: sa.Engine, export: Export, state: ConnectorState, expected: Taken
) -> None:
    claims = a_runs_claims(control)
    claims.take(export, HOUR, proven_since=None)
    in_state(control, export, state)
    assert claims.take(export, HOUR, proven_since=None) is expected
    assert bool(held(control, export)) is (expected is Taken.OURS)
    assert bool(waits(control, export)) is (expected is Taken.WAITING)


def test_an_hour_that_came_to_wait_since_this_run_took_it_waits_on(
    control: sa.Engine, export: Export
) -> None:
    """It was wanted anew since it was read, and is claimed again by each stage."""
    claims = a_runs_claims(control)
    with writing(control) as connection:
        note_wait(connection, export.id, HOUR.start, now=datetime.now(UTC))
    claims.take(export, HOUR, proven_since=None)
    assert waits(control, export) == []
    with writing(control) as connection:
        note_wait(connection, export.id, HOUR.start, now=datetime.now(UTC), proven_since=datetime.now(UTC))
    assert claims.take(export, HOUR, proven_since=None) is Taken.OURS
    assert waits(control, export) == [HOUR.start]


def test_an_hour_of_ours_waits_unless_its_connector_is_in_a_certain_state(
    control: sa.Engine, export: Export
) -> None:
    claims = a_runs_claims(control)
    claims.take(export, HOUR, proven_since=None)
    in_state(control, export, ConnectorState.STOPPING)
    assert not claims.waits(export, HOUR, proven_since=None, unless=GOES_ON)
    assert held(control, export)
    assert claims.waits(export, HOUR, proven_since=None, unless=BEGINS)
    assert (held(control, export), waits(control, export)) == ([], [HOUR.start])


def test_of_several_hours_those_are_told_apart_that_are_ours_and_that_wait(
    control: sa.Engine, export: Export
) -> None:
    claims = a_runs_claims(control)
    claims.take(export, HOUR, proven_since=None)
    in_state(control, export, ConnectorState.STOPPING)
    taken = claims.take_all(export, hours(0, 2), proven_since=None)
    assert (taken.mine, taken.waiting) == (frozenset([HOUR]), tuple(hours(1, 2)))


def test_a_run_whose_hours_somebody_knows_of_notes_no_waits(control: sa.Engine, export: Export) -> None:
    in_state(control, export, ConnectorState.STOPPED)
    claims = replace(a_runs_claims(control), notes_waits=False)
    assert claims.take(export, HOUR, proven_since=None) is Taken.WAITING
    assert waits(control, export) == []


def test_an_hour_waits_no_more_when_a_run_has_it(control: sa.Engine, export: Export) -> None:
    in_state(control, export, ConnectorState.STOPPED)
    a_runs_claims(control, "early").take(export, HOUR, proven_since=None)
    in_state(control, export, ConnectorState.RUNNING)
    assert a_runs_claims(control).take(export, HOUR, proven_since=None) is Taken.OURS
    assert waits(control, export) == []


@pytest.mark.parametrize(("by_force", "left"), [(False, []), (True, [HOUR.start])])
def test_a_delivered_hour_waits_no_more_unless_it_is_wanted_again_by_force(
    control: sa.Engine, export: Export, by_force: bool, left: list[datetime]
) -> None:
    """And then for the run that is started for it, not for the one that finds it in place."""
    wanted = datetime.now(UTC)
    with writing(control) as connection:
        note_wait(connection, export.id, HOUR.start, now=wanted, proven_since=wanted if by_force else None)
    delivered(control, export, wanted - timedelta(seconds=1))
    assert a_runs_claims(control).take(export, HOUR, proven_since=None) is Taken.DELIVERED
    assert waits(control, export) == left


def test_an_hour_by_force_waits_by_force(control: sa.Engine, export: Export) -> None:
    since = datetime.now(UTC)
    delivered(control, export, since - timedelta(seconds=1))
    in_state(control, export, ConnectorState.FAILED)
    assert a_runs_claims(control).take(export, HOUR, proven_since=since) is Taken.WAITING
    with reading(control) as connection:
        assert [wait.proven_since for wait in waits_of(connection, export.id)] == [since]
