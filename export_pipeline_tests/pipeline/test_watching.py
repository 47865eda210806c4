"""A run that nobody wants any more learns of it by itself."""

import threading

import pytest
import sqlalchemy as sa

from export_pipeline.pipeline.progress import Cancelled
from export_pipeline.pipeline.watching import always_wanted, stopped_when


def test_what_is_always_wanted_is_not_watched() -> None:
    stop = threading.Event()
    before = threading.active_count()

    with stopped_when(always_wanted, stop):
        assert threading.active_count() == before

    assert not always_wanted()
    assert not stop.is_set()


def test_what_is_unwanted_from_the_start_is_not_begun() -> None:
    stop = threading.Event()

    with pytest.raises(Cancelled), stopped_when(lambda: True, stop):
        pytest.fail("it was begun")

    assert stop.is_set()


def test_what_becomes_unwanted_is_stopped() -> None:
    stop, cancelled = threading.Event(), threading.Event()

    with stopped_when(cancelled.is_set, stop):
        assert not stop.is_set()
        cancelled.set()
        assert stop.wait(60)


def test_a_look_that_fails_is_no_answer() -> None:
    stop = threading.Event()
    looks = 0

    def look() -> bool:
        nonlocal looks
        looks += 1
        if looks == 2:
            raise sa.exc.OperationalError("select", {}, Exception("the database is away"))
        return looks > 2

    with stopped_when(look, stop):
        assert stop.wait(60)

    assert looks == 3
