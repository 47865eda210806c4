"""Checks of connectors, made while somebody waits for what comes of them."""

import threading

from fastapi import APIRouter
from pydantic import BaseModel, Field

from export_pipeline.api.native.answering import problems
from export_pipeline.api.native.connectors import StepDocument, step_document
from export_pipeline.api.visits import ConnectorsEditor
from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.errors import TransientFailure
from export_pipeline.store.connectors import find_connector
from export_pipeline.store.database import reading

router = APIRouter(prefix="/api/v1/connectors", tags=["connectors"])

# Longer than a client's patience with one call, and shorter than that of most proxies.
SECONDS_PER_CHECK = 50.0

# A store that keeps silent keeps a thread; the others are for requests that only ask the database.
CHECKS_AT_ONCE = 8

SECONDS_UNTIL_ANOTHER = 5

_SLOTS = threading.BoundedSemaphore(CHECKS_AT_ONCE)


class CheckDocument(BaseModel):
    """What a check came to."""

    name: str
    ok: bool = Field(description="whether every step went well")
    check: list[StepDocument] = Field(description="the steps in order, up to the first that failed")
    state: ConnectorState = Field(description="the connector's state since then")
    reason: str


@router.post("/{name}/check", responses=problems(404, 503))
def check(visit: ConnectorsEditor, name: str) -> CheckDocument:
    """Try all that exports do with a connector, on a probe that is removed again. Takes seconds."""
    with reading(visit.deployment.control) as connection:
        found = find_connector(connection, visit.organization, name)
    if not _SLOTS.acquire(blocking=False):
        raise TransientFailure("too many connectors are being checked; ask again", wait=SECONDS_UNTIL_ANOTHER)
    try:
        steps = visit.deployment.check_within(found, SECONDS_PER_CHECK)
    finally:
        _SLOTS.release()
    with reading(visit.deployment.control) as connection:
        now = find_connector(connection, visit.organization, name)
    return CheckDocument(
        name=name,
        ok=all(step.ok for step in steps),
        check=[step_document(step) for step in steps],
        state=now.state,
        reason=now.reason,
    )
