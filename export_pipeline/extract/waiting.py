"""Waiting for a database: no longer than is allowed, and not once the run is being stopped."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from typing import TypeVar

from export_pipeline.errors import TransientFailure

LOG = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 0.2  # at the clock, and at whether the run is being stopped

# For a database to hear that it is interrupted, or that nobody wants more of it. It was told; and a network
# that brings no answer to that either will bring none.
SECONDS_UNTIL_GIVEN_UP = 5.0

Item = TypeVar("Item")


def _nothing() -> None:
    """There are drivers whose connection nobody can cut."""


class Waiting:
    """A snapshot's waits for its database, each ended by `interrupt` after `limit`, or when `stop` is set.

    After one that was ended so the snapshot is of no more use: all further ones fail at once. Where
    interrupting is in vain, `give_up` ends the wait whatever the database does. `late` is what is said of a
    wait that took too long.
    """

    def __init__(
        self,
        interrupt: Callable[[], object],
        limit: timedelta,
        stop: threading.Event | None = None,
        *,
        give_up: Callable[[], object] = _nothing,
        late: str | None = None,
    ) -> None:
        self._interrupt = interrupt
        self._limit = limit
        self._stop = stop or threading.Event()
        self._give_up = give_up
        self._late = late or _took_too_long(limit)
        self._began: float | None = None
        self._leaves: float | None = None
        self._why_ended: str | None = None
        self._over = threading.Event()

    @property
    def ended(self) -> bool:
        """Whether a wait was ended: an interruption may still be on its way to the database."""
        return self._why_ended is not None

    def interrupt(self) -> None:
        """End what the database is busy with: nobody will take its answer."""
        self._interrupt()

    @contextmanager
    def leaving(self) -> Iterator[None]:
        """The block tells the database that nothing more is wanted of it. That is not waited for for long."""
        self._leave()
        try:
            yield
        finally:
            self._left()

    @contextmanager
    def held(self, opened: AbstractContextManager[Item], relation: str) -> Iterator[Item]:
        """What the driver opens by asking the database, and closes by telling it."""
        with ExitStack() as stack:
            stack.callback(self._left)
            with self.answer(relation):
                item = stack.enter_context(opened)
            stack.callback(self._leave)
            yield item

    def _leave(self) -> None:
        self._leaves = time.monotonic()

    def _left(self) -> None:
        self._leaves = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch the waits of the block, from a thread of its own. Nothing is interrupted after it."""
        watch = threading.Thread(target=self._watch, name="waiting for the source", daemon=True)
        watch.start()
        try:
            yield
        finally:
            self._over.set()
            watch.join()

    @contextmanager
    def answer(self, relation: str) -> Iterator[None]:
        """The block waits for what the database says of the relation.

        TransientFailure when that took too long, or when the run is being stopped.
        """
        if self._stop.is_set():
            self._why_ended = _STOPPED
        self._refuse_if_ended(relation)
        self._began = time.monotonic()
        try:
            yield
        except Exception:
            self._refuse_if_ended(relation)  # it failed because of that
            raise
        finally:
            self._began = None
        self._refuse_if_ended(relation)

    def each(self, items: Iterator[Item], relation: str) -> Iterator[Item]:
        """The items, each waited for; what is done with one in between is none of the database's time."""
        while True:
            with self.answer(relation):
                item = next(items, None)
            if item is None:
                return
            yield item

    def _refuse_if_ended(self, relation: str) -> None:
        if self._why_ended is not None:
            raise TransientFailure(f"{relation}: {self._why_ended}") from None

    def _watch(self) -> None:
        warned = False
        interrupted: float | None = None
        while not self._over.wait(SECONDS_BETWEEN_LOOKS):
            began, leaves = self._began, self._leaves
            if leaves is not None and time.monotonic() - leaves > SECONDS_UNTIL_GIVEN_UP:
                self._give_up()
            if began is None:
                continue
            if self._stop.is_set():
                self._why_ended = _STOPPED
            elif time.monotonic() - began > self._limit.total_seconds():
                self._why_ended = self._late
            else:
                continue
            interrupted = interrupted or time.monotonic()
            # At every look: a query that was not begun when the interruption came knows nothing of it.
            try:
                self._interrupt()
            except Exception as error:
                if not warned:
                    LOG.warning("could not interrupt the source: %s", type(error).__name__)
                warned = True
            if time.monotonic() - interrupted > SECONDS_UNTIL_GIVEN_UP and self._began is not None:
                if self._why_ended is not _STOPPED:
                    self._why_ended = _UNHEARD
                self._give_up()


_STOPPED = "the run is being stopped"
_UNHEARD = (
    "the source gave no answer, and none when it was interrupted; see that it runs, and that the network"
    " between it and here lets connections be that are silent for a while"
)


def _took_too_long(limit: timedelta) -> str:
    return (
        f"the source gave no answer within {limit.total_seconds():,.0f} s; give it an index on the relation's"
        " time column, narrow the filter, see that nobody keeps it locked, or allow more with"
        " EXPORT_PIPELINE_STATEMENT_SECONDS"
    )
