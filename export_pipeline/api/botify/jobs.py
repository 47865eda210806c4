"""Jobs: asked for, watched, listed."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from export_pipeline.api.bodies import JsonObject, read_as
from export_pipeline.api.botify.asking import JobRequest, definition_of
from export_pipeline.api.botify.connectors import backend_named
from export_pipeline.api.botify.fields import named_as_asked
from export_pipeline.api.botify.pages import Paged
from export_pipeline.api.botify.querying import wanted_by
from export_pipeline.api.botify.showing import document_of
from export_pipeline.api.configured import configured
from export_pipeline.api.visits import ExportsEditor, ExportsViewer, of_organization
from export_pipeline.connectors.direct_download import DIRECT_DOWNLOAD
from export_pipeline.control.privileges import Privilege
from export_pipeline.control.requests import request_export
from export_pipeline.control.row_limits import check_row_limit
from export_pipeline.control.tasks import show_task, show_tasks
from export_pipeline.errors import InvalidRequest
from export_pipeline.store.database import reading, writing
from export_pipeline.store.tasks import count_tasks
from export_pipeline.store.tenants import tenants_of

router = APIRouter(prefix="/v1/jobs")

ORIGIN = "botify"


@router.post("", status_code=201)
def create(request: Request, asking: ExportsEditor, body: JsonObject) -> dict[str, Any]:
    """Accept a job."""
    asked = read_as(JobRequest, body)
    payload = asked.payload
    visit = of_organization(request, asking, Privilege.EXPORTS_EDIT, payload.username)
    deployment, organization = visit.deployment, visit.organization
    dataset = visit.dataset
    wanted = wanted_by(payload.query, dataset)
    with named_as_asked():
        target = backend_named(visit, payload.connector)
        with reading(deployment.control) as connection:
            own = tenants_of(connection, organization)
        definition = definition_of(payload, wanted, organization, target, own)
        fetched = target.type == DIRECT_DOWNLOAD
        check_row_limit(definition, configured(deployment, target.id).row_limit)
        with writing(deployment.control) as connection:
            task = request_export(
                connection,
                deployment.secret_key,
                dataset,
                organization=organization,
                connector=target.name,
                definition=definition,
                since=wanted.since,
                until=wanted.until,
                origin=ORIGIN,
                name=payload.project,
                properties={
                    "payload": body["payload"],
                    "metadata": asked.metadata,
                    "user": visit.caller.key.name,
                    "fetched": fetched,
                },
                own_files=fetched,
            )
            view = show_task(connection, organization, task.id, origin=ORIGIN)
    return document_of(request, visit, view)


@router.get("/{id}")
def get(request: Request, visit: ExportsViewer, id: str) -> dict[str, Any]:  # its name in the address
    """Show a job."""
    with reading(visit.deployment.control) as connection:
        view = show_task(connection, visit.organization, id, origin=ORIGIN)
    return document_of(request, visit, view)


@router.get("")
def list_(
    request: Request,
    visit: ExportsViewer,
    page: Paged,
    job_type: str = "export",
    project: Annotated[str | None, Query(max_length=255)] = None,
    analysis: str | None = None,
) -> dict[str, Any]:
    """List the jobs, the newest first; of one project, if it is named."""
    if analysis:
        raise InvalidRequest(
            "analysis: jobs are not told apart by what their collections are of; leave it out",
            field="analysis",
        )
    name, organization = project or None, visit.organization
    with reading(visit.deployment.control) as connection:
        if job_type != "export":
            views, count = [], 0
        else:
            count = count_tasks(connection, organization, origin=ORIGIN, name=name)
            views = [
                *show_tasks(
                    connection, organization, origin=ORIGIN, name=name, offset=page.offset, limit=page.size
                )
            ]
    listed = page.of([document_of(request, visit, view) for view in views], count)
    return {**listed, "page": page.page, "size": page.size}
