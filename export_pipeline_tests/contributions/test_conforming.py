"""Checks by JSON Schema: they agree with the library that everybody has, and no stranger makes them last."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from export_pipeline.contributions.conforming import Checked, Run, TooCostly, spelled
from export_pipeline.contributions.keywords import LONGEST_REASON
from export_pipeline.contributions.schemas import read_schema

NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, "", "a", "ab", "b"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["array", "boolean", "integer", "null", "number", "object", "string"])
COUNTS = st.integers(0, 3)


def _further(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.dictionaries(NAMES, inner, max_size=2)
    listed = st.lists(inner, min_size=1, max_size=2)
    needed = st.lists(NAMES, max_size=2, unique=True)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True),
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "const": VALUES,
            "properties": named,
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$", "."]), inner, max_size=2),
            "additionalProperties": inner,
            "propertyNames": inner,
            "required": st.lists(NAMES, max_size=2, unique=True),
            "minProperties": COUNTS,
            "maxProperties": COUNTS,
            "dependencies": st.dictionaries(NAMES, inner | needed, max_size=2),
            "items": inner | listed,
            "additionalItems": inner,
            "contains": inner,
            "minItems": COUNTS,
            "maxItems": COUNTS,
            "uniqueItems": st.booleans(),
            "minLength": COUNTS,
            "maxLength": COUNTS,
            "pattern": st.sampled_from(["^a", "b$", "^(a|b)*$"]),
            "minimum": COUNTS,
            "maximum": COUNTS,
            "exclusiveMinimum": COUNTS,
            "exclusiveMaximum": COUNTS,
            "multipleOf": st.sampled_from([0.5, 2]),
            "allOf": listed,
            "anyOf": listed,
            "oneOf": listed,
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
        },
    )


SCHEMAS: st.SearchStrategy[Any] = st.recursive(st.booleans() | st.just({}), _further, max_leaves=6)


@settings(deadline=None)
@given(schema=SCHEMAS, value=VALUES)
def test_it_agrees_with_the_library_that_everybody_has(schema: Any, value: Any) -> None:
    ours = next(Run(read_schema(schema)).faults(value), None) is None

    assert ours == Draft7Validator(schema).is_valid(value)


def told(schema: Any, value: Any) -> list[tuple[str, str]]:
    return [(spelled(fault.path), fault.reason) for fault in Run(read_schema(schema)).faults(value)]


@pytest.mark.parametrize(
    ("schema", "value", "faults"),
    [
        ({"properties": {"a": {"items": {"minimum": 3}}}}, {"a": [4, 1]}, [
            ("a[1]", "must be greater than or equal to 3"),
        ]),
        ({"additionalProperties": False}, {"a": 1, "b": 2}, [
            ("", 'is not allowed to have the additional property "a"'),
            ("", 'is not allowed to have the additional property "b"'),
        ]),
        ({"propertyNames": {"maxLength": 1}}, {"ab": 1}, [("ab", "does not meet maximum length of 1")]),
        ({"properties": {"a": False}}, {"a": 1}, [("a", "is not allowed")]),
        ({"contains": False}, [1], [("", "does not contain an item that conforms to its schema")]),
        ({"anyOf": [False, False]}, 1, [("", "is not any of [subschema 0],[subschema 1]")]),
        ({"oneOf": [True, True]}, 1, [("", "is not exactly one from [subschema 0],[subschema 1]")]),
        ({"not": True}, 1, [("", "is of prohibited type")]),
        ({"if": {"type": "string"}, "else": {"minimum": 3}}, 1, [("", "must be greater than or equal to 3")]),
        ({"dependentSchemas": {"a": {"required": ["b"]}}}, {"a": 1}, [("", 'requires property "b"')]),
        ({"prefixItems": [{"type": "string"}], "items": False}, ["a", 1], [("[1]", "is not allowed")]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_where_it_is(schema: Any, value: Any, faults: list[tuple[str, str]]) -> None:
    assert told(schema, value) == faults


def test_a_schema_may_refer_to_itself() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}}

    assert told(tree, {"left": {"right": {}}}) == []
    assert told(tree, {"left": {"right": 1}}) == [("left.right", "is not of a type(s) object")]


def test_what_stands_beside_a_reference_counts_as_the_draft_has_it() -> None:
    beside = {"definitions": {"any": {}}, "$ref": "#/definitions/any", "type": "string"}
    newer = {"$schema": "https://json-schema.org/draft/2020-12/schema", **beside}

    assert told(beside, 1) == []
    assert told(newer, 1) == [("", "is not of a type(s) string")]


def bomb(levels: int) -> dict[str, Any]:
    """Two to the power of `levels` steps."""
    doors = {f"d{n}": {"allOf": [{"$ref": f"#/definitions/d{n + 1}"}] * 2} for n in range(levels)}
    return {"definitions": {**doors, f"d{levels}": {}}, "$ref": "#/definitions/d0"}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#"}, 1),
        ({"allOf": [{"$ref": "#"}, {"$ref": "#"}]}, 1),
        (bomb(45), 1),
        ({"items": {"enum": [[n] for n in range(5_000)]}}, [0] * 5_000),
        ({"items": {"anyOf": [{"enum": ["y" * 100]}] * 500}}, ["x" * 100_000] * 30),
        ({"items": {"pattern": r"(\pL{5}){10}"}}, ["x" * 100] * 1_000),
        ({"items": {"pattern": "a"}}, ["x" * 1_000] * 100_000),
        ({"patternProperties": {r"(\pL{5}){10}": True}}, {f"{n}" + "x" * 100: 1 for n in range(1_000)}),
    ],
)
def test_no_schema_and_no_record_keep_a_check_busy(schema: Any, value: Any) -> None:
    with pytest.raises(TooCostly):
        list(Run(read_schema(schema)).faults(value))


def test_names_that_others_need_are_counted_also_where_they_need_none() -> None:
    schema = read_schema({"dependencies": {f"n{number}": [] for number in range(3_000)}})
    with pytest.raises(TooCostly):
        list(Run(schema, most_steps=1_000).faults({}))


@pytest.mark.parametrize(
    "schema", [{"enum": [f"one-{number}" for number in range(5_000)]}, {"type": ["integer"] * 5_000}]
)
def test_what_is_said_of_a_value_is_short_however_long_the_schema_is(schema: Any) -> None:
    (fault,) = Run(read_schema(schema)).faults("a")

    assert fault.reason.endswith("…")
    assert len(fault.reason) <= LONGEST_REASON + 1


def test_what_a_check_may_cost_is_for_all_its_values_together() -> None:
    run = Run(read_schema({"type": "integer"}), most_steps=10)

    for _ in range(5):
        assert list(run.faults(1)) == []
    with pytest.raises(TooCostly):
        list(run.faults(1))


def test_mistakes_are_called_by_the_name_of_the_value() -> None:
    (root,) = Checked({"type": "string"}).mistakes(1, "slug")
    (inner,) = Checked({"properties": {"a": {"type": "string"}}}).mistakes({"a": 1})

    assert (root.name, inner.name) == ("slug", "a")


def test_a_name_that_would_be_misread_is_quoted() -> None:
    assert (
        spelled(("records", "entity", "a.b", 1, "c d", 'e"]')) == 'records.entity["a.b"][1]["c d"]["e\\"]"]'
    )
    assert spelled((0, "a")) == "[0].a"


def test_what_is_too_much_for_a_schema_of_ours_is_a_mistake_too() -> None:
    deep: list[Any] = []
    for _ in range(950):
        deep = [deep]

    for value in (["a"] * 600_000, [deep, deep]):
        (*_, last) = Checked({"uniqueItems": True, "items": {"type": "array"}}).mistakes(value, "tags")
        assert (last.name, last.reason) == ("tags", "takes too long to be checked")
