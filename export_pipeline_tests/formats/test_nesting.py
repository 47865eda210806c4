"""Dots in names as objects in objects."""

import pytest

from export_pipeline.errors import InvalidRequest
from export_pipeline.formats.nesting import tree_of


def test_without_nesting_a_name_is_a_name() -> None:
    assert tree_of(["a.b", "a"], nested=False) == {"a.b": 0, "a": 1}


def test_names_that_begin_alike_are_one_object_where_the_first_stands() -> None:
    tree = tree_of(["a.b", "c", "a.d.e"], nested=True)

    assert tree == {"a": {"b": 0, "d": {"e": 2}}, "c": 1}
    assert list(tree) == ["a", "c"]


@pytest.mark.parametrize("names", [["a", "a.b"], ["a.b", "a"], ["a.b", "a.b.c"]])
def test_a_name_cannot_be_a_value_and_an_object(names: list[str]) -> None:
    with pytest.raises(InvalidRequest, match="an object because of") as refused:
        tree_of(names, nested=True)

    assert refused.value.field == "format.nested"
