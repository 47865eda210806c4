"""Connectors: the ways out."""

from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from export_pipeline.api.native.answering import problems
from export_pipeline.api.native.asking import (
    Asked,
    AskedCondition,
    AskedPage,
    below,
    etag_of,
    tagged,
)
from export_pipeline.api.native.describing import connector_schema
from export_pipeline.api.native.once import AskedOnce
from export_pipeline.api.visits import ConnectorsEditor, ConnectorsViewer, Visit
from export_pipeline.connectors.checking import CheckStep
from export_pipeline.connectors.lifecycle import Action, ConnectorState, actions_in
from export_pipeline.connectors.showing import shown
from export_pipeline.control.connectors import (
    create_connector,
    delete_connector,
    fail_connector,
    replace_connector,
    start_connector,
    stop_connector,
)
from export_pipeline.control.listing import listed_connector
from export_pipeline.store.connector_states import last_check
from export_pipeline.store.connectors import (
    StoredConnector,
    connector_config,
    connectors_page,
    find_connector,
)
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import exports_on

router = APIRouter(prefix="/api/v1/connectors", tags=["connectors"])

BUCKET = {
    "type": "s3",
    "bucket": "acme-exports",
    "region": "eu-central-1",
    "access_key_id": "AKIAEXAMPLE",
    "secret_access_key": "the secret",
}

Config = Annotated[
    dict[str, Any],
    connector_schema(),
    Field(description="its type and where it leads, with the credentials", examples=[BUCKET]),
]


class ConnectorRequest(Asked):
    """A connector to be made."""

    name: str = Field(description="2 to 63 of a-z, 0-9 and -", examples=["lake"])
    config: Config


class ReplaceRequest(Asked):
    """Another configuration for a connector."""

    config: Config = Field(
        description="as for a new one; a secret that is left out is kept while type and address stay,"
        " one that is null is taken away",
        examples=[{**BUCKET, "prefix": "hourly"}],
    )


class FailRequest(Asked):
    """Why a connector is not to be used."""

    reason: str = Field("", max_length=1_000, examples=["The bucket is being moved."])


class StepDocument(BaseModel):
    """A step of a check. `passes`: what it failed for may pass without anybody's doing."""

    name: str
    ok: bool
    message: str
    passes: bool


class ConnectorDocument(BaseModel):
    """A connector as it is listed."""

    name: str
    id: str
    type: str
    state: ConnectorState
    reason: str = Field(description="why it is in that state")
    state_since: datetime
    created_at: datetime
    checked_at: datetime | None
    next_check_at: datetime | None
    declared: bool = Field(description="whether its configuration is the operator's, beside the dataset")
    configuration: int = Field(description="how often it was given one")
    actions: list[Action] = Field(description="what can be done to it in that state")


class WholeConnector(ConnectorDocument):
    """A connector with its configuration."""

    config: dict[str, Any] | None = Field(description="without secrets; null where it is the operator's")
    exports: list[str] = Field(description="what goes through it, by name")
    check: list[StepDocument] = Field(description="the steps of its last check")


class ConnectorList(BaseModel):
    """Connectors by name."""

    connectors: list[ConnectorDocument]
    next: str | None = Field(description="the cursor of the next page, if there is one")


@router.post("", status_code=201, responses=problems(409, 413))
def create(
    visit: ConnectorsEditor, asked: ConnectorRequest, once: AskedOnce, response: Response
) -> WholeConnector:
    """Make a connector. It is checked by itself within a minute; files go through it once that has passed."""

    def make(connection: sa.Connection) -> WholeConnector:
        made = create_connector(
            connection,
            visit.deployment.secret_key,
            organization=visit.organization,
            name=asked.name,
            config=asked.config,
        )
        return _whole(connection, visit, made)

    with below("config", but=("name",)):
        made = once.made(visit, response, make, WholeConnector)
    tagged(response, _etag(made), location=f"{router.prefix}/{made.name}")
    return made


