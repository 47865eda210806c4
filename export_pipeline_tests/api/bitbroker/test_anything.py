"""Whatever stands in a request, it is accepted or refused in the document's words, and never a bug."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from export_pipeline_tests.api.bitbroker.parties import (
    CONNECTOR,
    COUNTRY,
    Contributor,
    a_contributor,
    an_entity_type,
)
from export_pipeline_tests.api.conftest import Api, Somebody
from export_pipeline_tests.contributing import COUNTRIES, WIKIPEDIA

TEXTS = st.text(st.characters(exclude_categories=()), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
KEYWORDS = st.sampled_from(
    [
        "$ref",
        "type",
        "properties",
        "items",
        "pattern",
        "required",
        "enum",
        "allOf",
        "not",
        "minLength",
        "format",
    ]
)
SCHEMAS = st.dictionaries(KEYWORDS, VALUES, max_size=4)
ENTITY_FIELDS = st.sampled_from(["name", "description", "schema", "tags", "icon", "timeseries"])
CONNECTOR_FIELDS = st.sampled_from(["name", "description", "webhook", "cache"])
RECORD_FIELDS = st.sampled_from(["id", "name", "entity", "instance"])
SETTINGS = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def contributor(api: Api, admin: Somebody) -> Iterator[Contributor]:
    an_entity_type(admin)
    with a_contributor(api, admin) as made:
        yield made


@SETTINGS
@given(field=ENTITY_FIELDS, value=VALUES | SCHEMAS)
def test_no_entity_type_is_a_bug(admin: Somebody, field: str, value: Any) -> None:
    answer = admin.post(COUNTRY, content=json.dumps(COUNTRIES | {field: value}))

    assert answer.status_code in (201, 400, 409), answer.text
    assert answer.status_code == 201 or answer.json()["error"]["code"] == answer.status_code


@SETTINGS
@given(field=CONNECTOR_FIELDS, value=VALUES)
def test_no_data_connector_is_a_bug(
    contributor: Contributor, admin: Somebody, field: str, value: Any
) -> None:
    assert contributor.id
    answer = admin.put(CONNECTOR, content=json.dumps(WIKIPEDIA | {field: value}))

    assert answer.status_code in (204, 400), answer.text


@SETTINGS
@given(schema=SCHEMAS, field=RECORD_FIELDS, value=VALUES)
def test_no_record_is_a_bug(
    contributor: Contributor, admin: Somebody, schema: Any, field: str, value: Any
) -> None:
    assert admin.put(COUNTRY, content=json.dumps(COUNTRIES | {"schema": schema})).status_code in (204, 400)
    record = {"id": "GB", "name": "n", "entity": {"a": 1}} | {field: value}
    address = f"{contributor.base}/{contributor.open()}/upsert"
    answer = contributor.http.post(address, content=json.dumps([record]))

    assert answer.status_code in (200, 400), answer.text
    assert answer.status_code == 200 or answer.json()["error"]["message"]


@SETTINGS
@given(
    words=st.lists(st.text(st.characters(exclude_characters="/?#\0", exclude_categories=["Cs"])), max_size=6)
)
def test_no_address_is_a_bug(contributor: Contributor, admin: Somebody, words: list[str]) -> None:
    path = "/".join(quote(word, safe="") for word in words)
    for answer in (
        admin.get(f"/v1/entity/{path}"),
        admin.get(f"/consumer/v1/entity/{path}"),
        contributor.http.get(f"/contributor/v1/connector/{path}"),
        contributor.http.get(f"{contributor.base}/{path}"),
    ):
        assert answer.status_code in (200, 400, 401, 404), (path, answer.text)
