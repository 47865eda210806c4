"""Problem documents (RFC 9457): what the native face answers when it cannot do what is asked."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, TypeAdapter

from export_pipeline.api.problems import Problem

MEDIA_TYPE = "application/problem+json"


class FaultDocument(BaseModel):
    """One thing that is wrong with a request."""

    field: str = Field(description="the field, dotted; empty when it is about all of the request")
    message: str = Field(description="what is wrong with it, and the cure")


class ProblemDocument(BaseModel):
    """Why a request was not served (RFC 9457)."""

    type: str = "about:blank"
    title: str = Field(description="the status in words", examples=["Bad Request"])
    status: int = Field(examples=[400])
    detail: str = Field(description="what is wrong, and the cure")
    request_id: str = Field(description="tell us this one when you ask about it")
    faults: list[FaultDocument] = []
    allowed: list[str] = Field([], description="what can be done instead, if this cannot in its state")


def answer(request: Request, problem: Problem) -> JSONResponse:
    """The problem as a document."""
    document = ProblemDocument(
        title=problem.status.phrase,
        status=problem.status,
        detail=problem.message,
        request_id=request.state.request_id,
        faults=[FaultDocument(field=fault.field, message=fault.message) for fault in problem.faults],
        allowed=list(problem.allowed),
    )
    return JSONResponse(
        document.model_dump(mode="json"), problem.status, headers=problem.headers, media_type=MEDIA_TYPE
    )


# What routes refer to by name, since they name what is wrong by another media type than what is well.
SCHEMAS: dict[str, Any] = {
    name: TypeAdapter(model).json_schema(ref_template="#/components/schemas/{model}")
    for name, model in (("FaultDocument", FaultDocument), ("ProblemDocument", ProblemDocument))
}
SCHEMAS["ProblemDocument"].pop("$defs")

# What every status is for, and what its `detail` may say.
SAID: Mapping[int, tuple[str, str]] = {
    400: ("something is wrong with the request", "name: is missing"),
    401: ("nobody knows who asks", "the API key is not known here; was it copied whole?"),
    403: ("the key does not allow it", "the key 'nightly' does not allow exports:edit; use one that does"),
    404: ("there is no such thing of this organization", "there is no export 'flihgts'; there are: flights"),
    409: ("it cannot be done as things are", "there is an export 'flights' already; choose another name"),
    410: ("it was there, and is no more", "task '…' was deleted; ask for its hours anew"),
    412: ("If-Match does not hold", "If-Match: it was changed since; look at it again"),
    413: ("the body is too large", "the body is larger than 4,194,304 bytes; send less"),
    429: ("asked too often; see Retry-After", "more than 600 requests in a minute; ask again later"),
    503: ("not now; ask again in a while", "too many connectors are being checked; ask again"),
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route documents of the answers that are no success; those of every route are among them."""
    return {status: _described(status) for status in sorted({*statuses, 400, 401, 403, 429})}


def _described(status: int) -> dict[str, Any]:
    description, detail = SAID[status]
    faults = [{"field": "name", "message": "is missing"}] if status == 400 else []
    example = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": "7f1a6c9e-3c56-4a6d-9d58-0a6f4f1a7d11",
        "faults": faults,
    }
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}
