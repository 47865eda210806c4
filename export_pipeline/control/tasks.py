"""What people may do with export tasks: request a range of hours, and see how far it is."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from export_pipeline.control import looks
from export_pipeline.control.audit import audited
from export_pipeline.control.collisions import check_hours, contexts_of
from export_pipeline.control.task_ranges import check_single_files
from export_pipeline.errors import InvalidRequest, NotFound, WrongState
from export_pipeline.exports.export import Export, ExportDefinition
from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.exports.task import ExportTask, TaskCounts, TaskStatus, progress_of, status_of
from export_pipeline.store.connectors import get_connector
from export_pipeline.store.coverage import Delivered, delivered
from export_pipeline.store.exports import find_export, get_export, hide_export, is_deleted, lock_export
from export_pipeline.store.ledger import HourFailure, failures_between, forget_failures
from export_pipeline.store.pages import Page, PageRequest
from export_pipeline.store.task_counts import counts_of
from export_pipeline.store.tasks import (
    add_task,
    count_tasks,
    deleted_export,
    find_task,
    list_tasks,
    request_cancel,
    tasks_between,
    tasks_page,
)
from export_pipeline.store.tasks import delete_task as store_delete
from export_pipeline.store.tasks import retry_task as store_retry
from export_pipeline.store.waits import why_wait
from export_pipeline.windows import ONE_HOUR, floor

# A leap year. Longer ranges are several tasks: each can be watched, and tried again, by itself.
MAX_HOURS = 366 * 24

ENDED = (TaskStatus.FINISHED, TaskStatus.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """A task as it stands now. `waits_for` is why one that is queued does not begin, if there is a reason.

    `delivered` is what there is of its hours, also where an earlier task delivered it; `ended_at` is known of
    one that is FINISHED or ended in an ERROR; `deleted` is whether its export was.
    """

    task: ExportTask
    export: Export
    status: TaskStatus
    progress: int
    counts: TaskCounts
    delivered: Delivered
    ended_at: datetime | None
    failures: tuple[HourFailure, ...]
    waits_for: str | None
    deleted: bool

    @property
    def gone(self) -> bool:
        """Whether it has delivered, and what waits with us until it is fetched is to be had no more."""
        return self.status is TaskStatus.FINISHED and (self.deleted or self.task.expired_at is not None)


@audited("task.create", looks.task)
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
    found = find_export(connection, organization, export)
    # The connector before the export, as everywhere: whoever asks for hours through it sees what others do.
    get_connector(connection, found.connector_id, locked=True)
    found = find_export(connection, organization, export, locked=True)
    check_range(found.definition, since, until)
    _check_whole_hours(found, since, until)
    check_parts(connection, found, since, until)
    if not found.standing:
        contexts = contexts_of(found)
        check_hours(connection, found.connector_id, found.definition, contexts, since, until)
    return add_task(connection, found, since=since, until=until, force=force)


def show_task(
    connection: sa.Connection, organization: str, id_: str, *, origin: str | None = None
) -> TaskView:
    """One task with its status, progress and failures; with `origin` only if that face took it."""
    return _view(connection, find_task(connection, organization, id_, origin=origin))


def show_tasks(
    connection: sa.Connection,
    organization: str,
    *,
    export: str | None = None,
    origin: str | None = None,
    name: str | None = None,
    after: tuple[datetime, str] | None = None,
    offset: int = 0,
    limit: int = 100,
) -> Sequence[TaskView]:
    """The latest tasks, the newest first; all else as for `list_tasks`."""
    export_id = find_export(connection, organization, export).id if export is not None else None
    tasks = list_tasks(
        connection,
        organization,
        export_id=export_id,
        origin=origin,
        name=name,
        after=after,
        offset=offset,
        limit=limit,
    )
    return [_view(connection, task) for task in tasks]


@audited("task.cancel", looks.task)
def cancel_task(
    connection: sa.Connection, organization: str, id_: str, *, by: str, origin: str | None = None
) -> TaskView:
    """End a task: at once where no run has taken it up; else its run stops within seconds, and says so.

    `by` is who wants that, and is told to whoever looks at the task. Hours that are delivered stay.
    WrongState: it has ended.
    """
    view = show_task(connection, organization, id_, origin=origin)
    if view.status in ENDED:
        again = ("retry",) if view.status is TaskStatus.ERROR else ()
        raise WrongState(
            f"task {id_} is {view.status}: there is nothing to cancel", state=view.status, allowed=again
        )
    request_cancel(connection, id_, by)
    return show_task(connection, organization, id_, origin=origin)


@audited("task.retry", looks.task)
def retry_task(
    connection: sa.Connection, organization: str, id_: str, *, origin: str | None = None
) -> TaskView:
    """Put a task back into the queue that ended in an ERROR: what it has not delivered is tried again.

    It keeps its id, by which whoever asked for it knows it. WrongState: it is under way, or has delivered.
    """
    view = show_task(connection, organization, id_, origin=origin)
    if view.status is not TaskStatus.ERROR:
        allowed = () if view.status is TaskStatus.FINISHED else ("cancel",)
        raise WrongState(
            f"task {id_} is {view.status}: only one that ended in an ERROR is tried again",
            state=view.status,
            allowed=allowed,
        )
    if (slug := deleted_export(connection, id_)) is not None:
        raise WrongState(
            f"task {id_} is of the export {slug!r}, which was deleted; make it again, and request the hours",
            state=view.status,
            allowed=(),
        )
    forget_failures(connection, view.export.id, [failure.hour for failure in view.failures])
    store_retry(connection, view.task)
    return show_task(connection, organization, id_, origin=origin)


@audited("task.delete", looks.task)
def delete_task(
    connection: sa.Connection, organization: str, id_: str, *, by: str, origin: str | None = None
) -> ExportTask:
    """Forget a task, and cancel it if it is under way: it is listed no more, and is Gone to whoever asks.

    The export that a request made goes with its last task. Files stay in the customer's own places.
    """
    export = get_export(connection, find_task(connection, organization, id_, origin=origin).export_id)
    if export.generated:
        with suppress(NotFound):  # it was deleted itself
            lock_export(connection, organization, export.slug)
    view = show_task(connection, organization, id_, origin=origin)
    if view.status not in ENDED:
        request_cancel(connection, id_, by)
    store_delete(connection, id_)
    if export.generated and not count_tasks(connection, organization, export_id=export.id):
        hide_export(connection, export.id)
    return view.task


def tasks_shown(
    connection: sa.Connection, organization: str, asked: PageRequest, *, export: str | None = None
) -> Page[TaskView]:
    """The tasks in pages, the newest first."""
    export_id = find_export(connection, organization, export).id if export is not None else None
    page = tasks_page(connection, organization, asked, export_id=export_id)
    return Page([_view(connection, task) for task in page.items], page.next)


def _view(connection: sa.Connection, task: ExportTask) -> TaskView:
    counts = counts_of(connection, task)
    export = get_export(connection, task.export_id)
    first, end = task.ledger_hours(export.definition.layout)
    failures = failures_between(connection, task.export_id, first, end, failed_since=task.requested_at)
    status = status_of(task, counts)
    there = delivered(connection, task.export_id, first, end)
    return TaskView(
        task=task,
        export=export,
        status=status,
        progress=progress_of(counts),
        counts=counts,
        delivered=there,
        ended_at=_ended_at(task, status, there, failures),
        failures=tuple(failures),
        waits_for=why_wait(get_connector(connection, export.connector_id))
        if status is TaskStatus.QUEUED
        else None,
        deleted=is_deleted(connection, export.id),
    )


def _ended_at(
    task: ExportTask, status: TaskStatus, there: Delivered, failures: Sequence[HourFailure]
) -> datetime | None:
    """When its run was done with it; until that is noted, and without a run, what came last of its hours."""
    if status not in ENDED:
        return None
    if task.ended_at is not None:
        return task.ended_at
    moments = [there.proven_at, *(failure.failed_at for failure in failures)]
    return max([task.requested_at, *(moment for moment in moments if moment is not None)])


def check_range(definition: ExportDefinition, since: datetime, until: datetime) -> None:
    """Refuse what is no range, too long, or not over, and what the export does not have."""
    if until <= since:
        raise InvalidRequest(
            f"until: {until.isoformat()} is not after the start, {since.isoformat()}", field="until"
        )
    if since < definition.first_hour:
        raise InvalidRequest(
            f"since: the export begins at {definition.first_hour.isoformat()}", field="since"
        )
    if definition.until is not None and until > definition.until:
        raise InvalidRequest(f"until: the export ends at {definition.until.isoformat()}", field="until")
    settled = datetime.now(UTC) - timedelta(minutes=definition.minutes_to_settle)
    if until > settled:
        raise InvalidRequest(
            f"until: rows may arrive until {definition.minutes_to_settle} minutes after their hour; the last"
            f" hour that is complete ends at {floor(settled).isoformat()}",
            field="until",
        )
    if (until - since) / ONE_HOUR > MAX_HOURS:
        raise InvalidRequest(
            f"until: a task takes at most {MAX_HOURS:,} hours; ask for a shorter range", field="until"
        )


def _check_whole_hours(export: Export, since: datetime, until: datetime) -> None:
    for field, moment in (("since", since), ("until", until)):
        if export.standing and moment != floor(moment):
            raise InvalidRequest(
                f"{field}: {moment.isoformat()} is not on the hour; {export.slug} is delivered in whole"
                " hours, and part of one would replace the whole",
                field=field,
            )


def check_parts(connection: sa.Connection, export: Export, since: datetime, until: datetime) -> None:
    """Refuse another part of an hour of which a part was asked for: an hour is delivered once, and who asks
    for the other would be told that it is there already.
    """
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
