"""Bodies: whatever their type is called, and whatever is wrong with them."""

import pytest

from export_pipeline_tests.api.bitbroker.parties import COUNTRY, a_contributor, an_entity_type, mistakes
from export_pipeline_tests.api.conftest import Api, Somebody

SAID = "Unexpected token in JSON: "


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff",
        b'{"name": NaN}',
        b'{"name": 1e999}',
        b'{"name": "\\u0000"}',
        b'{"\\ud800": 1}',
        b"[" * 100_000,
        b'{"name": ' + b"9" * 5_000 + b"}",
    ],
    ids=lambda content: repr(content[:16]),
)
def test_what_is_no_json_is_told_as_syntax(api: Api, admin: Somebody, content: bytes) -> None:
    ((name, index, reason),) = mistakes(admin.http.post(COUNTRY, content=content))
    assert (name, index) == ("syntax", None)
    assert reason.startswith(SAID)

    an_entity_type(admin)
    with a_contributor(api, admin) as contributor:
        sent = contributor.http.post(f"{contributor.base}/{contributor.open()}/upsert", content=content)
        assert mistakes(sent)[0][0] == "syntax"


def test_where_it_is_wrong_is_said(admin: Somebody) -> None:
    assert mistakes(admin.http.post(COUNTRY, content=b'{"name": }')) == [
        ("syntax", None, f"{SAID}at position 9")
    ]


def test_no_body_is_an_empty_object(admin: Somebody) -> None:
    assert [name for name, _, _ in mistakes(admin.http.post(COUNTRY))] == ["name", "description"]


@pytest.mark.parametrize("content", [b"[]", b'"text"', b"null", b"3"])
def test_what_is_no_object_is_no_entity_type(admin: Somebody, content: bytes) -> None:
    assert mistakes(admin.http.post(COUNTRY, content=content)) == [("", None, "is not of a type(s) object")]


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
def test_its_type_is_no_matter(admin: Somebody, kind: str) -> None:
    body = b'{"name": "n", "description": "d"}'

    assert admin.http.post(COUNTRY, content=body, headers={"Content-Type": kind}).status_code == 201
