"""Bodies are read as JSON, whatever they are said to be."""

import pytest

from export_pipeline_tests.api.conftest import Somebody

PATH = "/connectors/acme-lake"


@pytest.mark.parametrize(
    "said", [None, "application/json", "application/x-www-form-urlencoded", "text/plain"]
)
def test_a_body_is_json_whatever_it_is_said_to_be(admin: Somebody, said: str | None) -> None:
    headers = {"Content-Type": said} if said else {}
    body = b'{"storage_type": "HttpData", "storage_config": {}}'

    assert admin.post(PATH, content=body, headers=headers).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1]",
        b"null",
        b'"secret"',
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": "\\ud800"}',
        b'{"a": "b\\u0000"}',
        b'{"a\\\\\\u0000": "b"}',
        b'{"a": ' + b"1" * 5_000 + b"}",
        b'{"a": ' + b"[" * 200_000,
        b'{"secret": "\xff"}',
    ],
    ids=[
        "empty",
        "broken",
        "list",
        "null",
        "text",
        "nan",
        "infinite",
        "surrogate",
        "nul",
        "nul behind a backslash",
        "long",
        "deep",
        "bytes",
    ],
)
def test_what_is_no_object_is_refused_without_telling_it(admin: Somebody, body: bytes) -> None:
    refused = admin.post(PATH, content=body)

    assert refused.status_code == 400
    assert refused.json()["detail"].startswith("the body is no")
    assert "secret" not in refused.text
