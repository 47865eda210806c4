"""What may be kept with a thing."""

from typing import Any

import pytest

from export_pipeline.control.properties import DEEPEST, MAX_PROPERTIES, check_properties
from export_pipeline.errors import InvalidRequest


def nested(times: int) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(times - 1):
        inner = {"a": inner}
    return inner


def test_whatever_json_holds_is_kept() -> None:
    check_properties({"name": "Käse", "customData": {"a": [1, None, 1.5, {"b": True}]}})
    check_properties(nested(DEEPEST))


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"a": float("nan")}, "a number like NaN"),
        ({"a": "\ud800"}, "half a character"),
        (nested(DEEPEST + 1), "nested deeper than 100 times"),
        (nested(5_000), "nested deeper than 100 times"),
        ({"a": "x" * MAX_PROPERTIES}, "more than 65,536 bytes"),
    ],
    ids=["NaN", "half", "nested", "nested without end", "long"],
)
def test_what_could_not_be_given_back_is_refused(properties: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidRequest, match=says) as refused:
        check_properties(properties)

    assert refused.value.field == "properties"
