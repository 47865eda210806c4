"""What the Coveo face answers when it cannot do what is asked: a message, and its type in one word.

The document names no errors; this is the shape that the same service's other interface has, and that the
document's clients read.
"""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import JSONResponse

from export_pipeline.api.problems import Fault, Problem

TYPES: Mapping[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "InvalidObject",
    HTTPStatus.UNAUTHORIZED: "InvalidToken",
    HTTPStatus.FORBIDDEN: "AccessDenied",
    HTTPStatus.NOT_FOUND: "NotFound",
    HTTPStatus.METHOD_NOT_ALLOWED: "MethodNotAllowed",
    HTTPStatus.CONFLICT: "Conflict",
    HTTPStatus.GONE: "Gone",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "PayloadTooLarge",
    HTTPStatus.TOO_MANY_REQUESTS: "TooManyRequests",
    HTTPStatus.SERVICE_UNAVAILABLE: "ServiceUnavailable",
}

# What the core calls by a name of its own.
FIELDS = {
    "since": "from",
    "until": "to",
    "columns": "dimensions",
    "filter": "f",
    "name": "filename",
    "display_name": "displayName",
}


def answer(request: Request, problem: Problem) -> JSONResponse:
    """The problem in the document's words."""
    faults = [_in_our_words(fault) for fault in problem.faults]
    message = "; ".join(
        f"{fault.field}: {fault.message}" if fault.field else fault.message for fault in faults
    )
    document = {
        "message": message or problem.message,
        "type": _type(problem),
        "requestId": request.state.request_id,
    }
    return JSONResponse(document, problem.status, headers=problem.headers)


def _in_our_words(fault: Fault) -> Fault:
    message = fault.message.removeprefix("filter").lstrip(" ,:") if fault.field == "filter" else fault.message
    return Fault(field=FIELDS.get(fault.field, fault.field), message=message)


def _type(problem: Problem) -> str:
    if any(fault.message == "is missing" for fault in problem.faults):
        return "MissingParameter"
    if any("is not JSON" in fault.message for fault in problem.faults):
        return "InvalidJson"
    return TYPES.get(problem.status, "InternalError")
