"""Each keyword in the words of the document's service."""

from typing import Any

import pytest

from export_pipeline.contributions.keywords import (
    LONGEST_NAME,
    kind_of,
    of_any,
    of_list,
    of_number,
    of_object,
    of_text,
    shortened,
    subschemas,
)
from export_pipeline.contributions.patterns import read_pattern


def free(_: int) -> None:
    """A check that costs nothing."""


def reasons(part: dict[str, Any], value: Any) -> list[str]:
    told = [*of_any(part, value, free)]
    match value:
        case str():
            told += of_text(part, value, lambda pattern, text: read_pattern(pattern).is_in(text))
        case list():
            told += of_list(part, value, free)
        case dict():
            told += of_object(part, value)
        case int() | float():
            told += of_number(part, value)
    return told


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ({"type": "integer"}, 1.5, "is not of a type(s) integer"),
        ({"type": ["string", "null"]}, 1, "is not of a type(s) string,null"),
        ({"type": "integer"}, True, "is not of a type(s) integer"),
        ({"enum": ["a", 1, None]}, "b", "is not one of enum values: a,1,null"),
        ({"const": {"a": 1}}, {"a": 2}, 'does not exactly match expected constant: {"a": 1}'),
        ({"minLength": 2}, "a", "does not meet minimum length of 2"),
        ({"maxLength": 2}, "abc", "does not meet maximum length of 2"),
        ({"pattern": "^[a-z]$"}, "A", 'does not match pattern "^[a-z]$"'),
        ({"format": "uri"}, "a", 'does not conform to the "uri" format'),
        ({"minimum": 0}, -1, "must be greater than or equal to 0"),
        ({"maximum": 9}, 10, "must be less than or equal to 9"),
        ({"exclusiveMinimum": 0}, 0, "must be strictly greater than 0"),
        ({"exclusiveMaximum": 9}, 9, "must be strictly less than 9"),
        ({"minimum": 0, "exclusiveMinimum": True}, 0, "must be strictly greater than 0"),
        ({"maximum": 9, "exclusiveMaximum": True}, 9, "must be strictly less than 9"),
        ({"multipleOf": 3}, 4, "is not a multiple of (divisible by) 3"),
        ({"minItems": 1}, [], "does not meet minimum length of 1"),
        ({"maxItems": 1}, [1, 2], "does not meet maximum length of 1"),
        ({"uniqueItems": True}, [{"a": 1, "b": 2}, {"b": 2.0, "a": 1}], "contains duplicate item"),
        ({"minProperties": 1}, {}, "does not meet minimum property length of 1"),
        ({"maxProperties": 0}, {"a": 1}, "does not meet maximum property length of 0"),
        ({"required": ["a"]}, {}, 'requires property "a"'),
        ({"dependencies": {"a": ["b"]}}, {"a": 1}, "property b not found, required by a"),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "property b not found, required by a"),
    ],
)
def test_what_is_wrong_is_said_in_the_documents_words(part: dict[str, Any], value: Any, reason: str) -> None:
    assert reasons(part, value) == [reason]


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ({"type": "integer"}, 1.0),
        ({"type": "number"}, 1),
        ({"enum": [1]}, 1.0),
        ({"const": {"a": 1, "b": 2}}, {"b": 2, "a": 1}),
        ({"multipleOf": 0.1}, 0.3),
        ({"multipleOf": 1e-300}, 1e308),
        ({"minimum": 0, "exclusiveMinimum": False}, 0),
        ({"uniqueItems": True}, [1, True, "1", [1], None]),
        ({"dependencies": {"a": ["b"]}}, {"c": 1}),
    ],
)
def test_what_is_right_is_not_told(part: dict[str, Any], value: Any) -> None:
    assert reasons(part, value) == []


def test_a_number_without_a_fraction_is_of_two_types() -> None:
    assert kind_of(2.0) == kind_of(2) == {"number", "integer"}
    assert kind_of(2.5) == {"number"}


def test_what_a_stranger_named_is_not_told_at_full_length() -> None:
    long = "x" * 10_000

    assert len(shortened(long)) == LONGEST_NAME + 1
    assert all(len(one) < LONGEST_NAME + 50 for one in reasons({"required": [long]}, {}))
    assert all(len(one) < LONGEST_NAME + 50 for one in reasons({"pattern": long}, "a"))
    assert len(subschemas([True] * 10_000)) == LONGEST_NAME + 1


def test_a_reason_never_holds_the_value() -> None:
    told = reasons({"type": "integer", "enum": ["a"], "maxLength": 1, "pattern": "^a$"}, "hunter2")

    assert len(told) == 4
    assert "hunter2" not in " ".join(told)
