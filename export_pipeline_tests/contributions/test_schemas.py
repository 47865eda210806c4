"""Schemas of strangers: which are taken, and why others are passed over."""

from typing import Any

import pytest

from export_pipeline.contributions.schemas import (
    DEEPEST,
    MOST_BYTES,
    MOST_PATTERNS,
    Unusable,
    depth_of,
    read_schema,
)


def nested(times: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(times):
        schema = {"not": schema}
    return schema


@pytest.mark.parametrize(
    "document",
    [
        {},
        True,
        {"title": "whatever", "x-mine": 1, "default": {"type": 3}, "enum": [{"$ref": "http://a.example"}]},
        {"properties": {"$ref": {"type": "string"}, "unevaluatedItems": {}, "type": True}},
        {"definitions": {"a~/b%": {"type": "string"}}, "items": {"$ref": "#/definitions/a~0~1b%25"}},
        {"allOf": [{"type": "object"}, {"$ref": "#/allOf/0"}]},
        {"items": [{}, True], "additionalItems": False},
        {"dependencies": {"a": ["b"], "b": {"type": "object"}}},
        {"minLength": 2.0, "exclusiveMinimum": True, "minimum": 0},
        {"$ref": "#"},
        {"$ref": "#/x/A", "x": {"A": {"properties": {"a": {"$ref": "#/x/A"}, "b": {"$ref": "#"}}}}},
        nested(DEEPEST - 1),
    ],
)
def test_a_schema_that_records_can_be_checked_by(document: Any) -> None:
    assert read_schema(document).root == document


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"type": "text"}, "/type: has a value"),
        ({"type": [1]}, "/type: has a value"),
        ({"properties": {"a": 3}}, "/properties: has a value"),
        ({"properties": {"a": {"required": True}}}, "/properties/a/required: has a value"),
        ({"minLength": -1}, "/minLength: has a value"),
        ({"minLength": 1.5}, "/minLength: has a value"),
        ({"minimum": "1"}, "/minimum: has a value"),
        ({"multipleOf": 0}, "/multipleOf: has a value"),
        ({"anyOf": []}, "/anyOf: has a value"),
        ({"not": []}, "/not: has a value"),
        ({"dependencies": {"a": 1}}, "/dependencies: has a value"),
        ({"pattern": "("}, "a pattern cannot be matched"),
        ({"patternProperties": {"(?=a)": {}}}, "a pattern cannot be matched"),
        ({"items": [{"pattern": f"a{n}"} for n in range(MOST_PATTERNS + 1)]}, "has more than 256 patterns"),
        (
            {"items": [{"pattern": rf"\pL{{4{n}}}"} for n in range(9)]},
            "/items/2: the patterns up to this one",
        ),
        ({"unevaluatedProperties": False}, "/unevaluatedProperties: is not understood"),
        ({"$ref": "http://127.0.0.1:1/schema"}, "nothing is fetched from elsewhere"),
        ({"items": {"$ref": "file:///etc/passwd"}}, "nothing is fetched from elsewhere"),
        ({"$ref": "other.json#/a"}, "nothing is fetched from elsewhere"),
        ({"$ref": "#/definitions/none"}, "there is nothing at"),
        ({"$ref": "#/allOf/7", "allOf": [{}]}, "there is nothing at"),
        ({"$ref": "#/title", "title": "a"}, "is no schema"),
        (
            {"$ref": "#/x/A", "x": {"A": {"type": 5}}},
            "#/x/A/type: has a value that",
        ),
        ({"$ref": "#/x/A", "x": {"A": {"$ref": "#/x/B"}, "B": {"pattern": "(?=a)"}}}, "a pattern cannot be"),
        ({"$ref": "#/x", "x": {"items": {"$ref": "http://a.example"}}}, "nothing is fetched from elsewhere"),
        ({"$ref": "#/default", "default": {"items": [5]}}, "has a value that the keyword does not take"),
        (nested(DEEPEST), "is nested deeper than"),
        ({"title": "x" * MOST_BYTES}, "is larger than"),
    ],
)
def test_a_schema_that_nobody_can_use(document: Any, problem: str) -> None:
    with pytest.raises(Unusable, match=problem):
        read_schema(document)


def test_what_stands_beside_a_reference_counts_in_newer_drafts() -> None:
    assert not read_schema({"$schema": "http://json-schema.org/draft-07/schema#"}).modern
    assert read_schema({"$schema": "https://json-schema.org/draft/2020-12/schema"}).modern
    assert not read_schema({"$schema": 3}).modern


def test_depth_is_counted_no_further_than_it_matters() -> None:
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]

    assert depth_of(deep, 32) == 33
    assert (depth_of({"a": [1, {}]}, 32), depth_of(1, 32), depth_of([], 32)) == (3, 0, 1)
