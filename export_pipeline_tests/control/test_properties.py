"""What may be kept with a thing."""

from typing import Any

import pytest

from export_pipeline.control.properties import MAX_PROPERTIES, check_properties
from export_pipeline.errors import InvalidRequest

NESTED: dict[str, Any] = {}
for _ in range(5000):
    NESTED = {"a": NESTED}


def test_whatever_json_holds_is_kept() -> None:
    check_properties({"name": "Käse", "customData": {"a": [1, None, 1.5, {"b": True}]}})


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"a": float("nan")}, "a number like NaN"),
        ({"a": "\ud800"}, "half a character"),
        (NESTED, "nested too deep"),
        ({"a": "x" * MAX_PROPERTIES}, "more than 65,536 bytes"),
    ],
    ids=["NaN", "half", "nested", "long"],
)
def test_what_could_not_be_given_back_is_refused(properties: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidRequest, match=says) as refused:
        check_properties(properties)

    assert refused.value.field == "properties"
