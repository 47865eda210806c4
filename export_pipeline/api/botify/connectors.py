"""Which backends an organization has, by the ids that jobs name them by."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request

from export_pipeline.api.botify.pages import Paged
from export_pipeline.api.visits import ConnectorsViewer, Visit, of_organization
from export_pipeline.connectors.direct_download import DIRECT_DOWNLOAD
from export_pipeline.control.privileges import Privilege
from export_pipeline.errors import ExportPipelineError, InvalidRequest
from export_pipeline.store.connectors import StoredConnector, list_connectors
from export_pipeline.store.database import reading

router = APIRouter(prefix="/v1/connectors")


@router.get("/{username}")
def list_(request: Request, asking: ConnectorsViewer, username: str, page: Paged) -> dict[str, Any]:
    """List the backends, those that are somebody's own first."""
    visit = of_organization(request, asking, Privilege.CONNECTORS_VIEW, username)
    found = sorted(_backends(visit), key=lambda one: (one.name == DIRECT_DOWNLOAD, one.name))
    part = found[page.offset : page.offset + page.size]
    return page.of([_document(visit, one) for one in part], len(found))


def backend_named(visit: Visit, name: str) -> StoredConnector:
    """The backend that a job names, by its id; by its name as well, which people see elsewhere."""
    for one in _backends(visit):
        if name in (_id(one), one.name):
            return one
    raise InvalidRequest(
        f"payload.connector: there is none of that id; GET /v1/connectors/{visit.organization} lists them",
        field="payload.connector",
    )


def _backends(visit: Visit) -> Sequence[StoredConnector]:
    with reading(visit.deployment.control) as connection:
        return list_connectors(connection, visit.organization)


def _document(visit: Visit, connector: StoredConnector) -> dict[str, Any]:
    return {"id": _id(connector), "type": connector.type, "name": _name(visit, connector)}


def _id(connector: StoredConnector) -> str:
    return DIRECT_DOWNLOAD if connector.name == DIRECT_DOWNLOAD else connector.id


def _name(visit: Visit, connector: StoredConnector) -> str:
    if connector.name == DIRECT_DOWNLOAD:
        return "Direct download"
    if connector.type == DIRECT_DOWNLOAD:
        return connector.name
    try:
        return visit.deployment.connector(connector.id).location
    except ExportPipelineError:  # deleted since it was listed, or declared without its secrets
        return connector.name
