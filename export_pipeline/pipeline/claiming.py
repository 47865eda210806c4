"""A run's claims on hours: taken one by one, kept alive by a heartbeat, lost when the run dies.

An hour is claimed while its connector runs; otherwise it waits, and that is noted.
"""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

import sqlalchemy as sa

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.errors import Conflict
from export_pipeline.exports.export import Export
from export_pipeline.pipeline.progress import Cancelled, Progress
from export_pipeline.store.claims import claim, holds_claim, note_progress, release, renew_claims
from export_pipeline.store.connectors import StoredConnector, get_connector
from export_pipeline.store.database import reading, writing
from export_pipeline.store.ledger import LedgerEntry, doubt_entry, forget_failures, latest_entry
from export_pipeline.store.waits import forget_wait, note_wait, wait_of
from export_pipeline.windows import HourWindow

LOG = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 1.0  # at an hour that another run holds
SECONDS_BETWEEN_NOTES = 1.0  # of progress: a person looks no more often, and the ledger is shared

# In which states of its connector an hour is begun, and in which one that this run holds goes on: a connector
# that is stopping lets what is in flight end.
BEGINS = frozenset({ConnectorState.RUNNING})
GOES_ON = BEGINS | {ConnectorState.STOPPING}


class Taken(Enum):
    """What came of asking for an hour."""

    OURS = auto()
    DELIVERED = auto()  # already: there is nothing to do
    WAITING = auto()  # for its connector


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenHours:
    """What came of asking for several hours: those that are ours now, and those that wait."""

    mine: frozenset[HourWindow]
    waiting: tuple[HourWindow, ...]


