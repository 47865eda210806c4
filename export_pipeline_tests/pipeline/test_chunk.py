"""Several hours through one stage: which are tried again, which fail with what words, and how it stops."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from export_pipeline.errors import (
    Conflict,
    HourFailed,
    InvalidRequest,
    NotFound,
    PermanentFailure,
    TransientFailure,
)
from export_pipeline.pipeline.chunk import SECONDS_BEFORE_RETRIES, Chunk, HourWaits, Worker
from export_pipeline.pipeline.progress import Cancelled
from export_pipeline.store.ledger import HourFailure
from export_pipeline.windows import HourWindow
from export_pipeline_tests.builders import a_failure, an_hour

QUICK = (0.01, 0.01, 0.01)


@dataclass
class Failures:
    """What `on_failure` heard, and in which threads."""

    heard: list[tuple[HourFailure, HourWindow]] = field(default_factory=list)
    threads: set[threading.Thread] = field(default_factory=set)

    def note(self, failure: HourFailure, window: HourWindow) -> None:
        self.heard.append((failure, window))
        self.threads.add(threading.current_thread())


def a_worker(
    failures: Failures | None = None,
    *,
    at_once: int = 4,
    stop: threading.Event | None = None,
    retries: tuple[float, ...] = QUICK,
) -> Worker:
    return Worker(
        export_id="export-1",
        run_id="run-1",
        hours_at_once=at_once,
        stop=stop or threading.Event(),
        on_failure=(failures or Failures()).note,
        seconds_before_retries=retries,
    )


def itself(window: HourWindow) -> HourWindow:
    return window


def failing(error: Exception) -> Callable[[HourWindow], str]:
    def fail(_window: HourWindow) -> str:
        raise error

    return fail


def failure_of(error: Exception) -> HourFailure:
    """How the failure of one hour is told."""
    (failure,) = a_worker().work("upload", [an_hour()], itself, failing(error)).failed
    return failure


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (TransientFailure("no answer"), 1 + len(QUICK)),
        (Conflict("changed"), 1 + len(QUICK)),
        (PermanentFailure("no such bucket"), 1),
        (HourFailed("of no kind"), 1),
        (InvalidRequest("no such column"), 1),
        (RuntimeError("a bug"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_only_what_may_pass_is_tried_again(error: Exception, calls: int) -> None:
    called: Counter[HourWindow] = Counter()

    def count(window: HourWindow) -> None:
        called[window] += 1
        raise error

    a_worker().work("upload", [an_hour()], itself, count)
    assert called == {an_hour(): calls}


def test_an_hour_that_succeeds_at_a_later_try_has_not_failed() -> None:
    tries = iter([TransientFailure("no answer"), TransientFailure("no answer"), None])

    def succeed_at_last(window: HourWindow) -> str:
        if error := next(tries):
            raise error
        return window.key

    failures = Failures()
    chunk = a_worker(failures).work("upload", [an_hour()], itself, succeed_at_last)
    assert (chunk.done, chunk.failed, failures.heard) == ((an_hour().key,), (), [])


def test_each_retry_waits_about_as_long_as_it_is_told() -> None:
    called: list[float] = []

    def fail(_window: HourWindow) -> None:
        called.append(time.monotonic())
        raise TransientFailure("no answer")

    a_worker(retries=(0.1, 0.4)).work("upload", [an_hour()], itself, fail)
    first, second, third = called
    assert 0.075 <= second - first < 0.3
    assert 0.3 <= third - second < 0.8


def test_unless_told_otherwise_a_worker_tries_for_about_twenty_seconds() -> None:
    worker = Worker("export-1", "run-1", 1, threading.Event(), Failures().note)
    assert worker.seconds_before_retries == SECONDS_BEFORE_RETRIES
    assert sum(SECONDS_BEFORE_RETRIES) == pytest.approx(20)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TransientFailure("no answer"), "retry"),
        (Conflict("changed"), "retry"),
        (HourFailed("of no kind"), "retry"),
        (PermanentFailure("no such bucket"), "configure"),
        (InvalidRequest("no such column"), "configure"),
        (NotFound("no such export"), "configure"),
        (ValueError("a bug"), "report"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_failure_says_what_its_reader_does_next(error: Exception, kind: str) -> None:
    assert failure_of(error).kind == kind


def test_our_own_errors_are_told_in_their_own_words() -> None:
    assert failure_of(PermanentFailure("no such bucket; make it")).message == "no such bucket; make it"


def test_a_bug_is_told_by_its_place_and_never_by_its_text() -> None:
    message = failure_of(ValueError("row 7: jane@example.com")).message
    assert "jane" not in message
    assert "unexpected ValueError at test_chunk.py:" in message
    assert "(fail)" in message


def test_a_bug_is_not_logged_by_its_text_either(caplog: pytest.LogCaptureFixture) -> None:
    failure_of(ValueError("row 7: jane@example.com"))
    assert "unexpected ValueError" in caplog.text
    assert "jane" not in caplog.text


def test_a_failure_names_its_export_hour_stage_and_run() -> None:
    failure = failure_of(PermanentFailure("no such bucket"))
    told = (failure.export_id, failure.hour, failure.stage, failure.run_id)
    assert told == ("export-1", an_hour().start, "upload", "run-1")


def test_results_come_in_the_order_of_their_hours_whichever_is_ready_first() -> None:
    later_done = threading.Event()

    def last_one_first(window: HourWindow) -> str:
        if window == an_hour(3):
            later_done.set()
        else:
            assert later_done.wait(10)
        return window.key

    windows = [an_hour(number) for number in (2, 0, 3, 1)]
    chunk = a_worker().work("format", windows, itself, last_one_first)
    assert chunk.done == tuple(an_hour(number).key for number in range(4))


def test_found_and_failed_hours_come_in_order_as_well() -> None:
    def even_are_found(window: HourWindow) -> str | None:
        if window.start.hour % 2:
            raise PermanentFailure("odd")
        return None

    chunk = a_worker().work("extract", [an_hour(n) for n in (5, 4, 1, 0, 3, 2)], itself, even_are_found)
    assert chunk.found == (an_hour(0), an_hour(2), an_hour(4))
    assert [failure.hour.hour for failure in chunk.failed] == [1, 3, 5]


def test_one_that_fails_does_not_stop_its_neighbours() -> None:
    def fail_once(window: HourWindow) -> str:
        if window == an_hour(1):
            raise RuntimeError("a bug")
        return window.key

    chunk = a_worker(at_once=1).work("format", [an_hour(n) for n in range(4)], itself, fail_once)
    assert chunk.done == tuple(an_hour(n).key for n in (0, 2, 3))


def test_results_and_failures_are_heard_of_in_the_calling_thread() -> None:
    failures = Failures()
    heard: set[threading.Thread] = set()

    def work(window: HourWindow) -> str:
        assert threading.current_thread() is not threading.main_thread()
        if window == an_hour(0):
            raise PermanentFailure("no such bucket")
        return window.key

    a_worker(failures).work(
        "upload", [an_hour(0), an_hour(1)], itself, work, lambda _: heard.add(threading.current_thread())
    )
    assert heard == failures.threads == {threading.current_thread()}


def test_a_result_is_heard_of_before_all_are_there() -> None:
    heard = threading.Event()

    def wait_for_the_first(window: HourWindow) -> str:
        if window == an_hour(1):
            assert heard.wait(10), "the first hour was kept back until the second"
        return window.key

    chunk = a_worker().work(
        "upload", [an_hour(0), an_hour(1)], itself, wait_for_the_first, lambda _: heard.set()
    )
    assert len(chunk.done) == 2


def test_hours_are_worked_on_at_once_and_no_more_than_are_allowed() -> None:
    together = threading.Barrier(3)
    lock = threading.Lock()
    running, most = 0, 0

    def count(_window: HourWindow) -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(10)
        with lock:
            running -= 1
        return "done"

    chunk = a_worker(at_once=3).work("format", [an_hour(n) for n in range(9)], itself, count)
    assert (len(chunk.done), most) == (9, 3)


class Interrupted(BaseException):
    """Like what Dagster raises in the main thread when a run is cancelled."""


def interrupt(_result: object) -> None:
    raise Interrupted


def test_cancelled_hours_that_wait_are_never_begun() -> None:
    begun: list[HourWindow] = []

    def work(window: HourWindow) -> str:
        begun.append(window)
        time.sleep(0.05)
        return window.key

    with pytest.raises(Interrupted):
        a_worker(at_once=1).work("format", [an_hour(n) for n in range(20)], itself, work, interrupt)
    assert len(begun) < 5


def test_cancelled_hours_that_run_learn_of_it_and_are_no_failures() -> None:
    stop = threading.Event()
    failures = Failures()
    other_runs = threading.Event()
    stopped: list[HourWindow] = []

    def work(window: HourWindow) -> str:
        if window == an_hour(0):
            assert other_runs.wait(10)
            return "done"
        other_runs.set()
        assert stop.wait(10), "nobody told the hour that runs"
        stopped.append(window)
        raise Cancelled

    with pytest.raises(Interrupted):
        a_worker(failures, stop=stop).work("format", [an_hour(0), an_hour(1)], itself, work, interrupt)
    assert stopped == [an_hour(1)]
    assert not failures.heard


def test_a_retry_does_not_sit_out_its_wait_once_the_run_is_cancelled() -> None:
    stop = threading.Event()
    failures = Failures()
    threading.Timer(0.2, stop.set).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        a_worker(failures, stop=stop, retries=(30.0,)).work(
            "upload", [an_hour()], itself, failing(TransientFailure("no answer"))
        )
    assert time.monotonic() - started < 10
    assert not failures.heard


@pytest.mark.parametrize(
    "error", [TransientFailure("interrupted"), PermanentFailure("interrupted"), RuntimeError("interrupted")]
)
def test_an_hour_that_fails_once_the_run_is_cancelled_is_no_failure(error: Exception) -> None:
    """It may fail because of that: its query was interrupted."""
    stop = threading.Event()
    failures = Failures()

    def work(_window: HourWindow) -> None:
        stop.set()
        raise error

    with pytest.raises(Cancelled):
        a_worker(failures, stop=stop, retries=()).work("extract", [an_hour()], itself, work)
    assert not failures.heard


def test_what_cancelled_the_run_is_what_is_raised() -> None:
    with pytest.raises(Cancelled):
        a_worker().work("format", [an_hour()], itself, failing(Cancelled()))


def test_a_chunk_after_another_carries_what_was_found_and_failed_before() -> None:
    earlier: Chunk[str] = Chunk(("read",), (an_hour(0),), (a_failure(stage="extract"),))
    later: Chunk[str] = Chunk(("written",), (an_hour(1),), (a_failure(stage="format"),))
    both = later.after(earlier)
    assert (both.done, both.found) == (("written",), (an_hour(0), an_hour(1)))
    assert [failure.stage for failure in both.failed] == ["extract", "format"]


def test_what_stages_found_and_failed_is_in_the_order_of_hours() -> None:
    """Whoever looks hours up takes the first and the last of them as the range to look in."""
    hours = [an_hour(n).start for n in range(4)]
    earlier: Chunk[str] = Chunk((), (an_hour(3),), (a_failure(hour=hours[2]),))
    later: Chunk[str] = Chunk((), (an_hour(1),), (a_failure(hour=hours[0]),))
    both = later.after(earlier)
    assert both.found == (an_hour(1), an_hour(3))
    assert [failure.hour for failure in both.failed] == [hours[0], hours[2]]


def test_an_hour_that_waits_has_neither_failed_nor_is_it_found() -> None:
    failures = Failures()
    chunk = a_worker(failures).work("upload", [an_hour()], itself, failing(HourWaits()))
    assert chunk == Chunk((), waiting=(an_hour(),))
    assert failures.heard == []


def test_before_an_hour_fails_it_is_asked_whether_it_waits() -> None:
    """After the last try, and of each hour by itself."""
    asked = []

    def odd_ones_wait(error: BaseException, window: HourWindow) -> bool:
        asked.append((str(error), window))
        return window == an_hour(1)

    failures = Failures()
    error = TransientFailure("no answer")
    chunk = a_worker(failures, at_once=1).work(
        "upload", [an_hour(0), an_hour(1)], itself, failing(error), waits_after=odd_ones_wait
    )
    assert asked == [("no answer", an_hour(0)), ("no answer", an_hour(1))]
    assert chunk.waiting == (an_hour(1),)
    assert [failure.hour for failure in chunk.failed] == [an_hour(0).start]
    assert len(failures.heard) == 1


def test_what_waits_since_an_earlier_stage_is_told_after_the_later() -> None:
    later: Chunk[str] = Chunk((), waiting=(an_hour(1),))
    assert later.after(Chunk((), waiting=(an_hour(0),))).waiting == (an_hour(0), an_hour(1))


def test_what_came_through_when_the_run_was_cancelled_is_told() -> None:
    stop, other_runs = threading.Event(), threading.Event()

    def work(window: HourWindow) -> str:
        if window == an_hour(0):
            assert other_runs.wait(60)
            raise Cancelled
        other_runs.set()
        assert stop.wait(60)
        return "done"

    heard: list[str] = []
    with pytest.raises(Cancelled):
        a_worker(at_once=2, stop=stop).work("upload", [an_hour(0), an_hour(1)], itself, work, heard.append)
    assert heard == ["done"]


def test_each_hour_of_a_range_is_told_in_order_whichever_was_ready_first() -> None:
    last_done = threading.Event()

    def ready(window: HourWindow) -> HourWindow:
        if window == an_hour(0):
            assert last_done.wait(60)
        if window == an_hour(3):
            last_done.set()
        return window

    found = a_worker().each("extract", [an_hour(i) for i in range(4)], ready)

    assert found == tuple(an_hour(i) for i in range(4))


def test_one_hour_of_a_range_that_fails_is_the_failure_of_all_and_heard_of_once() -> None:
    failures = Failures()
    begun: list[HourWindow] = []

    def fail(window: HourWindow) -> HourWindow:
        begun.append(window)
        if window == an_hour(2):
            raise PermanentFailure("no such table")
        return window

    with pytest.raises(PermanentFailure, match="no such table"):
        a_worker(failures, at_once=1).each("extract", [an_hour(i) for i in range(100)], fail)

    assert begun == [an_hour(0), an_hour(1), an_hour(2)]
    assert failures.heard == []  # by whoever works on the range


def test_a_range_that_is_cancelled_is_not_taken_for_one_that_failed() -> None:
    stop = threading.Event()

    def interrupted(_: HourWindow) -> HourWindow:
        stop.set()
        raise TransientFailure("the query was interrupted")

    with pytest.raises(Cancelled):
        a_worker(stop=stop, at_once=1).each("extract", [an_hour()], interrupted)
