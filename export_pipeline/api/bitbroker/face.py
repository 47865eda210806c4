"""The face that speaks as BitBroker does, in three parts: for coordinators, contributors and consumers.

BitBroker has a host for each; their addresses would be the same on one, so each part has a base of its own.
"""

from fastapi import APIRouter

from export_pipeline.api.bitbroker import data_connectors, entity_types, instances, sessions
from export_pipeline.api.bitbroker.addresses import Base, announce, consumer, contributor, coordinator
from export_pipeline.api.bitbroker.answering import answer
from export_pipeline.api.face import Face
from export_pipeline.settings import Settings

PARTS: tuple[tuple[Base, tuple[APIRouter, ...]], ...] = (
    (coordinator, (entity_types.router, data_connectors.router)),
    (contributor, (sessions.router,)),
    (consumer, (instances.router,)),
)


def bitbroker(settings: Settings) -> Face:
    """The face, at the bases that the settings name."""
    return Face(
        name="bitbroker",
        prefixes=tuple(base(settings) for base, _ in PARTS),
        routers=tuple(_below(settings, base, routers) for base, routers in PARTS),
        answer=answer,
    )


def _below(settings: Settings, base: Base, routers: tuple[APIRouter, ...]) -> APIRouter:
    part = APIRouter(prefix=base(settings))
    announce(part, base)
    for router in routers:
        part.include_router(router)
    return part
