"""What every answer of the Bitmovin face is wrapped in."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from export_pipeline.api.problems import Fault, Problem
from export_pipeline.api.visits import Visit


def instant(moment: datetime) -> str:
    """A time as the document writes it: 2026-01-05T00:00:00.000Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def success(visit: Visit, result: Mapping[str, Any], status: int = 200) -> JSONResponse:
    """The answer to a request that was served. What is None is left out, as clients expect."""
    shown = {name: value for name, value in result.items() if value is not None}
    return JSONResponse(
        {"requestId": visit.request_id, "status": "SUCCESS", "data": {"result": shown}}, status
    )


def answer(request: Request, problem: Problem) -> JSONResponse:
    """The problem as the document has it. Its numbers of errors are not published: ours is the status."""
    data = {
        "code": problem.status.value,
        "message": problem.message,
        "developerMessage": problem.message,
        "links": [],
        "details": [_detail(fault) for fault in problem.faults],
    }
    document = {"requestId": request.state.request_id, "status": "ERROR", "data": data}
    return JSONResponse(document, problem.status, headers=problem.headers)


def _detail(fault: Fault) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "date": instant(datetime.now(UTC)),
        "type": "ERROR",
        "text": fault.message,
        "field": fault.field,
        "links": [],
        "more": {},
    }
