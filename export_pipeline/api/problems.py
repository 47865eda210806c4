"""What went wrong with a request, before any face puts it into its own words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from typing import Any, cast

from pydantic_core import ErrorDetails

from export_pipeline.contributions.mistakes import Rejected
from export_pipeline.errors import (
    AlreadyExists,
    ExportPipelineError,
    Forbidden,
    Gone,
    InUse,
    InvalidRequest,
    NotFound,
    PreconditionFailed,
    TooManyRequests,
    TransientFailure,
    Unauthenticated,
    WrongState,
)
from export_pipeline.wording import said

# Which answer an error is. The first that fits counts.
STATUSES: tuple[tuple[type[ExportPipelineError], HTTPStatus], ...] = (
    (InvalidRequest, HTTPStatus.BAD_REQUEST),
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Gone, HTTPStatus.GONE),
    (AlreadyExists, HTTPStatus.CONFLICT),
    (InUse, HTTPStatus.CONFLICT),
    (WrongState, HTTPStatus.CONFLICT),
    (PreconditionFailed, HTTPStatus.PRECONDITION_FAILED),
    (TooManyRequests, HTTPStatus.TOO_MANY_REQUESTS),
    (TransientFailure, HTTPStatus.SERVICE_UNAVAILABLE),
)

# An answer quotes what was sent, and that may be megabytes, or thousands of fields that there are not.
LONGEST_MESSAGE = 4_000
LONGEST_FIELD = 200
MOST_FAULTS = 100

# In the place of a bug's own text, which may hold a value of somebody's row.
OURS = "something went wrong on our side; tell us the request's id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong with a request. `field` is dotted; empty when it is about all of it. `index` is
    the record's, where several were sent.
    """

    field: str
    message: str
    index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a request was not served. `wait` is the number of seconds after which to ask again, `allowed` what
    can be done instead, as things stand.
    """

    status: HTTPStatus
    message: str
    faults: tuple[Fault, ...] = ()
    wait: float | None = None
    allowed: tuple[str, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        headers = {}
        if self.wait is not None:
            headers["Retry-After"] = str(max(1, ceil(self.wait)))
        if self.status is HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        return headers


# A large session that is closed keeps SQLite's one writer for a minute; a server restarts in less.
AWAY = Problem(
    status=HTTPStatus.SERVICE_UNAVAILABLE, message="the control database is busy or away; ask again", wait=5
)


def problem_of(error: ExportPipelineError) -> Problem:
    """What one of our errors means to whoever asked."""
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), None)
    if status is None:
        return Problem(status=HTTPStatus.INTERNAL_SERVER_ERROR, message=OURS)
    faults: tuple[Fault, ...] = ()
    if isinstance(error, Rejected):
        faults = tuple(_fault(one.name, one.reason, one.index) for one in error.mistakes)
    elif isinstance(error, InvalidRequest) and error.field:
        faults = (_fault(error.field, str(error).removeprefix(f"{error.field}: ")),)
    wait = getattr(error, "wait", None)
    allowed = getattr(error, "allowed", ())
    message = _shortened(str(error), LONGEST_MESSAGE)
    return Problem(status=status, message=message, faults=faults, wait=wait, allowed=allowed)


def problem_of_input(details: Sequence[Mapping[str, Any]]) -> Problem:
    """What is wrong with a request that does not have the shape of one, told without its values."""
    faults = tuple(_faults(details[:MOST_FAULTS]))
    message = "; ".join(
        f"{fault.field}: {fault.message}" if fault.field else fault.message for fault in faults
    )
    if more := len(details) - len(faults):
        message = f"{message}; and {more:,} more"
    return Problem(status=HTTPStatus.BAD_REQUEST, message=_shortened(message, LONGEST_MESSAGE), faults=faults)


def _faults(details: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    for one in details:
        where, *path = map(str, one["loc"])
        field = ".".join(path if where in ("body", "query", "path", "header", "cookie") else (where, *path))
        field = "" if one["type"] == "json_invalid" else field
        yield _fault(field, _said(one) if field else f"the {where} {_said(one)}")


def _fault(field: str, message: str, index: int | None = None) -> Fault:
    return Fault(
        field=_shortened(field, LONGEST_FIELD), message=_shortened(message, LONGEST_MESSAGE), index=index
    )


def _shortened(text: str, longest: int) -> str:
    """The text without its middle if it is longer: what is wrong stands before that, and the cure behind."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]} ... {text[-half:]}"


def _said(one: Mapping[str, Any]) -> str:
    if isinstance(one.get("input"), bytes):
        return "is not said to be JSON; send it with Content-Type: application/json"
    match one["type"]:
        case "extra_forbidden":
            return "there is no such field; leave it out"
        case "json_invalid":
            return f"is not JSON ({one.get('ctx', {}).get('error', '')}); correct it"
        case _:
            return said(cast("ErrorDetails", one))
