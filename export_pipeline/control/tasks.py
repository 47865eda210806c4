"""What people may do with export tasks: request a range of hours, and see how far it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from export_pipeline.control.task_ranges import check_single_files
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.export import Export
from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.exports.task import ExportTask, TaskCounts, TaskStatus, progress_of, status_of
from export_pipeline.store.connectors import get_connector
from export_pipeline.store.exports import find_export, get_export
from export_pipeline.store.ledger import HourFailure, failures_between
from export_pipeline.store.task_counts import counts_of
from export_pipeline.store.tasks import add_task, find_task, list_tasks, tasks_between
from export_pipeline.store.waits import why_wait
from export_pipeline.windows import ONE_HOUR, floor

# A leap year. Longer ranges are several tasks: each can be watched, and tried again, by itself.
MAX_HOURS = 366 * 24


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """A task as it stands now. `waits_for` is why one that is queued does not begin, if there is a reason."""

    task: ExportTask
    export: Export
    status: TaskStatus
    progress: int
    counts: TaskCounts
    failures: tuple[HourFailure, ...]
    waits_for: str | None


def create_task(
    connection: sa.Connection,
    *,
    organization: str,
    export: str,
    since: datetime,
    until: datetime,
    force: bool = False,
) -> ExportTask:
    """Request the hours of `[since, until)`. Refused, nothing is stored and the message names the field."""
    found = find_export(connection, organization, export, locked=True)
    _check(found, since, until)
    _check_parts(connection, found, since, until)
    return add_task(connection, found, since=since, until=until, force=force)


def show_task(connection: sa.Connection, organization: str, id_: str) -> TaskView:
    """One task with its status, progress and failures."""
    return _view(connection, find_task(connection, organization, id_))


def show_tasks(
    connection: sa.Connection, organization: str, *, export: str | None = None, limit: int = 100
) -> Sequence[TaskView]:
    """The latest tasks, the newest first."""
    export_id = find_export(connection, organization, export).id if export is not None else None
    tasks = list_tasks(connection, organization, export_id=export_id, limit=limit)
    return [_view(connection, task) for task in tasks]


def _view(connection: sa.Connection, task: ExportTask) -> TaskView:
    counts = counts_of(connection, task)
    export = get_export(connection, task.export_id)
    first, end = task.ledger_hours(export.definition.layout)
    failures = failures_between(connection, task.export_id, first, end, failed_since=task.requested_at)
    status = status_of(task, counts)
    return TaskView(
        task=task,
        export=export,
        status=status,
        progress=progress_of(counts),
        counts=counts,
        failures=tuple(failures),
        waits_for=why_wait(get_connector(connection, export.connector_id))
        if status is TaskStatus.QUEUED
        else None,
    )


def _check(export: Export, since: datetime, until: datetime) -> None:
    definition = export.definition
    if until <= since:
        raise InvalidRequest(
            f"until: {until.isoformat()} is not after the start, {since.isoformat()}", field="until"
        )
    if since < definition.first_hour:
        raise InvalidRequest(
            f"since: {export.slug} begins at {definition.first_hour.isoformat()}", field="since"
        )
    if definition.until is not None and until > definition.until:
        raise InvalidRequest(f"until: {export.slug} ends at {definition.until.isoformat()}", field="until")
    settled = datetime.now(UTC) - timedelta(minutes=definition.minutes_to_settle)
    if until > settled:
        raise InvalidRequest(
            f"until: rows of {export.slug} may arrive until {definition.minutes_to_settle} minutes after"
            f" their hour; the last hour that is complete ends at {floor(settled).isoformat()}",
            field="until",
        )
    for field, moment in (("since", since), ("until", until)):
        if export.standing and moment != floor(moment):
            raise InvalidRequest(
                f"{field}: {moment.isoformat()} is not on the hour; {export.slug} is delivered in whole"
                " hours, and part of one would replace the whole",
                field=field,
            )
    if (until - since) / ONE_HOUR > MAX_HOURS:
        raise InvalidRequest(
            f"until: a task takes at most {MAX_HOURS:,} hours; ask for a shorter range", field="until"
        )


def _check_parts(connection: sa.Connection, export: Export, since: datetime, until: datetime) -> None:
    """An hour is delivered once: who asks for another part of it would be told that it is there already."""
    if export.definition.layout is FileLayout.SINGLE:
        check_single_files(connection, export, since, until)
        return
    for other in tasks_between(connection, export.id, floor(since), floor(until) + ONE_HOUR):
        for hour in map(floor, (since, until, other.since, other.until)):
            ours, theirs = _part(hour, since, until), _part(hour, other.since, other.until)
            if ours and theirs and ours != theirs:
                raise InvalidRequest(
                    f"since, until: task {other.id} asks for another part of the hour {hour.isoformat()};"
                    " ask for the same one, or for the whole hour through another export",
                    field="until" if hour == floor(until) else "since",
                )


def _part(hour: datetime, since: datetime, until: datetime) -> tuple[datetime, datetime] | None:
    """What of the hour lies in `[since, until)`."""
    first, end = max(hour, since), min(hour + ONE_HOUR, until)
    return (first, end) if first < end else None
