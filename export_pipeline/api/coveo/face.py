"""The face that speaks as the Coveo document does, under both of the addresses that it has."""

from fastapi import APIRouter

from export_pipeline.api.coveo import dimensions, exports, filters, health, schedules
from export_pipeline.api.coveo.answering import answer
from export_pipeline.api.face import Face

PREFIXES = ("/rest/ua/v15", "/rest/v15")


def _below(prefix: str) -> APIRouter:
    """All of the routes. What has a name of its own comes before what is found by its id."""
    router = APIRouter(prefix=prefix)
    for part in (health, dimensions, filters, schedules, exports):
        router.include_router(part.router)
    return router


COVEO = Face(
    name="coveo",
    prefixes=PREFIXES,
    routers=tuple(map(_below, PREFIXES)),
    answer=answer,
)
