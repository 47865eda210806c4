"""An export as the document shows it: moments in milliseconds of the epoch, tables in lower case."""

from datetime import datetime
from typing import Any

from fastapi import Request

from export_pipeline.api.visits import address_of, deployment_of
from export_pipeline.control.event_exports import MILLISECOND, EventExport
from export_pipeline.control.tasks import TaskView
from export_pipeline.exports.task import TaskStatus

PENDING, AVAILABLE, FAILED, EXPIRED = "PENDING", "AVAILABLE", "FAILED", "EXPIRED"

STATUSES = {
    TaskStatus.QUEUED: PENDING,
    TaskStatus.STARTED: PENDING,
    TaskStatus.FINISHED: AVAILABLE,
    TaskStatus.ERROR: FAILED,
}

# What is kept with a task besides what was asked for.
ALSO_KEPT = ("author", "schedule_id")


def status_of(view: TaskView) -> str:
    """One of the document's four."""
    return EXPIRED if view.gone else STATUSES[view.status]


def asked_for(view: TaskView) -> EventExport:
    """What was asked for."""
    kept = {name: value for name, value in view.task.properties.items() if name not in ALSO_KEPT}
    return EventExport.from_stored(kept)


def document_of(request: Request, view: TaskView) -> dict[str, Any]:
    """The export. Its link is there while there is something to wait for, as in the document's samples."""
    task, asked, status = view.task, asked_for(view), status_of(view)
    to_be_had = status in (PENDING, AVAILABLE)
    document = {
        "id": task.id,
        "author": task.properties["author"],
        "startDate": milliseconds(task.requested_at),
        "from": milliseconds(task.since),
        "to": milliseconds(task.until - MILLISECOND),
        "filters": asked.named_filters,
        "description": asked.description,
        "size": view.delivered.bytes,
        "status": status,
        "tables": [choice.name for choice in view.export.definition.tables],
        "downloadable": to_be_had,
        "dimensions": [*asked.dimensions],
        "replayable": False,
        "usingDisplayNames": asked.display_names,
        "scheduleId": task.properties["schedule_id"],
    }
    if to_be_had:
        base = address_of(request, deployment_of(request))
        document["downloadLink"] = f"{base}/rest/v15/exports/{task.id}?redirect=true"
    if status == FAILED:
        document["errorInfo"] = {"message": why_failed(view)}
    return document


def why_failed(view: TaskView) -> str:
    """The first reason of all there are."""
    return view.task.error or next((failure.message for failure in view.failures), "")


def milliseconds(moment: datetime) -> int:
    """Of the epoch, rounded down; by integers, since a float would round."""
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000
