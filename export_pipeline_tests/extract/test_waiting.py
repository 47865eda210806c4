"""What is interrupted, when, and how often. `test_every_reader.py` does it to real databases."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from export_pipeline.errors import TransientFailure
from export_pipeline.extract.waiting import SECONDS_BETWEEN_LOOKS, Waiting

LONG = timedelta(hours=1)


@dataclass
class Database:
    """It answers when it was interrupted so many times: earlier it had not heard the question yet."""

    heard_at: int = 1
    interruptions: int = 0
    interrupted: threading.Event = field(default_factory=threading.Event)

    def interrupt(self) -> None:
        self.interruptions += 1
        if self.interruptions == self.heard_at:
            self.interrupted.set()

    def answer(self, meanwhile: Callable[[], object] = object) -> None:
        meanwhile()
        assert self.interrupted.wait(30), "nobody interrupts it"
        raise ValueError("interrupted")


def test_a_wait_ends_when_the_run_is_stopped() -> None:
    database, stop = Database(), threading.Event()
    waiting = Waiting(database.interrupt, LONG, stop)
    with (
        waiting.watched(),
        pytest.raises(TransientFailure, match=r"^events: the run is being stopped$"),
        waiting.answer("events"),
    ):
        database.answer(meanwhile=stop.set)
    assert waiting.ended


def test_a_wait_ends_at_the_limit_and_says_how_to_get_by_with_it() -> None:
    database = Database()
    waiting = Waiting(database.interrupt, timedelta(seconds=0.01))
    with (
        waiting.watched(),
        pytest.raises(TransientFailure, match=r"events: .* index .* EXPORT_PIPELINE_STATEMENT_SECONDS"),
        waiting.answer("events"),
    ):
        database.answer()


def test_a_database_that_was_not_asked_yet_is_interrupted_again() -> None:
    database = Database(heard_at=3)
    waiting = Waiting(database.interrupt, timedelta(seconds=0.01))
    with waiting.watched(), pytest.raises(TransientFailure), waiting.answer("events"):
        database.answer()
    assert database.interruptions == 3


def test_what_it_was_interrupted_with_is_not_told() -> None:
    database = Database()
    waiting = Waiting(database.interrupt, timedelta(seconds=0.01))
    with waiting.watched(), pytest.raises(TransientFailure) as failure, waiting.answer("events"):
        database.answer()
    assert failure.value.__suppress_context__


def test_an_error_of_its_own_is_left_as_it_is() -> None:
    waiting = Waiting(Database().interrupt, LONG)
    with waiting.watched(), pytest.raises(ValueError, match="no such table"), waiting.answer("events"):
        raise ValueError("no such table")
    assert not waiting.ended


def test_an_answer_that_came_although_the_wait_was_ended_is_not_taken() -> None:
    """Whether it is whole, nobody knows."""
    database = Database()
    waiting = Waiting(database.interrupt, timedelta(seconds=0.01))
    with waiting.watched(), pytest.raises(TransientFailure), waiting.answer("events"):
        assert database.interrupted.wait(30)


def test_nothing_is_asked_once_a_wait_was_ended() -> None:
    database = Database()
    waiting = Waiting(database.interrupt, timedelta(seconds=0.01))
    with waiting.watched():
        with pytest.raises(TransientFailure), waiting.answer("events"):
            database.answer()
        with pytest.raises(TransientFailure, match="weather"), waiting.answer("weather"):
            pytest.fail("it was asked")


def test_nothing_is_asked_once_the_run_is_being_stopped() -> None:
    stop = threading.Event()
    stop.set()
    waiting = Waiting(Database().interrupt, LONG, stop)
    with waiting.watched(), pytest.raises(TransientFailure), waiting.answer("events"):
        pytest.fail("it was asked")


def test_nothing_is_interrupted_while_nobody_waits() -> None:
    """What is done with a batch between two answers is no matter of the database's."""
    database, stop = Database(), threading.Event()
    waiting = Waiting(database.interrupt, LONG, stop)
    with waiting.watched():
        for _ in waiting.each(iter("a"), "events"):
            stop.set()
            assert not database.interrupted.wait(SECONDS_BETWEEN_LOOKS * 2)
            stop.clear()
    assert not waiting.ended


def test_what_nobody_will_take_can_be_ended_at_once() -> None:
    database = Database()
    Waiting(database.interrupt, LONG).interrupt()
    assert database.interrupted.is_set()


def test_each_item_is_waited_for() -> None:
    database = Database()
    waiting = Waiting(database.interrupt, timedelta(seconds=0.01))

    def two() -> Iterator[int]:
        yield 1
        database.answer()

    with waiting.watched():
        items = waiting.each(two(), "events")
        assert next(items) == 1
        with pytest.raises(TransientFailure):
            next(items)


def test_a_database_that_cannot_be_interrupted_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    database = Database(heard_at=3)

    def refuse() -> None:
        database.interrupt()
        raise ConnectionError("of me:hunter2")

    waiting = Waiting(refuse, timedelta(seconds=0.01))
    with waiting.watched(), pytest.raises(TransientFailure), waiting.answer("events"):
        database.answer()
    assert [record.getMessage() for record in caplog.records] == [
        "could not interrupt the source: ConnectionError"
    ]


@dataclass
class Line:
    """To a database that nothing is heard of: a wait for it ends when the line is cut."""

    waited: threading.Event = field(default_factory=threading.Event)

    def wait(self, meanwhile: Callable[[], object] = object) -> None:
        meanwhile()
        assert self.waited.wait(30), "nobody cuts it"
        raise ConnectionError("cut")

    def __enter__(self) -> str:
        return "opened"

    def __exit__(self, *_: object) -> None:
        self.wait()


def test_a_database_that_hears_no_interruption_is_given_up() -> None:
    line = Line()
    waiting = Waiting(object, timedelta(seconds=0.01), give_up=line.waited.set)
    with (
        waiting.watched(),
        pytest.raises(TransientFailure, match="events: the source gave no answer, and none when it was"),
        waiting.answer("events"),
    ):
        line.wait()


def test_a_run_that_is_stopped_says_so_of_a_silent_database_too() -> None:
    line, stop = Line(), threading.Event()
    waiting = Waiting(object, LONG, stop, give_up=line.waited.set)
    with waiting.watched(), pytest.raises(TransientFailure, match="being stopped"), waiting.answer("events"):
        line.wait(meanwhile=stop.set)


def test_leaving_a_database_is_not_waited_for_for_long() -> None:
    line = Line()
    waiting = Waiting(object, LONG, give_up=line.waited.set)
    with waiting.watched(), pytest.raises(ConnectionError), waiting.leaving():
        line.wait()
    assert not waiting.ended


def test_what_a_driver_opened_is_left_without_waiting_for_long() -> None:
    line = Line()
    waiting = Waiting(object, LONG, give_up=line.waited.set)
    with waiting.watched(), pytest.raises(ConnectionError), waiting.held(line, "events") as opened:
        assert opened == "opened"


def test_a_wait_that_took_too_long_is_told_of_as_it_was_asked() -> None:
    database = Database()
    waiting = Waiting(database.interrupt, timedelta(seconds=0.01), late="it is far away")
    with waiting.watched(), pytest.raises(TransientFailure, match="it is far away"), waiting.answer("events"):
        database.answer()


def test_nobody_watches_once_the_snapshot_is_closed() -> None:
    waiting = Waiting(Database().interrupt, LONG)
    with waiting.watched():
        watching = [thread for thread in threading.enumerate() if thread.name == "waiting for the source"]
    assert watching
    assert not any(thread.is_alive() for thread in watching)
