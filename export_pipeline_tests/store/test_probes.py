"""Which probes may still be there, and which check has one in hands."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from export_pipeline.store.database import open_control_database, reading, upgrade, writing
from export_pipeline.store.probes import HELD_FOR, HeldProbe, forget_probes, hold_probe, let_go
from export_pipeline_tests.control_databases import stored_connector
from export_pipeline_tests.store.test_connector_states import insert_as_before, upgrade_to

NOW = datetime(2040, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def connector(control: sa.Engine) -> str:
    return stored_connector(control).id


def hold(control: sa.Engine, connector: str, now: datetime = NOW) -> HeldProbe:
    with writing(control) as connection:
        return hold_probe(connection, connector, now=now)


def release(control: sa.Engine, probe: HeldProbe, *, gone: bool, now: datetime = NOW) -> None:
    with writing(control) as connection:
        let_go(connection, probe, gone=gone, now=now)


def test_a_first_probe_is_new_and_one_that_was_left_is_taken_over(control: sa.Engine, connector: str) -> None:
    first = hold(control, connector)
    release(control, first, gone=False)

    second = hold(control, connector)

    assert (first.stays, second.stays, second.key) == (False, True, first.key)


def test_one_that_is_gone_is_forgotten(control: sa.Engine, connector: str) -> None:
    first = hold(control, connector)
    release(control, first, gone=True)

    second = hold(control, connector)

    assert not second.stays
    assert second.key != first.key


def test_what_another_check_holds_is_left_to_it_until_it_must_be_dead(
    control: sa.Engine, connector: str
) -> None:
    first = hold(control, connector)

    second = hold(control, connector, NOW + HELD_FOR - MINUTE)
    third = hold(control, connector, NOW + HELD_FOR)

    assert (second.stays, second.key == first.key) == (False, False)
    assert (third.stays, third.key) == (True, first.key)


@pytest.mark.parametrize("gone", [True, False])
def test_who_was_held_for_dead_says_nothing_of_what_another_has_by_now(
    control: sa.Engine, connector: str, *, gone: bool
) -> None:
    late = hold(control, connector)
    hold(control, connector, NOW + HELD_FOR)

    release(control, late, gone=gone, now=NOW + HELD_FOR)

    assert hold(control, connector, NOW + HELD_FOR + MINUTE).key != late.key  # held
    assert hold(control, connector, NOW + 2 * HELD_FOR).key == late.key  # and still known


def test_connectors_have_probes_of_their_own(control: sa.Engine, connector: str) -> None:
    release(control, hold(control, connector), gone=False)
    other = stored_connector(control, name="other").id
    release(control, hold(control, other), gone=False)
    with writing(control) as connection:
        forget_probes(connection, connector)

    assert not hold(control, connector).stays
    assert hold(control, other).stays


def test_of_many_checks_at_once_each_has_its_own(control: sa.Engine, connector: str) -> None:
    release(control, hold(control, connector), gone=False)
    barrier = threading.Barrier(4)

    def begin(_number: int) -> HeldProbe:
        with reading(control):
            barrier.wait(30)
        return hold(control, connector)

    with ThreadPoolExecutor(4) as pool:
        held = list(pool.map(begin, range(4)))

    assert len({probe.key for probe in held}) == 4
    assert [probe.stays for probe in held].count(True) == 1


def test_the_probes_that_were_known_without_their_keys_are_known(control_url: str) -> None:
    engine = open_control_database(control_url)
    with writing(engine) as connection:
        upgrade_to(connection, "0014")
        connection.execute(
            sa.text("insert into organizations (id, created_at) values ('acme', '2013-01-01 00:00:00')")
        )
        for name in ("left", "clean"):
            insert_as_before(connection, name)
        connection.execute(sa.text("update connectors set probe_stays = true where id = 'left'"))

    upgrade(engine)

    left, clean = (hold(engine, name) for name in ("left", "clean"))
    assert (left.key, left.stays) == ("export-pipeline-check-left.txt", True)
    assert not clean.stays
    engine.dispose()
