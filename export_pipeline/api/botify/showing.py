"""A job as the document shows it."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request

from export_pipeline.api.botify.answering import TASK_FAILED
from export_pipeline.api.downloads import file_link
from export_pipeline.api.visits import Visit
from export_pipeline.control.tasks import TaskView
from export_pipeline.exports.naming import object_key
from export_pipeline.exports.task import TaskStatus
from export_pipeline.windows import HourWindow, floor

STATUSES: Mapping[TaskStatus, str] = {
    TaskStatus.QUEUED: "CREATED",
    TaskStatus.STARTED: "PROCESSING",
    TaskStatus.FINISHED: "DONE",
    TaskStatus.ERROR: "FAILED",
}


def document_of(request: Request, visit: Visit, view: TaskView) -> dict[str, Any]:
    """The job. What became of one that failed stands beside what the document has."""
    task = view.task
    document = {
        "job_id": task.id,
        "job_type": "export",
        "job_url": f"/v1/jobs/{task.id}",
        "job_status": STATUSES[view.status],
        "payload": task.properties["payload"],
        "results": _results(request, visit, view),
        "date_created": task.requested_at.isoformat(),
        "user": task.properties["user"],
        "metadata": task.properties["metadata"],
    }
    if view.status is TaskStatus.ERROR:
        reasons = [failure.message for failure in view.failures]
        document["error"] = {
            "error_code": TASK_FAILED,
            "message": next(iter(reasons), task.error) or "it failed; see its run",
        }
    return document


def _results(request: Request, visit: Visit, view: TaskView) -> dict[str, Any] | None:
    if view.status is not TaskStatus.FINISHED:
        return None
    return {"nb_lines": view.delivered.rows, "download_url": _link(request, visit, view)}


def _link(request: Request, visit: Visit, view: TaskView) -> str | None:
    """Where the file is to be had, if it waits with us still."""
    if not view.task.properties["fetched"] or view.gone:
        return None
    (choice,) = view.export.definition.tables
    context = view.export.key_context(choice.name, HourWindow(floor(view.task.since)))
    key = object_key(view.export.definition.path, context)  # the same, whatever the hour and the revision
    return file_link(request, visit.deployment, view.task, key)