@router.get("", responses=problems())
def list_(visit: ConnectorsViewer, page: AskedPage) -> ConnectorList:
    """List the connectors."""
    with reading(visit.deployment.control) as connection:
        found = connectors_page(connection, visit.organization, page)
    return ConnectorList(
        connectors=[ConnectorDocument(**_listed(one)) for one in found.items], next=found.next
    )


@router.get("/{name}", responses=problems(404))
def get(visit: ConnectorsViewer, name: str, response: Response) -> WholeConnector:
    """Show a connector, its configuration without secrets, and its last check."""
    with reading(visit.deployment.control) as connection:
        found = find_connector(connection, visit.organization, name)
        tagged(response, _etag(found))
        return _whole(connection, visit, found)


@router.put("/{name}", responses=problems(404, 412, 413))
def replace(
    visit: ConnectorsEditor, name: str, asked: ReplaceRequest, expected: AskedCondition, response: Response
) -> WholeConnector:
    """Give a connector another configuration, and start it with that. Its exports stay."""
    with writing(visit.deployment.control) as connection, below("config", but=("name",)):
        _check(connection, visit, name, expected)
        stored = replace_connector(
            connection,
            visit.deployment.secret_key,
            organization=visit.organization,
            name=name,
            config=asked.config,
        )
        tagged(response, _etag(stored))
        return _whole(connection, visit, stored)


@router.delete("/{name}", responses=problems(404, 409, 412))
def delete(visit: ConnectorsEditor, name: str, expected: AskedCondition) -> ConnectorDocument:
    """Forget a connector and its credentials. Refused while exports go through it."""
    with writing(visit.deployment.control) as connection:
        _check(connection, visit, name, expected)
        return ConnectorDocument(**_listed(delete_connector(connection, visit.organization, name)))


@router.post("/{name}/start", responses=problems(404, 409))
def start(visit: ConnectorsEditor, name: str) -> ConnectorDocument:
    """Let files go through a stopped connector again, once its check has passed."""
    with writing(visit.deployment.control) as connection:
        return ConnectorDocument(**_listed(start_connector(connection, visit.organization, name)))


@router.post("/{name}/stop", responses=problems(404, 409))
def stop(visit: ConnectorsEditor, name: str) -> ConnectorDocument:
    """Let no more files go through a connector; hours in flight are finished."""
    with writing(visit.deployment.control) as connection:
        return ConnectorDocument(**_listed(stop_connector(connection, visit.organization, name)))


@router.post("/{name}/fail", responses=problems(404, 413))
def fail(visit: ConnectorsEditor, name: str, asked: FailRequest) -> ConnectorDocument:
    """Say that a connector is not to be used, until it is replaced, or stopped and started."""
    with writing(visit.deployment.control) as connection:
        return ConnectorDocument(
            **_listed(fail_connector(connection, visit.organization, name, asked.reason))
        )


def step_document(step: CheckStep) -> StepDocument:
    """A step of a check as it is told."""
    return StepDocument(name=step.name, ok=step.ok, message=step.message, passes=step.passes)


def _check(connection: sa.Connection, visit: Visit, name: str, expected: AskedCondition) -> None:
    expected.check(_etag(find_connector(connection, visit.organization, name, locked=True)))


def _etag(connector: StoredConnector | ConnectorDocument) -> str:
    return etag_of(connector.id, connector.type, connector.configuration)


def _listed(connector: StoredConnector) -> dict[str, Any]:
    return {
        **listed_connector(connector),
        "configuration": connector.configuration,
        "actions": list(actions_in(connector.state)),
    }


def _whole(connection: sa.Connection, visit: Visit, connector: StoredConnector) -> WholeConnector:
    config = None
    if not connector.always_there:
        config = shown(connector_config(connection, visit.deployment.secret_key, connector.id))
    return WholeConnector(
        **_listed(connector),
        config=config,
        exports=[export.slug for export in exports_on(connection, connector.id) if not export.generated],
        check=[step_document(step) for step in last_check(connection, connector.id)],
    )
