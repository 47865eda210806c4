"""When and how long the far side is waited for."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from export_pipeline.connectors.retrying import (
    ATTEMPTS_PER_REQUEST,
    LONGEST_WAIT,
    leaves_open,
    retried,
    seconds_of,
    unanswered,
    wait_before,
)
from export_pipeline.errors import Conflict, PermanentFailure, TransientFailure


class Busy:
    """Fails with each of the failures in turn, and then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


def test_who_is_busy_for_a_while_is_asked_again() -> None:
    waits: list[float] = []
    busy = Busy(*[TransientFailure("busy")] * (ATTEMPTS_PER_REQUEST - 1))

    assert retried(busy, sleep=waits.append) == "answer"
    assert busy.asked == ATTEMPTS_PER_REQUEST
    assert waits == sorted(waits)
    assert 2 < sum(waits) < 10


def test_who_stays_busy_is_given_up() -> None:
    waits: list[float] = []
    busy = Busy(*[TransientFailure("busy")] * 99)

    with pytest.raises(TransientFailure, match="busy"):
        retried(busy, sleep=waits.append)

    assert busy.asked == len(waits) + 1 == ATTEMPTS_PER_REQUEST


def test_what_is_refused_after_an_answer_was_lost_may_have_been_done() -> None:
    for lost in (True, False):
        busy = TransientFailure("no answer")
        busy.unheard = lost
        with pytest.raises(Conflict) as caught:
            retried(Busy(busy, Conflict("somebody's")), sleep=lambda _: None)
        assert caught.value.unheard is lost


def test_who_was_never_connected_cannot_have_been_heard() -> None:
    refused = OSError("no connection")
    refused.__cause__ = ConnectionRefusedError()

    assert not unanswered("nobody is there", refused).unheard
    assert unanswered("nobody is there", ConnectionResetError()).unheard


@pytest.mark.parametrize("status", [200, 500, 502, 504, 520, 524])
def test_who_broke_down_over_a_request_may_have_carried_it_out(status: int) -> None:
    assert leaves_open(status)


@pytest.mark.parametrize("status", [0, 301, 403, 408, 409, 412, 429, 501, 503, 505, 507])
def test_who_refuses_or_sends_away_has_not(status: int) -> None:
    assert not leaves_open(status)


@pytest.mark.parametrize("failure", [Conflict("theirs"), PermanentFailure("no such bucket"), KeyError("bug")])
def test_what_asking_again_does_not_mend_is_not_asked_again(failure: Exception) -> None:
    waits: list[float] = []
    busy = Busy(failure)

    with pytest.raises(type(failure)):
        retried(busy, sleep=waits.append)

    assert (busy.asked, waits) == (1, [])


def test_who_asks_to_be_left_alone_for_a_while_is() -> None:
    waits: list[float] = []

    retried(
        Busy(TransientFailure("busy", wait=7), TransientFailure("busy", wait=LONGEST_WAIT)),
        sleep=waits.append,
    )

    assert 7 <= waits[0] < 9
    assert LONGEST_WAIT <= waits[1] < LONGEST_WAIT + 3


def test_who_asks_for_an_hour_is_left_to_the_run() -> None:
    waits: list[float] = []
    busy = Busy(TransientFailure("busy", wait=3600))

    with pytest.raises(TransientFailure):
        retried(busy, sleep=waits.append)

    assert (busy.asked, waits) == (1, [])


def test_those_sent_away_together_do_not_come_back_together() -> None:
    assert len({wait_before(3, asked) for asked in [None] * 20}) > 10
    assert len({wait_before(3, asked) for asked in [5.0] * 20}) > 10


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("0", 0), ("120", 120), ("-5", 0), ("soon", None), ("", None), ("1.5e3x", None)],
)
def test_a_wait_is_a_number_of_seconds(header: str | None, seconds: float | None) -> None:
    assert seconds_of(header) == seconds


@pytest.mark.parametrize("header", ["9" * 400, "9" * 5000])
def test_a_wait_beyond_all_numbers_is_none(header: str) -> None:
    assert seconds_of(header) is None


def test_a_wait_may_be_a_date() -> None:
    later = datetime.now(UTC) + timedelta(seconds=90)
    found = seconds_of(format_datetime(later, usegmt=True))

    assert found is not None
    assert 0 < found <= 90
    assert seconds_of("Wed, 21 Oct 2015 07:28:00 GMT") == 0


@pytest.mark.parametrize("header", ["9" * 400, f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT"])
def test_a_while_that_no_clock_shows_is_none(header: str) -> None:
    assert seconds_of(header) is None
