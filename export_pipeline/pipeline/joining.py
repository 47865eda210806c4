"""The hours of a range into staging, for one file: each is read by itself, in a snapshot of its own.

An hour's trouble is an hour's: what is worth trying again is tried again for that hour. One that fails in
the end fails the range, in which no hour may be missing.
"""

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from export_pipeline.errors import HourFailed, PermanentFailure
from export_pipeline.pipeline.chunk import Worker
from export_pipeline.pipeline.hours import HourRead, StagedHour, StagedRows
from export_pipeline.pipeline.progress import Progress
from export_pipeline.receipts.receipt import ReceiptTable
from export_pipeline.windows import HourRange, HourWindow

# How finely progress is noted within an hour.
STEPS_PER_HOUR = 100

# What readers say, and receipts, where a database makes nothing of one moment.
NO_SNAPSHOT = "none"


class ReadHour(Protocol):
    """The first stage of one hour (see extract_hour)."""

    def __call__(
        self, hour: HourWindow, folder: Path, /, *, progress: Progress, wanted: Mapping[str, int] | None
    ) -> StagedHour:
        """Stage the hour's rows below `folder`, no more than the first `wanted` of each table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What is kept of an hour of a range, which may have thousands: its tables are described once."""

    part: HourRead
    snapshot: str
    paths: tuple[Path, ...]
    undeclared: tuple[tuple[str, ...] | None, ...]
    seconds: float


class _Totals:
    """What is staged so far, of the range's hours together."""

    def __init__(self, window: HourRange, row_limit: int | None, first_rows: int | None) -> None:
        self._window = window
        self._row_limit = row_limit
        self._first_rows = first_rows
        self._lock = threading.Lock()
        self.hours = 0
        self.rows: dict[str, int] = {}
        self.example: StagedHour | None = None

    def left(self, tables: Sequence[str]) -> Mapping[str, int] | None:
        """How many rows of each table are still wanted; None: all."""
        if self._first_rows is None:
            return None
        return {table: self._first_rows - self.rows.get(table, 0) for table in tables}

    def add(self, staged: StagedHour) -> None:
        """Count an hour in. PermanentFailure when that is more than the connector takes in a file."""
        with self._lock:
            self.example = self.example or staged
            self.hours += 1
            for rows in staged.tables:
                name = rows.table.name
                self.rows[name] = self.rows.get(name, 0) + rows.rows
                if self._row_limit is not None and self.rows[name] > self._row_limit:
                    raise PermanentFailure(
                        f"{self._window.key}: more rows in {name} than the {self._row_limit:,} that this"
                        " connector takes in a file: ask for a shorter range, narrow the filter, or use a"
                        " connector to your own bucket"
                    )


def extract_range(
    window: HourRange,
    folder: Path,
    tables: Sequence[str],
    read_hour: ReadHour,
    worker: Worker,
    *,
    row_limit: int | None,
    first_rows: int | None,
    progress: Progress,
) -> StagedHour:
    """Stage the rows of every hour below `folder`, several hours at once.

    `row_limit` is how many rows of a table the connector takes in a file. `first_rows` is how many are
    wanted, the first ones: then the hours are read one after the other, and those beyond are counted only.
    """
    totals = _Totals(window, row_limit, first_rows)
    hours = window.hours

    def note(done: int, total: int) -> None:
        within = STEPS_PER_HOUR * done // total if total else 0
        progress(STEPS_PER_HOUR * totals.hours + within, STEPS_PER_HOUR * len(hours))

    def read(hour: HourWindow) -> _Read:
        below = folder / f"{hour.start:%Y-%m-%d-%H}"
        below.mkdir(exist_ok=True)
        try:
            staged = read_hour(hour, below, progress=note, wanted=totals.left(tables))
        except HourFailed as error:
            if str(error).startswith(hour.key):
                raise
            raise type(error)(f"{hour.key}: {error}") from error
        totals.add(staged)
        note(0, 0)
        return _kept(staged)

    one_by_one = replace(worker, hours_at_once=1)
    every = (worker if first_rows is None else one_by_one).each("extract", hours, read)
    example = totals.example
    assert example is not None, "a range has an hour"
    return StagedHour(
        window=window,
        folder=folder,
        snapshot=_common({one.snapshot for one in every}),
        read_at=every[0].part.read_at,
        tables=tuple(
            _joined(number, rows.table, totals.rows[rows.table.name], every)
            for number, rows in enumerate(example.tables)
        ),
        seconds=sum(one.seconds for one in every),
        parts=tuple(one.part for one in every),
    )


def _kept(staged: StagedHour) -> _Read:
    return _Read(
        part=HourRead(
            hour=staged.window.start,
            read_at=staged.read_at,
            rows_at_source={rows.table.name: rows.table.rows_at_source for rows in staged.tables},
        ),
        snapshot=staged.snapshot,
        paths=tuple(path for rows in staged.tables for path in rows.paths),
        undeclared=tuple(rows.undeclared for rows in staged.tables),
        seconds=staged.seconds,
    )


def _common(mechanisms: Collection[str]) -> str:
    """What made each hour of one moment; nothing did, if they do not have it in common."""
    return next(iter(mechanisms)) if len(mechanisms) == 1 else NO_SNAPSHOT


def _joined(number: int, table: ReceiptTable, rows: int, every: Sequence[_Read]) -> StagedRows:
    """One table's rows of all hours; it is the hours' `number`th."""
    counted = sum(one.part.rows_at_source[table.name] for one in every)
    found = [one.undeclared[number] for one in every]
    seen = {name for names in found for name in names or ()}
    return StagedRows(
        table=table.model_copy(update={"rows_at_source": counted}),
        paths=tuple(one.paths[number] for one in every),
        rows=rows,
        undeclared=None if None in found else tuple(sorted(seen)),
    )
