"""Exports: asked for, watched, fetched, deleted."""

from collections.abc import Mapping
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from export_pipeline.api.configured import configured
from export_pipeline.api.counting import counted
from export_pipeline.api.coveo.asking import Asked, ExportBody, by_body, by_query, named_as_in_body
from export_pipeline.api.coveo.declared import declared
from export_pipeline.api.coveo.showing import AVAILABLE, EXPIRED, document_of, status_of, why_failed
from export_pipeline.api.downloads import archive_link
from export_pipeline.api.visits import ExportsEditor, ExportsViewer, Visit
from export_pipeline.connectors.direct_download import DIRECT_DOWNLOAD
from export_pipeline.control.estimates import plans_of
from export_pipeline.control.event_exports import ORIGIN, request_events
from export_pipeline.control.tasks import TaskView, delete_task, show_task, show_tasks
from export_pipeline.dataset.tables import Dataset
from export_pipeline.errors import Gone, InvalidRequest, WrongState
from export_pipeline.exports.task import ExportTask
from export_pipeline.store.connectors import find_connector
from export_pipeline.store.database import reading, trying, writing
from export_pipeline.store.exports import get_export

router = APIRouter(prefix="/exports")

# The document knows no pages; older ones are had by their ids.
MOST_LISTED = 500


@router.get("/rowLimit")
def row_limit(visit: ExportsViewer) -> dict[str, int | None]:
    """How many rows of each table an export may hold."""
    with reading(visit.deployment.control) as connection:
        connector = find_connector(connection, visit.organization, DIRECT_DOWNLOAD)
    return {"exportRowCountLimit": configured(visit.deployment, connector.id).row_limit}


@router.post("/visits")
@router.post("/visits/create")
@router.get("/visits/estimate")
def visits(_visit: ExportsViewer) -> None:
    """Exports by visit, with filters on whole visits, are not there."""
    raise InvalidRequest(
        "visits: are not exported as such; export the tables of events, which have the visit of each in"
        " `visitId`",
        field="visits",
    )


@router.get("/estimate")
def estimate(
    visit: ExportsViewer, asked: Annotated[Asked, Depends(by_query)]
) -> dict[str, Mapping[str, int]]:
    """How many rows of each table an export by these parameters would have; none is made."""
    dataset = declared(visit)
    with trying(visit.deployment.control) as connection:
        task = _requested(connection, visit, dataset, asked)
        plans = plans_of(connection, dataset, get_export(connection, task.export_id))
    return {"estimates": counted(visit, plans, task.since, task.until)}


@router.get("")
def list_(request: Request, visit: ExportsViewer) -> list[dict[str, Any]]:
    """List the exports, the newest first."""
    with reading(visit.deployment.control) as connection:
        views = show_tasks(connection, visit.organization, origin=ORIGIN, limit=MOST_LISTED)
        return [document_of(request, view) for view in views]


@router.post("", status_code=201)
def create(
    request: Request, visit: ExportsEditor, asked: Annotated[Asked, Depends(by_query)]
) -> dict[str, Any]:
    """Ask for an export by parameters; a body is not looked at."""
    return _created(request, visit, asked)


@router.post("/create", status_code=201)
def create_by_body(request: Request, visit: ExportsEditor, body: ExportBody) -> dict[str, Any]:
    """Ask for an export by a body."""
    with named_as_in_body():
        return _created(request, visit, by_body(body))


@router.get("/{id}", response_model=None)
def get(request: Request, visit: ExportsViewer, id: str, redirect: bool = False) -> Response | dict[str, Any]:
    """Show an export, or lead to its file."""
    view = _found(visit, id)
    if not redirect:
        return document_of(request, view)
    _check_available(view)
    return RedirectResponse(_link(request, visit, view), 303)


@router.get("/{id}/downloadlink")
def download_link(request: Request, visit: ExportsViewer, id: str) -> dict[str, str]:
    """A link to the export's file that needs no key; none while there is no file."""
    view = _found(visit, id)
    if status_of(view) == EXPIRED:
        _check_available(view)
    there = {"downloadLink": _link(request, visit, view)} if status_of(view) == AVAILABLE else {}
    return {"id": id, **there}


@router.delete("/{id}", status_code=204)
def delete(visit: ExportsEditor, id: str) -> None:
    """Forget an export and its file; one that is being made is cancelled."""
    with writing(visit.deployment.control) as connection:
        delete_task(connection, visit.organization, id, by=visit.caller.key.name, origin=ORIGIN)


def _created(request: Request, visit: Visit, asked: Asked) -> dict[str, Any]:
    dataset = declared(visit)
    with writing(visit.deployment.control) as connection:
        task = _requested(connection, visit, dataset, asked)
        return document_of(request, show_task(connection, visit.organization, task.id))


def _requested(connection: sa.Connection, visit: Visit, dataset: Dataset, asked: Asked) -> ExportTask:
    return request_events(
        connection,
        visit.deployment.secret_key,
        dataset,
        organization=visit.organization,
        connector=DIRECT_DOWNLOAD,
        asked=asked.export,
        since=asked.since,
        until=asked.until,
        author=visit.caller.key.name,
    )


def _found(visit: Visit, id_: str) -> TaskView:
    with reading(visit.deployment.control) as connection:
        return show_task(connection, visit.organization, id_, origin=ORIGIN)


def _check_available(view: TaskView) -> None:
    """Gone when the file is no more; WrongState when it is not there."""
    status = status_of(view)
    if status == EXPIRED:
        raise Gone(f"the export {view.task.id} has expired, or was deleted; ask for it anew")
    if status != AVAILABLE:
        reason = why_failed(view)
        raise WrongState(
            f"the export {view.task.id} is {status}{f' ({reason})' if reason else ''}; its file is there when"
            f" it is {AVAILABLE}",
            state=status,
            allowed=("look at it", "delete it"),
        )


def _link(request: Request, visit: Visit, view: TaskView) -> str:
    name = (view.task.name or view.task.id).removesuffix(".zip")
    return archive_link(request, visit.deployment, view.task, f"{name}.zip")
