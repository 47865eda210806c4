import pytest

from export_pipeline.filters.tree import (
    EVERY_ROW,
    NO_ROW,
    AllOf,
    AnyOf,
    Comparison,
    Filter,
    IsNull,
    Named,
    Not,
    OneOf,
    Position,
    all_of,
    any_of,
    leaves,
    needs_parentheses,
)

A: Filter = IsNull("a")
B: Filter = IsNull("b")
C: Filter = IsNull("c")


def test_joining_drops_what_adds_nothing() -> None:
    assert all_of([A, EVERY_ROW, B]) == AllOf((A, B))
    assert any_of([A, NO_ROW, B]) == AnyOf((A, B))


def test_joining_takes_apart_what_is_joined_already() -> None:
    assert all_of([AllOf((A, B)), EVERY_ROW, C]) == AllOf((A, B, C))
    assert all_of([AnyOf((A, B)), C]) == AllOf((AnyOf((A, B)), C))


def test_the_leaves_are_what_stands_between_the_words() -> None:
    filter_ = AnyOf((AllOf((A, Not(Named("X")))), EVERY_ROW, Not(AnyOf((B, C)))))
    assert list(leaves(filter_)) == [A, Named("X"), B, C]


def test_leaves_of_a_tree_too_deep_for_recursion_are_found() -> None:
    filter_ = A
    for _ in range(100_000):
        filter_ = Not(filter_)
    assert list(leaves(filter_)) == [A]


def test_a_place_in_a_named_filter_says_so() -> None:
    assert str(Position(2, 3)) == "line 2, column 3"
    assert str(Position(2, 3, "BOTS")) == "in $BOTS, line 2, column 3"


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
