"""Documents in which variables of the environment stand for values."""

import pytest

from export_pipeline.dataset.environment import filled, variables_in
from export_pipeline.errors import InvalidRequest


def test_values_are_taken_from_the_environment() -> None:
    document = {"type": "s3", "key": {"env": "KEY"}, "store": {"keys": [{"env": "KEY"}]}}

    assert filled(document, {"KEY": "hunter2"}) == {
        "type": "s3",
        "key": "hunter2",
        "store": {"keys": ["hunter2"]},
    }


def test_a_variable_that_is_not_set_is_named_with_its_field() -> None:
    with pytest.raises(
        InvalidRequest, match=r"store\.key: the environment variable KEY is not set"
    ) as caught:
        filled({"store": {"key": {"env": "KEY"}}}, {})

    assert caught.value.field == "store.key"


@pytest.mark.parametrize("value", [{"env": "KEY", "more": 1}, {"env": 1}, {}])
def test_only_a_lone_env_is_a_reference(value: dict[str, object]) -> None:
    assert filled({"value": value}, {}) == {"value": value}


def test_the_variables_of_a_document_are_found_wherever_they_stand() -> None:
    document = {"a": {"env": "A"}, "b": [{"c": {"env": "C"}}, "D"], "e": {"env": "A"}, "env": "E"}

    assert [*variables_in(document)] == ["A", "C", "A"]
