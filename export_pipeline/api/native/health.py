"""Whether the service lives, and whether it can do its work."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from export_pipeline.api.problems import AWAY
from export_pipeline.api.shared_looks import SharedLook
from export_pipeline.api.visits import deployment_of
from export_pipeline.store.database import reading
from export_pipeline.store.signs_of_life import SENSORS, last_seen

router = APIRouter(tags=["health"])

# They look every five seconds; a daemon with many sensors takes longer for a round.
STILL_UP = timedelta(seconds=60)

# Whoever asks whether it is ready gives up after a few seconds, and is to be told before.
SECONDS_TO_ANSWER = 4.0


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Sensors(BaseModel):
    """Whether Dagster takes up what is asked for. Requests are taken, and kept, whether or not it does."""

    status: Literal["up", "down", "unknown"]
    seen_at: datetime | None
    said: str = Field(examples=["seen 4 s ago"])


class Readiness(BaseModel):
    """What the process needs, and whether it has it."""

    status: Literal["ready", "unready"]
    control_database: Literal["up", "down"]
    dagster: Sensors


# Load balancers often ask with HEAD.
@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
async def healthz() -> Alive:
    """Whether the process answers."""
    return Alive()


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses={503: {"model": Readiness}})
async def readyz(request: Request, response: Response) -> Readiness:
    """Whether requests can be served: 503 while the control database does not answer, within five seconds.

    Without Dagster they can: what is asked for is kept, and done when it is back.
    """
    try:
        seen = await _look_of(request).found()
    except (sa.exc.SQLAlchemyError, TimeoutError):
        response.status_code = AWAY.status
        response.headers.update(AWAY.headers)
        unknown = Sensors(status="unknown", seen_at=None, said="not known without the control database")
        return Readiness(status="unready", control_database="down", dagster=unknown)
    return Readiness(status="ready", control_database="up", dagster=sensors_seen(seen, datetime.now(UTC)))


def _look_of(request: Request) -> SharedLook[datetime | None]:
    """The application's look for the last sign of the sensors' life, in a database that may hang."""
    control, state = deployment_of(request).control, request.app.state

    def look() -> datetime | None:
        with reading(control) as connection:
            return last_seen(connection, SENSORS)

    if not hasattr(state, "life"):
        state.life = SharedLook(look, seconds=SECONDS_TO_ANSWER)
    shared: SharedLook[datetime | None] = state.life
    return shared


def sensors_seen(seen: datetime | None, now: datetime) -> Sensors:
    """What the last sign of the sensors' life says of them."""
    if seen is None:
        return Sensors(status="down", seen_at=None, said="never seen; is the Dagster daemon running?")
    ago = max(timedelta(0), timedelta(seconds=int((now - seen).total_seconds())))
    if ago <= STILL_UP:
        return Sensors(status="up", seen_at=seen, said=f"seen {ago.seconds} s ago")
    return Sensors(status="down", seen_at=seen, said=f"not seen for {ago}; is the Dagster daemon running?")
