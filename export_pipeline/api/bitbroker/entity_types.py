"""Coordinators make, change, look at and delete entity types."""

from typing import Any

from fastapi import APIRouter, Request, Response

from export_pipeline.api.bitbroker.addresses import Id, coordinator, link
from export_pipeline.api.bitbroker.bodies import Json
from export_pipeline.api.bitbroker.coordinators import InTurn
from export_pipeline.api.bitbroker.telling import telling
from export_pipeline.api.visits import ConnectorsEditor, ConnectorsViewer
from export_pipeline.contributions.entity_types import entity_profile, schema_problem
from export_pipeline.contributions.mistakes import Mistake, Rejected
from export_pipeline.control.entity_types import create_entity_type, remove_entity_type, replace_entity_type
from export_pipeline.errors import InUse
from export_pipeline.store.database import reading, writing
from export_pipeline.store.entity_types import EntityType, find_entity_type, list_entity_types

router = APIRouter(prefix="/entity")


@router.get("")
def list_(request: Request, visit: ConnectorsViewer) -> list[dict[str, Any]]:
    """Every entity type of the organization."""
    with reading(visit.deployment.control) as connection:
        return [_shown(request, one) for one in list_entity_types(connection, visit.organization)]


@router.get("/{eid}")
def get(request: Request, response: Response, visit: ConnectorsViewer, eid: Id) -> dict[str, Any]:
    """One entity type."""
    with reading(visit.deployment.control) as connection:
        found = find_entity_type(connection, visit.organization, eid)
    response.headers.update(telling(schema_problem(found.profile.schema)))
    profile = found.profile
    return _shown(request, found) | {"schema": profile.schema, "timeseries": profile.timeseries}


@router.post("/{eid}")
def create(request: Request, visit: ConnectorsEditor, eid: Id, body: Json, _turn: InTurn) -> Response:
    """Make an entity type."""
    profile = entity_profile(body)
    tables = visit.dataset.tables
    with writing(visit.deployment.control) as connection:
        made = create_entity_type(
            connection,
            organization=visit.organization,
            eid=eid,
            profile=profile,
            tables=tables,
        )
    location = {"Location": link(request, coordinator, "entity", made.eid)}
    return Response(status_code=201, headers=location | telling(schema_problem(profile.schema)))


@router.put("/{eid}")
def update(visit: ConnectorsEditor, eid: Id, body: Json, _turn: InTurn) -> Response:
    """Say anew what an entity type is."""
    with reading(visit.deployment.control) as connection:
        find_entity_type(connection, visit.organization, eid)  # before what is wrong with the body
    profile = entity_profile(body)
    with writing(visit.deployment.control) as connection:
        replace_entity_type(connection, organization=visit.organization, eid=eid, profile=profile)
    return Response(status_code=204, headers=telling(schema_problem(profile.schema)))


@router.delete("/{eid}")
def delete(visit: ConnectorsEditor, eid: Id, _turn: InTurn) -> Response:
    """Delete an entity type, with its data connectors and its records."""
    try:
        with writing(visit.deployment.control) as connection:
            remove_entity_type(connection, visit.organization, eid)
    except InUse as error:  # the document's 409 has no words, and this one needs them
        raise Rejected([Mistake(name="exports", reason=str(error))]) from error
    return Response(status_code=204)


def _shown(request: Request, entity: EntityType) -> dict[str, Any]:
    profile = entity.profile
    return {
        "id": entity.eid,
        "url": link(request, coordinator, "entity", entity.eid),
        "name": profile.name,
        "description": profile.description,
        "icon": profile.icon,
        "tags": list(profile.tags),
    }
