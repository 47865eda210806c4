"""Claims: one run works on an hour, for as long as it gives signs of life."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from export_pipeline.exports.export import Export
from export_pipeline.store.claims import (
    Claim,
    claim,
    claims_between,
    holds_claim,
    living_runs,
    note_progress,
    release,
    release_all,
    renew_claims,
)
from export_pipeline.store.database import reading, writing
from export_pipeline_tests.builders import an_hour, moment
from export_pipeline_tests.control_databases import stored_connector, stored_export

NOW = moment("2013-01-02 00:00")
LEASE = timedelta(minutes=1)
DAY = an_hour().start, an_hour(24).start
THREADS = 8


@pytest.fixture
def export(control: sa.Engine) -> Export:
    return stored_export(control)


def take(
    control: sa.Engine, export: Export, owner: str, hours_later: int = 0, *, now: datetime = NOW
) -> Claim:
    with writing(control) as connection:
        return claim(
            connection, export.id, an_hour(hours_later).start, owner, now=now, expires_at=now + LEASE
        )


def held(control: sa.Engine, export: Export) -> list[tuple[str, str]]:
    """Which hour is whose."""
    with reading(control) as connection:
        return [(f"{c.hour:%H}", c.owner) for c in claims_between(connection, export.id, *DAY)]


def work(control: sa.Engine, export: Export, owner: str, stage: str = "format", done: int = 5) -> None:
    with writing(control) as connection:
        note_progress(connection, export.id, an_hour().start, owner, stage=stage, done=done, total=10)


def test_a_free_hour_is_claimed(control: sa.Engine, export: Export) -> None:
    got = take(control, export, "run-1")

    assert got == Claim(
        export_id=export.id,
        hour=an_hour().start,
        owner="run-1",
        stage="queued",
        done=0,
        total=0,
        expires_at=NOW + LEASE,
    )


def test_a_live_claim_is_respected(control: sa.Engine, export: Export) -> None:
    first = take(control, export, "run-1")

    assert take(control, export, "run-2", now=NOW + LEASE - timedelta(microseconds=1)) == first
    assert held(control, export) == [("00", "run-1")]


def test_a_claim_without_a_sign_of_life_lapses(control: sa.Engine, export: Export) -> None:
    take(control, export, "run-1")
    work(control, export, "run-1")

    got = take(control, export, "run-2", now=NOW + LEASE)

    assert (got.owner, got.stage, got.done) == ("run-2", "queued", 0)


def test_a_sign_of_life_keeps_every_claim_of_the_run(control: sa.Engine, export: Export) -> None:
    for hour in (0, 1):
        take(control, export, "run-1", hour)
    take(control, export, "run-2", 2)

    with writing(control) as connection:
        renew_claims(connection, "run-1", NOW + 2 * LEASE)

    assert [take(control, export, "run-3", hour, now=NOW + LEASE).owner for hour in (0, 1, 2)] == [
        "run-1",
        "run-1",
        "run-3",
    ]


def test_runs_are_alive_while_their_claims_hold(control: sa.Engine, export: Export) -> None:
    with writing(control) as connection:
        for owner, hour, lease in (("run-1", 0, LEASE), ("run-1", 1, LEASE), ("run-2", 2, 2 * LEASE)):
            claim(connection, export.id, an_hour(hour).start, owner, now=NOW, expires_at=NOW + lease)

    with reading(control) as connection:
        assert living_runs(connection, NOW) == {"run-1", "run-2"}
        assert living_runs(connection, NOW + LEASE) == {"run-2"}


def test_a_run_that_takes_its_own_hour_again_renews_it_and_keeps_its_progress(
    control: sa.Engine, export: Export
) -> None:
    take(control, export, "run-1")
    work(control, export, "run-1")

    got = take(control, export, "run-1", now=NOW + LEASE / 2)

    assert (got.stage, got.done, got.expires_at) == ("format", 5, NOW + LEASE * 1.5)


def test_a_run_that_comes_back_late_has_its_hour_still_if_nobody_took_it(
    control: sa.Engine, export: Export
) -> None:
    take(control, export, "run-1")

    assert take(control, export, "run-1", now=NOW + 5 * LEASE).expires_at == NOW + 6 * LEASE


def test_other_hours_and_other_exports_are_free(control: sa.Engine, export: Export) -> None:
    other = stored_export(control, stored_connector(control, name="other"), slug="other")
    take(control, export, "run-1")

    assert take(control, export, "run-2", 1).owner == "run-2"
    assert take(control, other, "run-3").owner == "run-3"


def test_progress_is_noted_by_the_owner_alone(control: sa.Engine, export: Export) -> None:
    take(control, export, "run-1")
    work(control, export, "run-1", "extract", 3)
    work(control, export, "run-2", "upload", 9)

    got = take(control, export, "run-2")

    assert (got.stage, got.done, got.total) == ("extract", 3, 10)


def test_progress_on_an_hour_nobody_holds_is_not_noted(control: sa.Engine, export: Export) -> None:
    work(control, export, "run-1")

    assert held(control, export) == []


def test_whose_an_hour_is_can_be_asked(control: sa.Engine, export: Export) -> None:
    take(control, export, "run-1")

    with writing(control) as connection:
        assert holds_claim(connection, export.id, an_hour().start, "run-1")
        assert not holds_claim(connection, export.id, an_hour().start, "run-2")
        assert not holds_claim(connection, export.id, an_hour(1).start, "run-1")


def test_hours_are_released_by_their_owner_alone(control: sa.Engine, export: Export) -> None:
    for hour, owner in enumerate(["run-1", "run-1", "run-2", "run-1"]):
        take(control, export, owner, hour)

    with writing(control) as connection:
        release(connection, export.id, [an_hour(hour).start for hour in (0, 2, 3)], "run-1")

    assert held(control, export) == [("01", "run-1"), ("02", "run-2")]


def test_everything_a_run_holds_is_released_and_told(control: sa.Engine, export: Export) -> None:
    for hour, owner in [(2, "run-1"), (0, "run-1"), (1, "run-2")]:
        take(control, export, owner, hour)

    with writing(control) as connection:
        told = release_all(connection, "run-1")

    assert [c.hour for c in told] == [an_hour(0).start, an_hour(2).start]
    assert held(control, export) == [("01", "run-2")]


def test_claims_are_those_of_the_half_open_range_in_order(control: sa.Engine, export: Export) -> None:
    for hour in (3, 1, 2, 0):
        take(control, export, "run-1", hour)

    with reading(control) as connection:
        found = claims_between(connection, export.id, an_hour(1).start, an_hour(3).start)

    assert [c.hour for c in found] == [an_hour(1).start, an_hour(2).start]


def test_of_runs_that_claim_at_once_one_wins(control: sa.Engine, export: Export) -> None:
    hours = range(12)
    barrier = threading.Barrier(THREADS)

    def claim_all(owner: str) -> list[str]:
        owners = []
        for hour in hours:
            barrier.wait(30)
            owners.append(take(control, export, owner, hour).owner)
        return owners

    with ThreadPoolExecutor(THREADS) as pool:
        seen = list(pool.map(claim_all, [f"run-{number}" for number in range(THREADS)]))

    for owners in zip(*seen, strict=True):
        assert len(set(owners)) == 1, "every run was told the same winner"


def test_of_runs_that_wait_for_a_claim_to_lapse_one_wins(control: sa.Engine, export: Export) -> None:
    barrier = threading.Barrier(THREADS)
    take(control, export, "killed")

    def take_over(owner: str) -> str:
        barrier.wait(30)
        return take(control, export, owner, now=NOW + LEASE).owner

    with ThreadPoolExecutor(THREADS) as pool:
        owners = set(pool.map(take_over, [f"run-{number}" for number in range(THREADS)]))

    assert len(owners) == 1
    assert owners != {"killed"}


def test_an_hour_that_goes_from_run_to_run_is_never_held_twice(control: sa.Engine, export: Export) -> None:
    turns = 12
    inside: Counter[str] = Counter()
    most = 0
    lock = threading.Lock()

    def work_in_turn(owner: str) -> None:
        nonlocal most
        done = 0
        while done < turns:
            if take(control, export, owner).owner != owner:
                continue
            with lock:
                inside[owner] += 1
                most = max(most, inside.total())
            with lock:
                inside[owner] -= 1
            with writing(control) as connection:
                release(connection, export.id, [an_hour().start], owner)
            done += 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work_in_turn, [f"run-{number}" for number in range(4)]))

    assert most == 1
    assert held(control, export) == []
