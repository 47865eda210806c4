"""Whether the service lives, and whether it can do its work."""

from typing import Literal

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from export_pipeline.api.visits import deployment_of
from export_pipeline.store.database import reading

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    """What the process needs, and whether it has it."""

    status: Literal["ready", "unready"]
    control_database: Literal["up", "down"]


@router.get("/healthz")
def healthz() -> Alive:
    """Whether the process answers."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Readiness}})
def readyz(request: Request, response: Response) -> Readiness:
    """Whether requests can be served: 503 while the control database does not answer."""
    try:
        with reading(deployment_of(request).control) as connection:
            connection.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError:
        response.status_code = 503
        return Readiness(status="unready", control_database="down")
    return Readiness(status="ready", control_database="up")
