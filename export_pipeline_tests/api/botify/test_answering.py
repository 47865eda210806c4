"""Which number of the document's service a problem is."""

import json
from http import HTTPStatus

import pytest
from starlette.requests import Request

from export_pipeline.api.botify.answering import answer
from export_pipeline.api.problems import Fault, Problem

FIELD = "payload.formatter"


def request(path: str = "/v1/jobs") -> Request:
    return Request({"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []})


@pytest.mark.parametrize(
    ("status", "path", "faults", "code"),
    [
        (400, "/v1/jobs", (), "1020"),
        (400, "/v1/jobs", (Fault(field=FIELD, message="is missing"),), "1016"),
        (400, "/v1/jobs", (Fault(field=FIELD, message="there is no field 'x'"),), "1029"),
        (400, "/v1/jobs", (Fault(field="properties", message="the request is too long"),), "1043"),
        (401, "/v1/jobs", (), "1001"),
        (403, "/v1/jobs", (), "1002"),
        (404, "/v1/jobs/7", (), "1059"),
        (404, "/v1/jobs", (), "1010"),
        (404, "/v1/connectors/acme", (), "1010"),
        (405, "/v1/jobs/7", (), "1039"),
        (410, "/v1/jobs/7", (), "1059"),
        (413, "/v1/jobs", (), "1043"),
        (429, "/v1/jobs", (), "1053"),
        (500, "/v1/jobs", (), "1037"),
        (503, "/v1/jobs", (), "1037"),
    ],
)
def test_a_problem_has_a_number(status: int, path: str, faults: tuple[Fault, ...], code: str) -> None:
    answered = answer(request(path), Problem(status=HTTPStatus(status), message="why", faults=faults))

    assert answered.status_code == status
    error = json.loads(bytes(answered.body))["error"]
    assert (error["error_code"], error["message"]) == (code, "why")
    assert error.get("error_detail", {}) == {fault.field: fault.message for fault in faults}


def test_who_is_to_wait_is_told_how_long() -> None:
    answered = answer(request(), Problem(status=HTTPStatus.TOO_MANY_REQUESTS, message="why", wait=2.5))

    assert answered.headers["Retry-After"] == "3"
