"""Several hours through one stage at once, in threads; one that fails does not stop its neighbours."""

import logging
import random
import threading
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlalchemy.exc import OperationalError

from export_pipeline.errors import HourFailed, InvalidRequest, NotFound, PermanentFailure, TransientFailure
from export_pipeline.pipeline.progress import Cancelled
from export_pipeline.store.ledger import HourFailure
from export_pipeline.windows import HourWindow

LOG = logging.getLogger(__name__)

# Three more tries within about twenty seconds: longer troubles are for the next run, not for this thread.
SECONDS_BEFORE_RETRIES = (1.0, 4.0, 15.0)

WORTH_RETRYING = (TransientFailure, OSError, OperationalError)

Before = TypeVar("Before")
After = TypeVar("After")
Done = TypeVar("Done")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Chunk(Generic[Done]):
    """The hours of a chunk after a stage.

    `found` are those that were delivered already; `failed` those that failed in this stage or an earlier one;
    `waiting` those that wait for the connector.
    """

    done: tuple[Done, ...]
    found: tuple[HourWindow, ...] = ()
    failed: tuple[HourFailure, ...] = ()
    waiting: tuple[HourWindow, ...] = ()

    def after(self, earlier: "Chunk[Any]") -> "Chunk[Done]":
        """This chunk with what an earlier stage found and failed, and left waiting."""
        return Chunk(
            self.done,
            tuple(sorted(earlier.found + self.found)),
            tuple(sorted(earlier.failed + self.failed, key=lambda failure: failure.hour)),
            tuple(sorted(earlier.waiting + self.waiting)),
        )


class HourWaits(Exception):
    """The hour waits for its connector; it has not failed."""


WaitsAfter = Callable[[BaseException, HourWindow], bool]


def never(_error: BaseException, _window: HourWindow) -> bool:
    """Whatever the error is, the hour has failed."""
    return False


@dataclass(frozen=True, slots=True)
class Worker:
    """How many hours at once, for which export and run, when to stop, and how patient to be."""

    export_id: str
    run_id: str
    hours_at_once: int
    stop: threading.Event
    on_failure: Callable[[HourFailure, HourWindow], None]
    seconds_before_retries: Sequence[float] = SECONDS_BEFORE_RETRIES

    def work(
        self,
        stage: str,
        hours: Sequence[Before],
        window_of: Callable[[Before], HourWindow],
        function: Callable[[Before], After | None],
        on_done: Callable[[After], None] | None = None,
        waits_after: WaitsAfter = never,
    ) -> Chunk[After]:
        """`function` on each hour, tried again after transient failures. None: it is delivered already;
        HourWaits: it waits.

        `on_done` hears of each result and `on_failure` of each failure as they come, in the calling thread;
        there `waits_after` is asked first whether after that error the hour waits, and has not failed.
        When the run is cancelled, hours under way stop at their next progress, or in the middle of a query,
        and this raises what cancelled it; `on_done` still hears of those that came through.
        """
        results: dict[HourWindow, After] = {}
        found: list[HourWindow] = []
        failed: list[HourFailure] = []
        waiting: list[HourWindow] = []
        with ThreadPoolExecutor(self.hours_at_once, thread_name_prefix=stage) as pool:
            under_way = {
                pool.submit(partial(self._patiently, function, hour, window_of(hour), stage)): window_of(hour)
                for hour in hours
            }
            try:
                for future in as_completed(under_way):
                    window = under_way[future]
                    error = future.exception()
                    if isinstance(error, Cancelled):
                        raise error  # noqa: TRY301 (handled below like the main thread's own)
                    if error is not None:
                        if isinstance(error, HourWaits) or waits_after(error, window):
                            waiting.append(window)
                        else:
                            failed.append(self._failed(window, stage, error))
                    elif (result := future.result()) is None:
                        found.append(window)
                    else:
                        results[window] = result
                        if on_done is not None:
                            on_done(result)
            except BaseException as stopped:
                self.stop.set()
                pool.shutdown(cancel_futures=True)
                if isinstance(stopped, Cancelled) and on_done is not None:
                    for result in _done_meanwhile(under_way, results):
                        on_done(result)
                raise
        return Chunk(
            tuple(results[window] for window in sorted(results)),
            tuple(sorted(found)),
            tuple(sorted(failed, key=lambda failure: failure.hour)),
            tuple(sorted(waiting)),
        )

    def each(
        self, stage: str, hours: Sequence[HourWindow], function: Callable[[HourWindow], After]
    ) -> tuple[After, ...]:
        """`function` on each of the hours of a range, in their order, tried again after transient failures.

        The first failure is that of all, and no further hour is begun.
        """
        results: dict[HourWindow, After] = {}
        failures: list[BaseException] = []

        def one(hour: HourWindow) -> None:
            if failures:
                return
            try:
                results[hour] = self._patiently(function, hour, hour, stage)
            except BaseException as error:  # raised below, whatever it is
                failures.append(error)

        with ThreadPoolExecutor(self.hours_at_once, thread_name_prefix=stage) as pool:
            for hour in hours:
                pool.submit(one, hour)
        if failures:
            raise failures[0]
        return tuple(results[hour] for hour in hours)

    def _patiently(
        self, function: Callable[[Before], Result], hour: Before, window: HourWindow, stage: str
    ) -> Result:
        waits = iter(self.seconds_before_retries)
        while True:
            try:
                return function(hour)
            except Exception as failure:
                if self.stop.is_set():  # which may be why it failed
                    raise Cancelled from failure
                seconds = next(waits, None)
                if seconds is None or not isinstance(failure, WORTH_RETRYING):
                    raise
                wait = seconds * random.uniform(0.75, 1.25)  # noqa: S311 -- spreads retries, guards nothing
                LOG.warning("%s of %s: %s; again in %.0f s", stage, window.key, _explained(failure)[1], wait)
                if self.stop.wait(wait):
                    raise Cancelled from failure

    def _failed(self, window: HourWindow, stage: str, error: BaseException) -> HourFailure:
        if not isinstance(error, Exception):
            raise error
        kind, message = _explained(error)
        LOG.error("%s of %s failed (%s): %s", stage, window.key, kind, message)
        failure = HourFailure(
            export_id=self.export_id,
            hour=window.start,
            stage=stage,
            kind=kind,
            message=message,
            run_id=self.run_id,
            failed_at=datetime.now(UTC),
        )
        self.on_failure(failure, window)
        return failure


def _done_meanwhile(
    under_way: Mapping["Future[After | None]", HourWindow], told: Collection[HourWindow]
) -> Iterator[After]:
    """What came of hours that nobody was told of; those that were stopped came to nothing."""
    for future, window in under_way.items():
        if window in told or future.cancelled() or future.exception() is not None:
            continue
        if (result := future.result()) is not None:
            yield result


def _explained(error: Exception) -> tuple[str, str]:
    """What the reader does next (retry, configure, report), and the sentence for it."""
    match error:
        case TransientFailure():
            return "retry", str(error)
        case PermanentFailure() | InvalidRequest() | NotFound():
            return "configure", str(error)
        case HourFailed():
            return "retry", str(error)
        case OperationalError():
            return "retry", f"the control database did not answer ({type(error.orig).__name__})"
        case OSError():
            return "retry", f"this machine: {error.strerror or type(error).__name__}"
        case _:
            # The text of a library's exception may hold a customer's value: say where, not what.
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}:{place.lineno} ({place.name})"
            return "report", f"unexpected {type(error).__name__} at {where}; this is a bug, please report it"
