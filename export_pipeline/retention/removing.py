"""The second step of expiry: files that are marked are deleted where they lie, hour by hour.

Whoever is killed in between leaves hours that are marked and not removed, and the next run goes on with
them. An hour is claimed while its files are deleted, as by a run that delivers it: so nobody deletes what has
just been delivered anew, and what was delivered anew in the meantime stays.
"""

from collections.abc import Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import sqlalchemy as sa

from export_pipeline.connectors.destination import Destination
from export_pipeline.errors import ExportPipelineError
from export_pipeline.exports.export import Export
from export_pipeline.pipeline.claiming import Claims
from export_pipeline.receipts.receipt import ReceiptFile, receipt_from
from export_pipeline.store.claims import claim, holds_claim, release
from export_pipeline.store.database import reading, writing
from export_pipeline.store.expiry import (
    KeptExport,
    entries_of,
    namesakes_of,
    next_to_remove,
    note_removed,
)
from export_pipeline.store.exports import get_export
from export_pipeline.store.ledger import LedgerEntry, latest_entries
from export_pipeline.windows import BEGINNING_OF_TIME, END_OF_TIME, HourWindow

# Their claims are taken and given up in one transaction each, for which others wait.
HOURS_PER_BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """Hours whose files are deleted, and those that are left, with the reasons that are no other run's."""

    hours: int = 0
    bytes: int = 0
    left: int = 0
    problems: tuple[str, ...] = ()

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(
            hours=self.hours + other.hours,
            bytes=self.bytes + other.bytes,
            left=self.left + other.left,
            problems=self.problems + other.problems,
        )


@dataclass(frozen=True, slots=True)
class Remover:
    """Deletes the files of one export; `claims` are those of this run."""

    claims: Claims
    export: KeptExport
    destination: Destination
    at_once: int
    _spared: set[str] = field(default_factory=set)

    def remove(self) -> Removed:
        """Delete whatever is marked. An hour that another run holds is left for the next time."""
        total = Removed()
        after: datetime | None = None
        with reading(self.claims.control) as connection:
            for id_ in namesakes_of(connection, self.export):
                self._spared.update(_keys_of(connection, id_))
        while hours := self._next(after):
            after = hours[-1]
            total += self.remove_hours(hours)
        return total

    def _next(self, after: datetime | None) -> Sequence[datetime]:
        with reading(self.claims.control) as connection:
            return next_to_remove(connection, self.export.id, after, HOURS_PER_BATCH)

    def remove_hours(self, hours: Sequence[datetime]) -> Removed:
        """The same for some of the hours, few enough for one transaction."""
        taken = self._take(hours)
        with reading(self.claims.control) as connection:
            delete = partial(self._delete, get_export(connection, self.export.id))
        # Not longer: the heart's statement and ours below would wait for each other's rows.
        with (
            self.claims.kept_alive(),
            ThreadPoolExecutor(self.at_once, thread_name_prefix="retention") as pool,
        ):
            found = dict(zip(taken, pool.map(delete, taken, taken.values()), strict=True))
        with writing(self.claims.control) as connection:
            done = [
                hour
                for hour, removed in found.items()
                if removed.hours and holds_claim(connection, self.export.id, hour, self.claims.run_id)
            ]
            note_removed(connection, self.export.id, done, datetime.now(UTC))
            for id_ in self._whose(connection):
                release(connection, id_, [*taken], self.claims.run_id)
        return sum(found.values(), Removed(left=len(hours) - len(taken)))

    def _take(self, hours: Sequence[datetime]) -> Mapping[datetime, Sequence[LedgerEntry]]:
        """Those of the hours that nobody is at work on, claimed, with what the ledger says of each."""
        with writing(self.claims.control) as connection:
            exports = self._whose(connection)
            mine = [hour for hour in hours if self._claim(connection, exports, hour)]
            for id_ in exports[1:]:
                for entries in entries_of(connection, id_, mine).values():
                    self._spared.update(file.key for entry in entries for file in _there(entry))
            return entries_of(connection, self.export.id, mine)

    def _whose(self, connection: sa.Connection) -> Sequence[str]:
        """The export, and those of its name and keys: none of them may be writing the hour."""
        return [self.export.id, *namesakes_of(connection, self.export)]

    def _claim(self, connection: sa.Connection, exports: Sequence[str], hour: datetime) -> bool:
        now, run_id = datetime.now(UTC), self.claims.run_id
        for number, id_ in enumerate(exports):
            held = claim(connection, id_, hour, run_id, now=now, expires_at=now + self.claims.lease)
            if held.owner != run_id:
                for taken in exports[:number]:
                    release(connection, taken, [hour], run_id)
                return False
        return True

    def _delete(self, export: Export, hour: datetime, entries: Sequence[LedgerEntry]) -> Removed:
        window = HourWindow(hour)
        if not any(map(_marked, entries)):
            return Removed()  # delivered anew, or deleted by another run, since it was found to be marked
        try:
            files = files_to_delete(entries, self._spared)
            self.claims.check(export, window)
            for key in files:
                self.destination.delete(key)
        except ExportPipelineError as error:
            return Removed(left=1, problems=(f"{window.key}: {error}",))
        return Removed(hours=entries[-1].hours, bytes=sum(files.values()))


def files_to_delete(entries: Sequence[LedgerEntry], spared: Set[str]) -> Mapping[str, int]:
    """The files of an hour that are marked, with their bytes; not those of a revision that is there, too."""
    there = {file.key for entry in entries for file in _there(entry)} | spared
    marked = filter(_marked, entries)
    return {file.key: file.bytes for entry in marked for file in _files(entry) if file.key not in there}


def _marked(entry: LedgerEntry) -> bool:
    return entry.expired_at is not None and entry.removed_at is None


def _there(entry: LedgerEntry) -> Sequence[ReceiptFile]:
    return _files(entry) if entry.expired_at is None else ()


def _files(entry: LedgerEntry) -> Sequence[ReceiptFile]:
    return receipt_from(entry.receipt.encode(), entry.receipt_key).files


def _keys_of(connection: sa.Connection, export_id: str) -> set[str]:
    """The files that the export has there."""
    entries = latest_entries(connection, export_id, BEGINNING_OF_TIME, END_OF_TIME)
    return {file.key for entry in entries for file in _there(entry)}
