"""Refusals in the document's shape."""

import json
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from fastapi import Request

from export_pipeline.api.bitbroker.answering import answer
from export_pipeline.api.problems import Fault, Problem
from export_pipeline_tests.api.bitbroker.parties import COUNTRY, NOT_FOUND
from export_pipeline_tests.api.conftest import Api, Somebody


def told(status: HTTPStatus, *faults: Fault, message: str = "hunter2") -> dict[str, Any]:
    problem = Problem(status=status, message=message, faults=faults)
    answered = answer(Request({"type": "http"}), problem)
    body: dict[str, Any] = json.loads(bytes(answered.body))
    assert body["error"]["code"] == answered.status_code
    error: dict[str, Any] = body["error"]
    return error


@pytest.mark.parametrize(
    ("status", "code", "phrase"),
    [
        (HTTPStatus.UNAUTHORIZED, 401, "Unauthorized"),
        (HTTPStatus.FORBIDDEN, 403, "Forbidden"),
        (HTTPStatus.NOT_FOUND, 404, "Not Found"),
        (HTTPStatus.METHOD_NOT_ALLOWED, 404, "Not Found"),
        (HTTPStatus.GONE, 404, "Not Found"),
        (HTTPStatus.CONFLICT, 409, "Conflict"),
    ],
)
def test_some_say_no_more_than_their_name(status: HTTPStatus, code: int, phrase: str) -> None:
    assert told(status) == {"code": code, "status": phrase, "message": ""}


def test_what_is_wrong_is_always_a_list() -> None:
    fault = Fault(field="records.id", message="does not meet minimum length of 1", index=3)

    assert told(HTTPStatus.BAD_REQUEST, fault)["message"] == [
        {"name": "records.id", "index": 3, "reason": "does not meet minimum length of 1"}
    ]
    assert told(HTTPStatus.BAD_REQUEST)["message"] == [{"name": "", "index": None, "reason": "hunter2"}]


def test_what_the_document_does_not_know_is_said_in_our_words() -> None:
    assert told(HTTPStatus.TOO_MANY_REQUESTS, message="ask later")["message"] == "ask later"


def test_clients_meet_it_so(api: Api, admin: Somebody) -> None:
    unknown = httpx.get(api.url + COUNTRY)
    assert (unknown.status_code, unknown.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert unknown.json()["error"]["message"] == ""
    for path in (COUNTRY, "/v1/nothing", "/contributor/v1/nothing", "/consumer/v1/entity/country/x/y"):
        assert (admin.get(path).status_code, admin.get(path).json()) == (404, NOT_FOUND)
    assert admin.http.patch("/v1/entity").json() == NOT_FOUND
    with api.client(api.key(admin.organization, "data:contribute")) as http:
        assert http.get("/v1/entity").json()["error"] == {"code": 403, "status": "Forbidden", "message": ""}
    large = admin.http.post(COUNTRY, content=b'{"name": "' + b"x" * (5 << 20) + b'"}')
    assert (large.status_code, large.json()["error"]["code"]) == (413, 413)
