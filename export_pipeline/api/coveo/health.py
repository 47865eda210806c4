"""Whether the services that the document names are there; anybody may ask."""

import sqlalchemy as sa
from fastapi import APIRouter, Request

from export_pipeline.api.visits import deployment_of
from export_pipeline.store.database import reading

router = APIRouter()


@router.get("/exports/monitoring/health")
@router.get("/dimensions/monitoring/health")
def health(request: Request) -> dict[str, str]:
    """Whether requests can be served."""
    return {"status": "up" if _reachable(request) else "unavailable"}


@router.get("/exports/status")
@router.get("/dimensions/status")
def status(request: Request) -> dict[str, str]:
    """The same, in the other words."""
    return {"status": "online" if _reachable(request) else "unavailable"}


@router.get("/filters/monitoring/health")
def filters_health(request: Request) -> dict[str, str]:
    """The same, as the document's service says it of filters."""
    return {"status": "UP" if _reachable(request) else "DOWN"}


@router.get("/filters/status")
def filters_status(request: Request) -> dict[str, str]:
    """The same, in the other words."""
    return {"status": "online" if _reachable(request) else "offline"}


def _reachable(request: Request) -> bool:
    try:
        with reading(deployment_of(request).control) as connection:
            connection.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError:
        return False
    return True
