"""A request to deliver a range of hours of an export, and how far it has come."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

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
    time it goes back into the queue, as its connector stopped running, or its failed hours are tried again.

    `origin` is the face that took the request, `name` and `properties` what it keeps of it to give back.
    `ended_at` is when its run was done with it.
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
    origin: str | None = None
    name: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    cancel_requested_at: datetime | None = None
    cancelled_by: str | None = None
    ended_at: datetime | None = None
    deleted_at: datetime | None = None
    expired_at: datetime | None = None

    @property
    def cancellation(self) -> str | None:
        """Who asked that it be cancelled, and when, in words."""
        if self.cancel_requested_at is None:
            return None
        return f"cancelled by {self.cancelled_by} at {self.cancel_requested_at:%Y-%m-%dT%H:%M:%SZ}"

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
