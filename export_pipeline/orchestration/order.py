"""What a run is to do, cut into chunks and passed from op to op as small values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.exports.task import ExportTask
from export_pipeline.windows import HourWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A chunk of hours of one export. Hours found in place since `proven_since` are left alone, or, when
    that is None, hours delivered whenever. `notes_waits`: hours that wait for the connector are noted.
    `task_id` is the task that they are of, which may be cancelled.
    """

    export_id: str
    hours: tuple[HourWindow, ...]
    proven_since: datetime | None
    notes_waits: bool
    task_id: str | None = None


def order_of(task: ExportTask, layout: FileLayout) -> Order:
    """All that a task asks for; the hours of a range that share a file are one."""
    return Order(
        export_id=task.export_id,
        hours=task.windows(layout),
        proven_since=task.requested_at if task.force else None,
        notes_waits=False,  # the task itself goes back into the queue
        task_id=task.id,
    )


def cut(order: Order, hours_per_chunk: int) -> Iterator[Order]:
    """The same hours in chunks, in order."""
    for first in range(0, len(order.hours), hours_per_chunk):
        yield replace(order, hours=order.hours[first : first + hours_per_chunk])


def windows_of(keys: Sequence[str]) -> tuple[HourWindow, ...]:
    """The hours that partition keys name."""
    return tuple(HourWindow.from_key(key) for key in keys)
