"""Tasks: requests for ranges of hours."""

from datetime import datetime
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from export_pipeline.api.native.answering import problems
from export_pipeline.api.native.asking import Asked, AskedPage, Moment
from export_pipeline.api.native.deliveries import MOST_SHOWN, FailureDocument, failure_document
from export_pipeline.api.native.once import AskedOnce
from export_pipeline.api.visits import ExportsEditor, ExportsViewer
from export_pipeline.control.tasks import (
    TaskView,
    cancel_task,
    create_task,
    retry_task,
    show_task,
    tasks_shown,
)
from export_pipeline.exports.task import TaskStatus
from export_pipeline.store.database import reading, writing

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])


class TaskRequest(Asked):
    """Hours to be delivered: those from `since` up to but not including `until`."""

    export: str = Field(description="the export's name", examples=["flights"])
    since: Moment = Field(examples=["2013-01-01T05:00:00Z"])
    until: Moment = Field(examples=["2013-01-02T05:00:00Z"])
    force: bool = Field(
        False, description="deliver again what is delivered already, not only what is missing"
    )


class HourCounts(BaseModel):
    """A task's hours by outcome."""

    wanted: int
    delivered: int
    failed: int


class TaskDocument(BaseModel):
    """A task as it stands now. `failures` holds the first 1,000."""

    id: str
    export: str
    name: str | None = Field(description="what whoever asked called it, by a face that has names")
    status: TaskStatus
    progress: int = Field(description="per cent; 100 means that every hour is delivered")
    since: datetime
    until: datetime
    force: bool
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    # With a default: answers that are kept from before do not have it.
    expired_at: datetime | None = Field(None, description="since when its files are to be had no more")
    error: str | None = Field(description="why it ended before its hours were delivered, if it did")
    waits_for: str | None = Field(description="why it does not begin, if there is a reason")
    hours: HourCounts
    failures: list[FailureDocument]


class TaskList(BaseModel):
    """Tasks, the newest first."""

    tasks: list[TaskDocument]
    next: str | None = Field(description="the cursor of the next page, if there is one")


@router.post("", status_code=201, responses=problems(404, 409, 413))
def create(visit: ExportsEditor, asked: TaskRequest, once: AskedOnce, response: Response) -> TaskDocument:
    """Request the hours of a range. They are delivered in the background."""

    def make(connection: sa.Connection) -> TaskDocument:
        task = create_task(
            connection,
            organization=visit.organization,
            export=asked.export,
            since=asked.since,
            until=asked.until,
            force=asked.force,
        )
        return _document(show_task(connection, visit.organization, task.id))

    made = once.made(visit, response, make, TaskDocument)
    response.headers["Location"] = f"{router.prefix}/{made.id}"
    return made


@router.get("", responses=problems(404))
def list_(
    visit: ExportsViewer,
    page: AskedPage,
    export: Annotated[str | None, Query(description="only this export's")] = None,
) -> TaskList:
    """List the tasks."""
    with reading(visit.deployment.control) as connection:
        found = tasks_shown(connection, visit.organization, page, export=export)
    return TaskList(tasks=[_document(one) for one in found.items], next=found.next)


@router.get("/{id}", responses=problems(404, 410))
def get(visit: ExportsViewer, id: str) -> TaskDocument:  # its name in the address
    """Show a task: its status, how far it is, and which hours failed, and why."""
    with reading(visit.deployment.control) as connection:
        return _document(show_task(connection, visit.organization, id))


@router.post("/{id}/cancel", responses=problems(404, 409, 410))
def cancel(visit: ExportsEditor, id: str) -> TaskDocument:
    """End a task: a queued one at once, one under way within seconds. What is delivered stays."""
    with writing(visit.deployment.control) as connection:
        return _document(cancel_task(connection, visit.organization, id, by=visit.caller.key.name))


@router.post("/{id}/retry", responses=problems(404, 409, 410))
def retry(visit: ExportsEditor, id: str) -> TaskDocument:
    """Try again what a task has not delivered that ended in an ERROR. It keeps its id."""
    with writing(visit.deployment.control) as connection:
        return _document(retry_task(connection, visit.organization, id))


def _document(view: TaskView) -> TaskDocument:
    task, counts = view.task, view.counts
    return TaskDocument(
        id=task.id,
        export=view.export.slug,
        name=task.name,
        status=view.status,
        progress=view.progress,
        since=task.since,
        until=task.until,
        force=task.force,
        requested_at=task.requested_at,
        started_at=task.started_at,
        ended_at=view.ended_at,
        expired_at=task.expired_at,
        error=task.error,
        waits_for=view.waits_for,
        hours=HourCounts(wanted=counts.hours, delivered=counts.delivered, failed=counts.failed),
        failures=[failure_document(failure) for failure in view.failures[:MOST_SHOWN]],
    )