@dataclass(frozen=True, slots=True)
class Claims:
    """One run's claims. `lease` is how long one holds without a sign of life; `stop` ends all waiting.

    `notes_waits`: hours that wait are noted one by one, as nobody but this run knows that they are wanted.
    `configuration` is that of the connector which the run has read: when another takes its place, the run's
    hours wait for one that reads it. None: it is of no interest.
    """

    control: sa.Engine
    run_id: str
    lease: timedelta
    stop: threading.Event
    notes_waits: bool = True
    configuration: int | None = None

    def take(self, export: Export, window: HourWindow, *, proven_since: datetime | None) -> Taken:
        """Claim the hour for this run, unless it is delivered already or waits for its connector.

        `proven_since` None leaves any delivered hour alone; a moment leaves those alone that were found in
        place since. While another run holds the hour we wait: it delivers it, gives it up, or dies.
        """
        told = False
        while True:
            now = datetime.now(UTC)
            with writing(self.control) as connection:
                # Locked: whoever stops the connector sees our claim, or we see that it is stopped.
                connector = get_connector(connection, export.connector_id, locked=True)
                before = holds_claim(connection, export.id, window.start, self.run_id)
                held = claim(
                    connection, export.id, window.start, self.run_id, now=now, expires_at=now + self.lease
                )
                if held.owner == self.run_id:
                    wait = wait_of(connection, export.id, window.start)
                    entry = latest_entry(connection, export.id, window.start)
                    if entry and _stands(entry, window, proven_since):
                        release(connection, export.id, [window.start], self.run_id)
                        if wait and _stands(entry, window, wait.proven_since):
                            forget_wait(connection, export.id, window.start)
                        return Taken.DELIVERED
                    if not self._lets(connector, GOES_ON if before else BEGINS):
                        self._wait(connection, export, window, proven_since)
                        return Taken.WAITING
                    if wait and not before:  # or it came to wait since this run has read it
                        forget_wait(connection, export.id, window.start)
                    forget_failures(connection, export.id, [window.start])
                    return Taken.OURS
            if not told:
                LOG.info("%s of %s is held by run %s; waiting", window.key, export.slug, held.owner)
                told = True
            if self.stop.wait(SECONDS_BETWEEN_LOOKS):
                raise Cancelled

    def take_all(
        self, export: Export, windows: Sequence[HourWindow], *, proven_since: datetime | None
    ) -> TakenHours:
        """Claim those of the hours that are not delivered yet, one after the other in their order.

        Whoever waits for an hour holds earlier ones only, so that two runs never wait for each other.
        """
        taken = {window: self.take(export, window, proven_since=proven_since) for window in sorted(windows)}
        return TakenHours(
            mine=frozenset(window for window, what in taken.items() if what is Taken.OURS),
            waiting=tuple(window for window, what in taken.items() if what is Taken.WAITING),
        )

    def waits(
        self,
        export: Export,
        window: HourWindow,
        *,
        proven_since: datetime | None,
        unless: frozenset[ConnectorState],
    ) -> bool:
        """Whether an hour of ours has to wait, unless its connector is in one of these states. It is given up
        then.
        """
        with writing(self.control) as connection:
            connector = get_connector(connection, export.connector_id, locked=True)
            if self._lets(connector, unless):
                return False
            self._wait(connection, export, window, proven_since)
            return True

    def overtaken(self, export: Export) -> bool:
        """Whether the connector leads elsewhere by now than the run has read."""
        with reading(self.control) as connection:
            connector = get_connector(connection, export.connector_id)
        return self.configuration not in (None, connector.configuration)

    def _lets(self, connector: StoredConnector, states: frozenset[ConnectorState]) -> bool:
        return connector.state in states and self.configuration in (None, connector.configuration)

    def _wait(
        self, connection: sa.Connection, export: Export, window: HourWindow, proven_since: datetime | None
    ) -> None:
        release(connection, export.id, [window.start], self.run_id)
        if self.notes_waits:
            now = datetime.now(UTC)
            note_wait(connection, export.id, window.start, now=now, proven_since=proven_since)

    def check(self, export: Export, window: HourWindow) -> None:
        """Raise Conflict if the hour is this run's no more: it was silent for too long."""
        with reading(self.control) as connection:
            check_held(connection, export, window, self.run_id, locked=False)

    @contextmanager
    def kept_alive(self) -> Iterator[None]:
        """Renew all claims of the run, from another thread, for as long as the block runs."""
        done = threading.Event()

        def renew() -> None:
            while not done.wait(self.lease.total_seconds() / 4):
                try:
                    self._renew()
                except sa.exc.SQLAlchemyError:
                    # The next beat may succeed; if none does, the claims lapse and recording refuses.
                    LOG.warning("could not renew the claims of run %s", self.run_id, exc_info=True)

        self._renew()
        heart = threading.Thread(target=renew, name=f"claims of {self.run_id}", daemon=True)
        heart.start()
        try:
            yield
        finally:
            done.set()
            heart.join()

    def _renew(self) -> None:
        with writing(self.control) as connection:
            renew_claims(connection, self.run_id, datetime.now(UTC) + self.lease)

    def progress(self, export: Export, window: HourWindow, stage: str) -> Progress:
        """What a stage calls with its progress: noted in the claim, about once a second."""
        noted_at = -SECONDS_BETWEEN_NOTES

        def note(done: int, total: int) -> None:
            nonlocal noted_at
            if self.stop.is_set():
                raise Cancelled
            now = time.monotonic()
            if now - noted_at < SECONDS_BETWEEN_NOTES:
                return
            noted_at = now
            try:
                with writing(self.control) as connection:
                    note_progress(
                        connection, export.id, window.start, self.run_id, stage=stage, done=done, total=total
                    )
            except sa.exc.SQLAlchemyError:
                # The hour is none the worse for it.
                LOG.warning("could not note the progress of %s", window.key, exc_info=True)

        return note

    def doubt(self, export: Export, window: HourWindow) -> None:
        """Note that what was delivered of the hour is about to be replaced. Conflict if it is not ours."""
        with writing(self.control) as connection:
            check_held(connection, export, window, self.run_id)
            doubt_entry(connection, export.id, window.start)

    def give_up(self, export: Export, window: HourWindow) -> None:
        """Release an hour that failed."""
        with writing(self.control) as connection:
            release(connection, export.id, [window.start], self.run_id)


def _stands(entry: LedgerEntry, window: HourWindow, proven_since: datetime | None) -> bool:
    """Whether there is nothing to do: all that is asked for of the hour is delivered beyond doubt, and its
    files have not expired.
    """
    if entry.in_doubt or entry.expired_at is not None:
        return False
    if entry.since > window.since or entry.until < window.until:
        return False
    return proven_since is None or entry.proven_at >= proven_since


def check_held(
    connection: sa.Connection, export: Export, window: HourWindow, run_id: str, *, locked: bool = True
) -> None:
    """Raise Conflict if the hour is not the run's; `locked`: in the transaction that goes on from there."""
    if not holds_claim(connection, export.id, window.start, run_id, locked=locked):
        raise Conflict(
            f"{window.key}: the claim lapsed while the hour was worked on, and another run may have"
            " it; it will be found in place, or delivered, by the next run"
        )
