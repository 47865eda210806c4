from datetime import time
from pathlib import Path

import pytest

from export_pipeline.dataset.mistakes import Mistakes
from export_pipeline.dataset.section import Section, toml_type
from export_pipeline.errors import InvalidRequest


def test_what_is_wrong_is_left_out_and_reported() -> None:
    mistakes = Mistakes(Path("a.toml"), "")
    assert Section({"order": ["a", 1]}, (), mistakes).texts("order") == ["a"]
    with pytest.raises(InvalidRequest, match=r"order\[1\]: has to be a name, and is a number"):
        mistakes.raise_any()


def test_a_key_much_too_long_is_answered_with_all_there_are() -> None:
    mistakes = Mistakes(Path("a.toml"), "")
    Section({"k" * 5_000: 1}, (), mistakes).allow("name", "type")
    with pytest.raises(InvalidRequest, match="there is no such key here; there are name, type"):
        mistakes.raise_any()


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, "true or false"), (1, "a number"), ("", "text"), ([], "a list"), ({}, "a table"),
     (time(7), "a date or a time")],
)  # fmt: skip
def test_a_value_is_named_for_people(value: object, expected: str) -> None:
    assert toml_type(value) == expected
