"""Coordinators make, change, look at, promote and delete data connectors."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from export_pipeline.api.bitbroker.addresses import Id, coordinator, link
from export_pipeline.api.bitbroker.bodies import Json
from export_pipeline.api.bitbroker.coordinators import InTurn
from export_pipeline.api.visits import ConnectorsEditor, ConnectorsViewer, Visit
from export_pipeline.contributions.data_connectors import ConnectorProfile, connector_profile
from export_pipeline.control.contribution_sessions import in_session
from export_pipeline.control.data_connectors import (
    create_data_connector,
    demote_data_connector,
    promote_data_connector,
    remove_data_connector,
    replace_data_connector,
)
from export_pipeline.store.data_connectors import DataConnector, find_data_connector, list_data_connectors
from export_pipeline.store.database import reading, writing
from export_pipeline.store.entity_types import find_entity_type

router = APIRouter(prefix="/entity/{eid}/connector")


@router.get("")
def list_(request: Request, visit: ConnectorsViewer, eid: Id) -> list[dict[str, Any]]:
    """Every data connector of an entity type."""
    with reading(visit.deployment.control) as connection:
        entity = find_entity_type(connection, visit.organization, eid)
        return [_shown(request, one) for one in list_data_connectors(connection, entity)]


@router.get("/{cid}")
def get(request: Request, visit: ConnectorsViewer, eid: Id, cid: Id) -> dict[str, Any]:
    """One data connector."""
    with reading(visit.deployment.control) as connection:
        entity = find_entity_type(connection, visit.organization, eid)
        found = find_data_connector(connection, entity, cid)
    return _shown(request, found) | {
        "entity": {"id": found.eid, "url": link(request, coordinator, "entity", found.eid)},
        "contribution_id": found.contribution_id,
        "webhook": found.profile.webhook,
        "cache": found.profile.cache,
        "is_live": found.is_live,
        "in_session": in_session(found, visit.deployment.settings.contribution_idle),
    }


@router.post("/{cid}")
def create(
    request: Request, visit: ConnectorsEditor, eid: Id, cid: Id, body: Json, _turn: InTurn
) -> Response:
    """Make a data connector; its token is shown now and never again."""
    profile = _profile(visit, eid, body)
    with writing(visit.deployment.control) as connection:
        made = create_data_connector(
            connection,
            organization=visit.organization,
            eid=eid,
            cid=cid,
            profile=profile,
            salt=visit.deployment.settings.contribution_salt,
        )
    return JSONResponse(
        {"id": made.connector.contribution_id, "token": made.token},
        status_code=201,
        headers={"Location": link(request, coordinator, "entity", eid, "connector", cid)},
    )


@router.put("/{cid}")
def update(visit: ConnectorsEditor, eid: Id, cid: Id, body: Json, _turn: InTurn) -> Response:
    """Say anew what a data connector is."""
    with reading(visit.deployment.control) as connection:
        entity = find_entity_type(connection, visit.organization, eid)
        find_data_connector(connection, entity, cid)  # before what is wrong with the body
    profile = _profile(visit, eid, body)
    with writing(visit.deployment.control) as connection:
        replace_data_connector(connection, organization=visit.organization, eid=eid, cid=cid, profile=profile)
    return Response(status_code=204)


@router.delete("/{cid}")
def delete(visit: ConnectorsEditor, eid: Id, cid: Id, _turn: InTurn) -> Response:
    """Delete a data connector, with all that it contributed."""
    with writing(visit.deployment.control) as connection:
        remove_data_connector(connection, visit.organization, eid, cid)
    return Response(status_code=204)


@router.post("/{cid}/live")
def promote(visit: ConnectorsEditor, eid: Id, cid: Id, _turn: InTurn) -> Response:
    """Have consumers see what it contributes."""
    with writing(visit.deployment.control) as connection:
        promote_data_connector(connection, visit.organization, eid, cid)
    return Response(status_code=204)


@router.delete("/{cid}/live")
def demote(visit: ConnectorsEditor, eid: Id, cid: Id, _turn: InTurn) -> Response:
    """Have nobody see it any more."""
    with writing(visit.deployment.control) as connection:
        demote_data_connector(connection, visit.organization, eid, cid)
    return Response(status_code=204)


def _profile(visit: Visit, eid: Id, body: Any) -> ConnectorProfile:
    with reading(visit.deployment.control) as connection:
        entity = find_entity_type(connection, visit.organization, eid)
    return connector_profile(body, timeseries=entity.profile.timeseries)


def _shown(request: Request, connector: DataConnector) -> dict[str, Any]:
    return {
        "id": connector.cid,
        "url": link(request, coordinator, "entity", connector.eid, "connector", connector.cid),
        "name": connector.profile.name,
        "description": connector.profile.description,
    }
