"""What a text has to be to pass for JSON."""

import pytest

from export_pipeline.dataset.documents import is_json


@pytest.mark.parametrize("text", ["{}", "[1, 2.50, null]", '"é"', " true ", "1e400", "[" * 190 + "]" * 190])
def test_valid_json_passes(text: str) -> None:
    assert is_json(text)


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", "{'a': 1}", "1 2", '"\\ud800"', "[" * 300])
def test_anything_else_does_not(text: str) -> None:
    assert not is_json(text)
