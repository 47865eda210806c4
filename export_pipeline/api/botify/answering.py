"""What the Botify face answers when it cannot do what is asked: a number of the document's service, in words
of ours. Its numbers are many, and of other things than ours; these are the ones that fit.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from export_pipeline.api.botify.fields import NO_SUCH_FIELD
from export_pipeline.api.problems import Problem

NOT_AUTHORIZED = "1001"
PERMISSION_DENIED = "1002"
PROJECT_NOT_FOUND = "1010"
FIELDS_MANDATORY = "1016"
BADLY_FORMATTED = "1020"
NO_FIELD = "1029"
TASK_FAILED = "1037"
METHOD_NOT_ALLOWED = "1039"
TOO_BIG = "1043"
TOO_MANY = "1053"
EXPORT_NOT_FOUND = "1059"

CODES: Mapping[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: BADLY_FORMATTED,
    HTTPStatus.UNAUTHORIZED: NOT_AUTHORIZED,
    HTTPStatus.FORBIDDEN: PERMISSION_DENIED,
    HTTPStatus.NOT_FOUND: EXPORT_NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED,
    HTTPStatus.GONE: EXPORT_NOT_FOUND,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TOO_BIG,
    HTTPStatus.TOO_MANY_REQUESTS: TOO_MANY,
}


def answer(request: Request, problem: Problem) -> JSONResponse:
    """The problem as the document's service tells one."""
    error: dict[str, Any] = {"error_code": _code(request, problem), "message": problem.message}
    if problem.faults:
        error["error_detail"] = {fault.field: fault.message for fault in problem.faults}
    return JSONResponse({"error": error}, problem.status, headers=problem.headers)


def _code(request: Request, problem: Problem) -> str:
    # Nobody's job: what the address or the body names is not an organization of the key.
    if problem.status is HTTPStatus.NOT_FOUND and not request.url.path.startswith("/v1/jobs/"):
        return PROJECT_NOT_FOUND
    if any(fault.message == "is missing" for fault in problem.faults):
        return FIELDS_MANDATORY
    if any(fault.message.startswith(NO_SUCH_FIELD) for fault in problem.faults):
        return NO_FIELD
    if any(fault.field == "properties" for fault in problem.faults):
        return TOO_BIG
    return CODES.get(problem.status, TASK_FAILED)
