"""Members of documents as columns: of their kinds exactly, or named."""

import json
from typing import Any

import pytest

from export_pipeline.extract.members import member, merged, remaining, unfit


def _values(*values: Any) -> tuple[Any, ...]:
    return values


UNFIT: list[tuple[str, Any]] = [
    *(("string", value) for value in _values(5, True, [], {})),
    *(("int64", value) for value in _values("5", 5.5, True, 2**63, -(2**63) - 1, 1e19, [])),
    *(("float64", value) for value in _values("5", False, 2**53 + 1, {})),
    *(("boolean", value) for value in _values(0, 1, "true")),
    *(
        ("date", value)
        for value in _values("2023-02-29", "1900-02-29", "2024-13-01", "0000-01-01", "2024-1-1", 5)
    ),
    *(("date", value) for value in _values("2024-01-01T00:00:00Z", " 2024-01-01", "2024-01-01\n")),
    *(
        ("timestamp", value)
        for value in _values("2024-01-01", "2024-01-01T00:00:00", "2024-01-01T24:00:00Z", 5)
    ),
    *(("timestamp", value) for value in _values("2024-01-01T00:00:60Z", "2024-01-01T00:00:00.1234567Z")),
    *(("timestamp", value) for value in _values("2024-01-01T00:00:00+16:00", "0001-01-01T00:00:00+01:00")),
]


def _asked(value: Any, kind: str) -> tuple[Any, bool]:
    """The member as its kind, and whether it fits."""
    document = json.dumps({"a": value})
    return member(document, '["a"]', kind), unfit(document, json.dumps([["a", ["a"], kind]])) is None


@pytest.mark.parametrize(
    ("kind", "value", "made"),
    [
        ("string", "x", "x"),
        ("string", "", ""),
        ("int64", 5, 5),
        ("int64", 5.0, 5),
        ("int64", -(2**63), -(2**63)),
        ("int64", 2**63 - 1, 2**63 - 1),
        ("int64", 1e18, 10**18),
        ("float64", 5, 5.0),
        ("float64", 0.1, 0.1),
        ("float64", 5e-324, 5e-324),
        ("float64", 2**53, 2.0**53),
        ("boolean", True, True),
        ("boolean", False, False),
        ("date", "2024-02-29", "2024-02-29"),
        ("timestamp", "2024-02-29T23:59:59Z", "2024-02-29 23:59:59.000000"),
        ("timestamp", "2024-02-29t23:59:59.5z", "2024-02-29 23:59:59.500000"),
        ("timestamp", "2024-01-01T01:00:00+02:00", "2023-12-31 23:00:00.000000"),
        ("timestamp", "2024-01-01T00:00:00.123456000Z", "2024-01-01 00:00:00.123456"),
        ("json", [1, {"b": None}], '[1, {"b": null}]'),
        ("json", "x", '"x"'),
        ("json", False, "false"),
        *(
            (kind, None, None)
            for kind in ("string", "int64", "float64", "boolean", "date", "timestamp", "json")
        ),
    ],
)
def test_a_member_that_fits_is_its_column(kind: str, value: Any, made: Any) -> None:
    assert _asked(value, kind) == (made, True)


@pytest.mark.parametrize(("kind", "value"), UNFIT)
def test_a_member_that_does_not_fit_is_named_and_not_changed(kind: str, value: Any) -> None:
    assert _asked(value, kind) == (None, False)


def test_members_lie_in_objects_only() -> None:
    wanted = json.dumps([["a.b", ["a", "b"], "int64"], ["c", ["c"], "string"]])

    assert unfit('{"a": {"b": 1}, "c": "x"}', wanted) is None
    assert unfit('{"a": null}', wanted) is None
    assert unfit("{}", wanted) is None
    assert unfit('{"a": [1]}', wanted) == " a.b "
    assert unfit('{"a": "b", "c": 1}', wanted) == " a.b c "


def test_what_was_said_takes_the_place_of_members_of_the_same_name() -> None:
    assert merged('{"a": {"b": 1}, "c": 2}', '{"a": {"d": 3}}') == '{"a": {"d": 3}, "c": 2}'
    assert merged(None, '{"a": 1}') == '{"a": 1}'
    assert merged('{"a": 1}', None) == '{"a": 1}'
    assert merged(None, None) is None


def test_what_is_named_is_left_out_of_what_remains() -> None:
    named = json.dumps({"a": {"b": None}, "c": None})

    assert remaining('{"z": 1, "a": {"b": 1, "é": null}, "c": 2, "a.b": [true]}', named) == json.dumps(
        {"a": {"é": None}, "a.b": [True], "z": 1}
    )
    assert remaining('{"a": {"b": 1}, "c": 2}', named) is None
    assert remaining('{"a": 5}', named) is None
    assert remaining(None, "{}") is None
