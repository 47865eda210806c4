"""Problem documents (RFC 9457): what the native face answers when it cannot do what is asked."""

from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

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


def answer(request: Request, problem: Problem) -> JSONResponse:
    """The problem as a document."""
    document = ProblemDocument(
        title=problem.status.phrase,
        status=problem.status,
        detail=problem.message,
        request_id=request.state.request_id,
        faults=[FaultDocument(field=fault.field, message=fault.message) for fault in problem.faults],
    )
    return JSONResponse(
        document.model_dump(mode="json"), problem.status, headers=problem.headers, media_type=MEDIA_TYPE
    )


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route documents of the answers that are no success; those of every route are among them."""
    return {
        status: {"description": "see `detail`", "model": ProblemDocument}
        for status in sorted({*statuses, 400, 401, 403, 429})
    }
