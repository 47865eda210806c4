"""What a schema says of columns, whatever it is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipeline.contributions.columns import DEEPEST, MOST_COLUMNS, OF_EVERY_RECORD, fit, properties_of
from export_pipeline.dataset.names import LONGEST_NAME, wrong_column_name
from export_pipeline.dataset.types import Kind


def kinds(properties: dict[str, Any]) -> dict[str, str]:
    return {one.name: one.kind.value for one in properties_of({"properties": properties})}


def test_types_have_their_columns() -> None:
    assert kinds(
        {
            "population": {"type": "integer"},
            "area": {"type": "number"},
            "iso": {"type": ["string", "null"]},
            "member": {"type": "boolean"},
            "since": {"type": "string", "format": "date-time"},
            "day": {"type": "string", "format": "date"},
            "flag": {"type": "string", "format": "uri"},
            "languages": {"type": "array", "items": {"type": "string"}},
            "either": {"type": ["integer", "number"]},
        }
    ) == {
        "population": "int64",
        "area": "float64",
        "iso": "string",
        "member": "boolean",
        "since": "timestamp",
        "day": "date",
        "flag": "string",
        "languages": "json",
        "either": "float64",
    }


def test_an_objects_properties_are_columns_with_dots() -> None:
    schema = {
        "type": "object",
        "properties": {
            "capital": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "at": {"type": "object", "properties": {"lat": {"type": "number"}}},
                },
            },
            "free": {"type": "object"},
        },
    }

    found = properties_of(schema)

    assert [(one.name, one.path, one.kind) for one in found] == [
        ("capital.name", ("capital", "name"), Kind.STRING),
        ("capital.at.lat", ("capital", "at", "lat"), Kind.FLOAT64),
        ("free", ("free",), Kind.JSON),
    ]


@pytest.mark.parametrize(
    "about",
    [
        {},
        True,
        None,
        5,
        [],
        {"type": ["string", "integer"]},
        {"type": "thing"},
        {"type": []},
        {"type": [{}]},
        {"type": {"a": 1}},
        {"$ref": "#/definitions/x"},
        {"properties": {"a": {"type": "string"}}},  # may be anything else than an object
        {"type": "object", "properties": {"b c": {}}},
        {"type": "object", "properties": 5},
    ],
)
def test_what_has_no_single_type_is_json(about: Any) -> None:
    assert kinds({"a": about}) == {"a": "json"}


@pytest.mark.parametrize(
    "name", ["a-b", "a b", "é", "", "1a", "a.b", 'a"b', "a'b", "x" * 129, "instance", "Extra"]
)
def test_what_cannot_be_a_columns_name_is_none(name: str) -> None:
    assert kinds({name: {"type": "string"}}) == {}


def test_of_names_that_are_the_same_without_case_the_first_is_a_column() -> None:
    assert kinds({"Name": {"type": "string"}, "name": {"type": "integer"}}) == {"Name": "string"}


@pytest.mark.parametrize("schema", [None, True, 5, [], "x", {"properties": []}, {"properties": None}])
def test_no_schema_has_no_columns(schema: Any) -> None:
    assert properties_of(schema) == ()


def test_there_are_not_more_columns_than_databases_take() -> None:
    assert len(kinds({f"c{number}": {"type": "string"} for number in range(5000)})) == MOST_COLUMNS


def test_deep_schemas_end_in_json() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(200):
        schema = {"type": "object", "properties": {"a": schema}}

    (only,) = properties_of(schema)

    assert only.path == ("a",) * DEEPEST
    assert only.kind is Kind.JSON


names = st.sampled_from(["a", "A", "b", "c.d", "extra", "x y"]) | st.text(max_size=4)
schemas = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["string", "integer", "object", "null"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "format", "properties"]) | names, inner, max_size=4)
    ),
    max_leaves=30,
)


@given(schemas)
def test_whatever_a_schema_is_its_columns_can_be_columns(schema: Any) -> None:
    found = properties_of(schema)

    assert [one.name for one in found if wrong_column_name(one.name)] == []
    lowered = [one.name.casefold() for one in found]
    assert len(set(lowered)) == len(lowered)
    assert not {*lowered} & {*OF_EVERY_RECORD}
    assert all(len(one.name) <= LONGEST_NAME for one in found)
    # None is a part of another: what is inside a column is not taken out of it once more.
    paths = {one.path for one in found}
    assert not any(path[:depth] in paths for path in paths for depth in range(1, len(path)))


@pytest.mark.parametrize(
    ("entity", "fits"),
    [
        ({}, True),
        ({"n": 5, "else": "x"}, True),
        ({"n": None, "within": None}, True),
        ({"n": "5"}, False),
        ({"n": 5, "within": {"day": "2026-02-30"}}, False),
        ({"within": "no object"}, False),
    ],
)
def test_an_entity_fits_what_its_columns_hold(entity: dict[str, Any], fits: bool) -> None:
    day = {"type": "object", "properties": {"day": {"type": "string", "format": "date"}}}
    assert fit(entity, properties_of({"properties": {"n": {"type": "integer"}, "within": day}})) == fits
