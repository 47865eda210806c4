"""What pydantic finds wrong is told in sentences that say the cure."""

from typing import Any

import pytest
from pydantic import ValidationError

from export_pipeline.exports.export import ExportDefinition
from export_pipeline.wording import said


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("subdirectory", "a" * 1025, "is too long; write at most 1024 characters"),
        ("subdirectory", 5, "is no text; write one, in quotes"),
        ("context", {"user": ""}, "is too short; write at least 1 character(s)"),
        ("context", 5, 'is no object; write one, as JSON ({"name": "value"}) or a table of TOML'),
        ("tables", [], "has too few items; give at least 1"),
        ("filters", ["true"] * 21, "has too many items; give at most 20"),
        ("tables", 5, 'is no list; write one as JSON or TOML has it, like ["a", "b"]'),
        ("push_helpers", "maybe", "is neither true nor false; write one of them"),
        ("minutes_to_settle", -1, "is too small; choose at least 0"),
        ("minutes_to_settle", 1441, "is too large; choose at most 1440"),
        ("minutes_to_settle", "a", "is no whole number; write one, like 10"),
        ("minutes_to_settle", 1.5, "is no whole number; write one, like 10"),
        ("minutes_to_settle", "9" * 5000, "is no whole number; write one, like 10"),
        ("first_hour", "x", "is no time; write one with its zone, like 2013-01-01T05:00:00Z"),
        ("first_hour", None, "is no time; write one with its zone, like 2013-01-01T05:00:00Z"),
        (
            "first_hour",
            "2013-01-01T05:00:00",
            "is no time; write one with its zone, like 2013-01-01T05:00:00Z",
        ),
        ("context", {"user": "a/b"}, "must be one part of a path, without slashes and control characters"),
    ],
)
def test_a_verdict_says_what_is_wrong_and_the_cure(field: str, value: Any, message: str) -> None:
    asked = {"tables": [{"name": "events"}], "first_hour": "2013-01-01T00:00:00Z", field: value}
    with pytest.raises(ValidationError) as caught:
        ExportDefinition.model_validate(asked)
    assert [said(details) for details in caught.value.errors()] == [message]
