import pytest

from export_pipeline.filters.tree import (
    EVERY_ROW,
    NO_ROW,
    AllOf,
    AnyOf,
    Comparison,
    Filter,
    IsNull,
    Not,
    OneOf,
    Position,
    all_of,
    any_of,
    needs_parentheses,
)

A: Filter = IsNull("a")
B: Filter = IsNull("b")


def test_joining_drops_what_adds_nothing() -> None:
    assert all_of([A, EVERY_ROW, B]) == AllOf((A, B))
    assert any_of([A, NO_ROW, B]) == AnyOf((A, B))


def test_joining_one_filter_gives_that_filter() -> None:
    assert all_of([A]) == A
    assert any_of([A]) == A


def test_joining_none_gives_every_row_or_no_row() -> None:
    assert all_of([]) == EVERY_ROW
    assert any_of([]) == NO_ROW


@pytest.mark.parametrize("group", [AllOf, AnyOf])
def test_a_group_of_one_is_refused(group: type[AllOf | AnyOf]) -> None:
    with pytest.raises(ValueError, match="use all_of or any_of"):
        group((A,))


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        OneOf("a", ())


def test_where_a_condition_stands_does_not_make_it_another() -> None:
    assert Comparison("a", "==", 1, at=Position(1, 5)) == Comparison("a", "==", 1)


@pytest.mark.parametrize(
    ("part", "within", "needed"),
    [
        (A, Not(A), False),
        (AllOf((A, B)), AnyOf((A, B)), False),
        (AnyOf((A, B)), AllOf((A, B)), True),
        (AnyOf((A, B)), Not(A), True),
        (AllOf((A, B)), AllOf((A, B)), True),
        (EVERY_ROW, AllOf((A, B)), False),
    ],
)
def test_parentheses_stand_where_the_order_of_binding_needs_them(
    part: Filter, within: AllOf | AnyOf | Not, needed: bool
) -> None:
    assert needs_parentheses(part, within) is needed
