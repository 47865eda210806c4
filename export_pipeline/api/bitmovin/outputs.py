"""Outputs: the organization's connectors, by the names and ids that the document has for them."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from export_pipeline.api.bitmovin.envelope import instant, success
from export_pipeline.api.bitmovin.fields import named_as_asked
from export_pipeline.api.bitmovin.output_kinds import KINDS, Output
from export_pipeline.api.bitmovin.pages import Paged
from export_pipeline.api.bitmovin.words import Id
from export_pipeline.api.bodies import read_as
from export_pipeline.api.visits import ConnectorsEditor, ConnectorsViewer, Visit
from export_pipeline.control.connectors import create_connector, delete_connector
from export_pipeline.errors import NotFound
from export_pipeline.store.connectors import (
    StoredConnector,
    connector_config,
    find_connector_by_id,
    list_connectors,
)
from export_pipeline.store.database import reading, writing

router = APIRouter(prefix="/v1/analytics/outputs")


def _kind(kind: str) -> type[Output]:
    if kind not in KINDS:
        raise NotFound(f"there is no kind of outputs {kind!r}; there are {', '.join(KINDS)}")
    return KINDS[kind]


Kind = Annotated[type[Output], Depends(_kind)]


@router.post("/{kind}")
@router.post("/{kind}/")
def create(visit: ConnectorsEditor, kind: Kind, body: dict[str, Any]) -> JSONResponse:
    """Make an output. Whether it works is tried at once, and before every hour's files."""
    asked = read_as(kind, body)
    with named_as_asked(properties="customData"), writing(visit.deployment.control) as connection:
        made = create_connector(
            connection,
            visit.deployment.secret_key,
            organization=visit.organization,
            name=f"output-{uuid.uuid4().hex[:12]}",
            config=asked.config,
            properties=asked.properties,
        )
        return success(visit, _output(connection, visit, kind, made), 201)


@router.get("/{kind}")
@router.get("/{kind}/")
def list_(visit: ConnectorsViewer, kind: Kind, page: Paged, name: str | None = None) -> JSONResponse:
    """List the outputs of a kind; `name`: those of that name."""
    with reading(visit.deployment.control) as connection:
        found = [one for one in _outputs(connection, visit, kind) if name in (None, one["name"])]
    return success(visit, page.of(found[page.offset :][: page.limit], len(found)))


@router.get("/{kind}/{id}")
def get(visit: ConnectorsViewer, kind: Kind, id: Id) -> JSONResponse:
    """Show an output, without what is secret."""
    with reading(visit.deployment.control) as connection:
        found = find_connector_by_id(connection, visit.organization, id)
        return success(visit, _output(connection, visit, kind, found))


@router.get("/{kind}/{id}/customData")
def custom_data(visit: ConnectorsViewer, kind: Kind, id: Id) -> JSONResponse:
    """Show what its owner keeps with an output."""
    with reading(visit.deployment.control) as connection:
        found = find_connector_by_id(connection, visit.organization, id)
        output = _output(connection, visit, kind, found)
    return success(visit, {"customData": output.get("customData", {}), "createdAt": output["createdAt"]})


@router.delete("/{kind}/{id}")
def delete(visit: ConnectorsEditor, kind: Kind, id: Id) -> JSONResponse:
    """Forget an output and its credentials."""
    with writing(visit.deployment.control) as connection:
        found = find_connector_by_id(connection, visit.organization, id)
        _output(connection, visit, kind, found)
        delete_connector(connection, visit.organization, found.name)
    return success(visit, {"id": id})


def _outputs(connection: sa.Connection, visit: Visit, kind: type[Output]) -> Iterator[Mapping[str, Any]]:
    for stored in list_connectors(connection, visit.organization):
        if document := _shown(connection, visit, kind, stored):
            yield document


def _output(
    connection: sa.Connection, visit: Visit, kind: type[Output], stored: StoredConnector
) -> Mapping[str, Any]:
    document = _shown(connection, visit, kind, stored)
    if document is None:
        raise NotFound(f"the output {stored.id!r} is of another kind; look among those of {', '.join(KINDS)}")
    return document


def _shown(
    connection: sa.Connection, visit: Visit, kind: type[Output], stored: StoredConnector
) -> Mapping[str, Any] | None:
    """The connector as an output of the kind, if it is one. `state` and `reason` are ours."""
    if stored.always_there:
        return None  # the operator's: what it leads to is not the customer's to see
    shown = kind.shown(connector_config(connection, visit.deployment.secret_key, stored.id))
    if shown is None:
        return None
    document = {
        "id": stored.id,
        "name": stored.name,
        "createdAt": instant(stored.created_at),
        "modifiedAt": instant(stored.created_at),
        "type": kind.kind,
        **shown,
        **(stored.properties or {}),
        "state": stored.state,
        "reason": stored.reason,
    }
    return {name: value for name, value in document.items() if value is not None}
