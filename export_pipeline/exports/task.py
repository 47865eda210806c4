"""A request to deliver a range of hours of an export, and how far it has come."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.windows import ONE_HOUR, HourWindow, floor


class TaskStatus(StrEnum):
    """The four states of the Bitmovin document; computed from the ledger, never stored."""

    QUEUED = "QUEUED"
    STARTED = "STARTED"
    FINISHED = "FINISHED"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportTask:
    """A request for the hours of `[since, until)`. `force` delivers again what is delivered already.

    `started_at` is when a run took it up; `error` is why it can deliver nothing at all. `attempt` rises each
    time it goes back into the queue, as its connector stopped running.
    """

    id: str
    organization: str
    export_id: str
    since: datetime
    until: datetime
    force: bool
    requested_at: datetime
    started_at: datetime | None = None
    error: str | None = None
    attempt: int = 1

    def ledger_hours(self, layout: FileLayout) -> tuple[datetime, datetime]:
        """From and until which hours the ledger says what became of it: a range's is told at its first."""
        first = floor(self.since)
        return first, (first + ONE_HOUR if layout is FileLayout.SINGLE else self.until)

    def windows(self, layout: FileLayout) -> tuple[HourWindow, ...]:
        """What it asks for: each is delivered, or fails, as a whole."""
        return layout.windows(self.since, self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCounts:
    """What the ledger says of a task's hours.

    `under_way` is the sum of what is done of the hours being worked on: half of one hour is 0.5.
    """

    hours: int
    delivered: int
    failed: int
    under_way: float = 0.0


def status_of(task: ExportTask, counts: TaskCounts) -> TaskStatus:
    """FINISHED when every hour is delivered; ERROR when nothing more will be, and hours are missing."""
    if counts.delivered >= counts.hours:
        return TaskStatus.FINISHED
    if task.error is not None:
        return TaskStatus.ERROR
    if task.started_at is None:
        return TaskStatus.QUEUED
    if counts.failed and counts.delivered + counts.failed >= counts.hours:
        return TaskStatus.ERROR
    return TaskStatus.STARTED


def progress_of(counts: TaskCounts) -> int:
    """Per cent done, rounded down: 100 means that every hour is delivered, and nothing else does."""
    if counts.delivered >= counts.hours:
        return 100
    return min(99, int(100 * (counts.delivered + counts.under_way) / counts.hours))
