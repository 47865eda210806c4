"""The life of a connector in the document's words."""

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Response

from export_pipeline.api.bodies import JsonObject
from export_pipeline.api.managed.payload import named_as_asked, storage_of
from export_pipeline.api.managed.storage import STORAGE, STORAGE_TYPES
from export_pipeline.api.visits import ConnectorsEditor, ConnectorsViewer, Visit
from export_pipeline.control.connectors import (
    create_connector,
    delete_connector,
    fail_connector,
    replace_connector,
    start_connector,
    stop_connector,
)
from export_pipeline.store.connectors import (
    StoredConnector,
    connector_config,
    find_connector,
    list_connectors,
)
from export_pipeline.store.database import reading, writing

router = APIRouter(prefix="/connectors")

# The document changes states by GET, later editions of it by PUT.
MOVES = ["GET", "PUT"]


@router.post("/{name}", status_code=201)
def create(visit: ConnectorsEditor, name: str, body: JsonObject) -> dict[str, Any]:
    """Make a connector; it begins to start up."""
    storage = storage_of(body)
    with writing(visit.deployment.control) as connection, named_as_asked(storage):
        made = create_connector(
            connection,
            visit.deployment.secret_key,
            organization=visit.organization,
            name=name,
            config=storage.config,
        )
        return _shown(visit, connection, made)


@router.put("/{name}")
def edit(visit: ConnectorsEditor, name: str, body: JsonObject) -> dict[str, Any]:
    """Give a connector another configuration; it restarts with that."""
    storage = storage_of(body)
    with writing(visit.deployment.control) as connection, named_as_asked(storage):
        edited = replace_connector(
            connection,
            visit.deployment.secret_key,
            organization=visit.organization,
            name=name,
            config=storage.config,
            mendable=False,  # from there it can be stopped or deleted, says the document of one that failed
        )
        return _shown(visit, connection, edited)


@router.get("")
def list_(visit: ConnectorsViewer) -> list[dict[str, Any]]:
    """Every connector of the organization, by name."""
    with reading(visit.deployment.control) as connection:
        return [_shown(visit, connection, one) for one in list_connectors(connection, visit.organization)]


@router.get("/{name}")
def get(visit: ConnectorsViewer, name: str) -> dict[str, Any]:
    """One connector."""
    with reading(visit.deployment.control) as connection:
        return _shown(visit, connection, find_connector(connection, visit.organization, name))


@router.delete("/{name}", status_code=204)
def delete(visit: ConnectorsEditor, name: str) -> Response:
    """Forget a connector."""
    with writing(visit.deployment.control) as connection:
        delete_connector(connection, visit.organization, name)
    return Response(status_code=204)


@router.api_route("/{name}/start", methods=MOVES)
def start(visit: ConnectorsEditor, name: str) -> dict[str, Any]:
    """Start a connector that was stopped."""
    with writing(visit.deployment.control) as connection:
        return _shown(
            visit, connection, start_connector(connection, visit.organization, name, mendable=False)
        )


@router.api_route("/{name}/stop", methods=MOVES)
def stop(visit: ConnectorsEditor, name: str) -> dict[str, Any]:
    """Stop a connector, also one that failed."""
    with writing(visit.deployment.control) as connection:
        return _shown(visit, connection, stop_connector(connection, visit.organization, name))


@router.api_route("/{name}/fail", methods=MOVES)
def fail(visit: ConnectorsEditor, name: str) -> dict[str, Any]:
    """Get a connector out of whatever state it is stuck in."""
    with writing(visit.deployment.control) as connection:
        return _shown(visit, connection, fail_connector(connection, visit.organization, name))


def _shown(visit: Visit, connection: sa.Connection, stored: StoredConnector) -> dict[str, Any]:
    """A connector as it is answered. The document does not say how: state and reason are as everywhere."""
    storage_type = STORAGE_TYPES.get(stored.type, stored.type)
    config: dict[str, Any] | None = None
    if storage_type in STORAGE and not stored.always_there:
        whole = connector_config(connection, visit.deployment.secret_key, stored.id)
        config = STORAGE[storage_type].shown(whole)
    return {
        "name": stored.name,
        "storage_type": storage_type,
        "storage_config": {name: value for name, value in (config or {}).items() if value is not None},
        "state": stored.state,
        "reason": stored.reason,
        "state_since": stored.state_since,
        "created_at": stored.created_at,
    }
