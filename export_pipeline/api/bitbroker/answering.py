"""What the BitBroker face answers when it cannot do what is asked."""

from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from export_pipeline.api.problems import Problem

# To the document's service there is nothing where a method is not known, and nothing that is gone.
NOT_THERE = (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE)

# Of these it says no more than their name.
SILENT = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


def answer(_request: Request, problem: Problem) -> JSONResponse:
    """The problem as the document's service tells one."""
    status = HTTPStatus.NOT_FOUND if problem.status in NOT_THERE else problem.status
    error = {"code": status.value, "status": status.phrase, "message": _message(status, problem)}
    return JSONResponse({"error": error}, status, headers=problem.headers)


def _message(status: HTTPStatus, problem: Problem) -> Any:
    if status in SILENT:
        return ""
    if status is not HTTPStatus.BAD_REQUEST:
        return problem.message
    if not problem.faults:
        return [{"name": "", "index": None, "reason": problem.message}]
    return [{"name": one.field, "index": one.index, "reason": one.message} for one in problem.faults]
