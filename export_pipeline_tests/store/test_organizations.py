"""Organizations are added once, whoever adds them."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from export_pipeline.store.database import reading, writing
from export_pipeline.store.named_filters import add_named_filter
from export_pipeline.store.organizations import (
    ensure_organization,
    external_id_of,
    list_organizations,
    lock_organization,
)

THREADS = 5  # what the engine keeps connections for


def ids(control: sa.Engine) -> list[str]:
    with reading(control) as connection:
        return list(list_organizations(connection))


def test_an_organization_is_added_once(control: sa.Engine) -> None:
    for _ in range(2):
        with writing(control) as connection:
            ensure_organization(connection, "acme")

    assert ids(control) == ["acme"]


def test_what_the_transaction_did_before_stays_when_the_organization_is_there(control: sa.Engine) -> None:
    with writing(control) as connection:
        ensure_organization(connection, "acme")
        ensure_organization(connection, "other")
        ensure_organization(connection, "acme")

    assert ids(control) == ["acme", "other"]


def test_several_may_add_it_at_once(control: sa.Engine) -> None:
    names = [f"organization-{number}" for number in range(10)]
    barrier = threading.Barrier(THREADS)

    def add(_number: int) -> None:
        with reading(control):  # so that nobody has to wait for a connection below
            barrier.wait(30)
        for name in names:
            barrier.wait(30)
            with writing(control) as connection:
                ensure_organization(connection, name)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(add, range(THREADS)))

    assert ids(control) == names


def test_each_organization_has_an_external_id_of_its_own_that_stays(control: sa.Engine) -> None:
    with writing(control) as connection:
        ensure_organization(connection, "acme")
        ensure_organization(connection, "other")
        first = external_id_of(connection, "acme")

    with writing(control) as connection:
        assert external_id_of(connection, "acme") == first
        assert external_id_of(connection, "other") != first


def test_locking_an_organization_makes_others_wait_who_lock_it_too(control: sa.Engine) -> None:
    with writing(control) as connection:
        ensure_organization(connection, "acme")
    if control.dialect.name == "postgresql":
        with writing(control) as first, writing(control) as second:
            lock_organization(first, "acme")
            second.execute(sa.text("set local lock_timeout = '50ms'"))
            with pytest.raises(sa.exc.OperationalError):
                lock_organization(second, "acme")
    else:  # every writer waits for every other anyway
        with writing(control) as first:
            lock_organization(first, "acme")


def test_locking_an_organization_does_not_hold_up_who_only_refers_to_it(control: sa.Engine) -> None:
    if control.dialect.name == "sqlite":
        return  # one writer at a time
    with writing(control) as connection:
        ensure_organization(connection, "acme")
    with writing(control) as first, writing(control) as second:
        lock_organization(first, "acme")
        second.execute(sa.text("set local lock_timeout = '50ms'"))
        add_named_filter(second, "acme", "A", "true")
