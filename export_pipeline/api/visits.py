"""Who asks, of which deployment: what every route that needs a key is handed."""

import logging
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import URL

from export_pipeline.api.limiting import Limits
from export_pipeline.control.audit import Actor, acting
from export_pipeline.control.keys import Caller, caller_with
from export_pipeline.control.privileges import Privilege
from export_pipeline.dataset.tables import Dataset
from export_pipeline.deployment import Deployment
from export_pipeline.errors import ExportPipelineError, InvalidRequest, TransientFailure
from export_pipeline.store.database import reading

# For the description of the API: `visit` takes the key wherever it stands.
BEARER = HTTPBearer(auto_error=False, description="an API key")
FIELD = APIKeyHeader(name="X-Api-Key", auto_error=False, description="an API key")

LOG = logging.getLogger("export_pipeline.api")

# The ways to present a key, one for each document; any of them does everywhere.
KEY_FIELDS = ("X-Api-Key", "x-bbk-auth-token")
SCHEMES = ("bearer", "token")
KEY_PARAMETER = "X-Api-Key"

# The ways to say in which of a key's organizations.
ORGANIZATION_FIELD = "X-Tenant-Org-Id"
ORGANIZATION_PARAMETER = "org"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of somebody known. Whatever is changed by way of its deployment is noted as theirs."""

    deployment: Deployment
    caller: Caller
    request_id: str

    @property
    def organization(self) -> str:
        return self.caller.organization

    @property
    def dataset(self) -> Dataset:
        """What the organization can export. A mistake in the declaration is the operator's to read."""
        try:
            return self.deployment.dataset_of(self.organization)
        except ExportPipelineError as error:
            LOG.error("request=%s the dataset cannot be read: %s", self.request_id, error)  # noqa: TRY400
        raise TransientFailure("the dataset's declaration cannot be read now; its operator has to correct it")


def deployment_of(request: Request) -> Deployment:
    """The deployment that the application serves."""
    opened: Deployment = request.app.state.deployment
    return opened


def address_of(request: Request, deployment: Deployment) -> str:
    """Where clients reach the API, without a slash behind it: links begin so."""
    return deployment.settings.api_url or str(request.base_url).rstrip("/")


def address_asked(request: Request) -> URL:
    """The address that is asked for as clients reach it, without their key: links beside it begin so."""
    there = URL(f"{address_of(request, deployment_of(request))}{request.url.path}")
    return there.replace(query=request.url.query).remove_query_params(KEY_PARAMETER)


def check_address(request: Request) -> None:
    """Refuse an address of which no database can look anything up."""
    if "\0" in request.url.path or "%00" in request.url.query:
        raise InvalidRequest("the address holds a NUL, which is no character; leave it out")


def visit(request: Request, privilege: Privilege, organization: str | None = None) -> Visit:
    """Who asks, if they may. `organization` is the one that the address names, where it does."""
    check_address(request)
    deployment = deployment_of(request)
    caller = _caller(request, organization or _organization(request))
    caller.require(privilege)
    request_id = request.state.request_id
    actor = Actor(kind="key", id=caller.key.id, name=caller.key.name, request_id=request_id)
    theirs = replace(deployment, control=acting(deployment.control, actor))
    return Visit(deployment=theirs, caller=caller, request_id=request_id)


def is_known(request: Request) -> bool:
    """Whether the request shows a key that may ask now. If not, whoever asks for a visit says why."""
    try:
        _caller(request, None)
    except (ExportPipelineError, SQLAlchemyError) as error:
        request.state.refusal = error
        return False
    return True


def _caller(request: Request, organization: str | None) -> Caller:
    """Whose key it is, counted once for each request. Who was refused stays so: the body is gone."""
    if (refusal := getattr(request.state, "refusal", None)) is not None:
        raise refusal
    with reading(deployment_of(request).control) as connection:
        caller = caller_with(connection, presented(request), organization)
    if getattr(request.state, "key_id", None) is None:
        limits: Limits = request.app.state.limits
        limits.take(caller.key.id)
        request.state.key_id = caller.key.id
    return caller


def of_organization(request: Request, asking: Visit, privilege: Privilege, organization: str) -> Visit:
    """The same visit in the organization that the address or the body names, if the key works there."""
    return asking if asking.organization == organization else visit(request, privilege, organization)


def allowed(privilege: Privilege) -> Any:
    """What a route depends on that needs a key with the privilege."""

    def known(
        request: Request,
        _bearer: Annotated[object, Security(BEARER)],
        _field: Annotated[object, Security(FIELD)],
    ) -> Visit:
        return visit(request, privilege)

    return Depends(known)


ExportsViewer = Annotated[Visit, allowed(Privilege.EXPORTS_VIEW)]
ExportsEditor = Annotated[Visit, allowed(Privilege.EXPORTS_EDIT)]
ConnectorsViewer = Annotated[Visit, allowed(Privilege.CONNECTORS_VIEW)]
ConnectorsEditor = Annotated[Visit, allowed(Privilege.CONNECTORS_EDIT)]
Administrator = Annotated[Visit, allowed(Privilege.ADMIN)]


def presented(request: Request) -> str | None:
    """The text of the key that a request shows, wherever it shows it."""
    for field in KEY_FIELDS:
        if text := request.headers.get(field):
            return text.strip()
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() in SCHEMES and text.strip():
        return text.strip()
    return request.query_params.get(KEY_PARAMETER)


def _organization(request: Request) -> str | None:
    return request.headers.get(ORGANIZATION_FIELD) or request.query_params.get(ORGANIZATION_PARAMETER)
