import pytest

from export_pipeline.errors import InvalidRequest
from export_pipeline.filters.limits import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_VALUES,
    refuse_too_large,
    too_large,
)
from export_pipeline.filters.tree import (
    AnyOf,
    CaseInsensitive,
    Comparison,
    Filter,
    IsNull,
    Not,
    OneOf,
    Position,
)


def nested(depth: int) -> Filter:
    filter_: Filter = IsNull("a")
    for _ in range(depth):
        filter_ = Not(filter_)
    return filter_


def wide(conditions: int) -> Filter:
    return AnyOf(tuple(IsNull("a") for _ in range(conditions)))


def listing(values: int) -> Filter:
    return AnyOf((OneOf("a", tuple(range(values - 1))), Comparison("a", "==", 1)))


def test_letters_of_all_conditions_together_are_counted() -> None:
    alphabets = tuple(
        CaseInsensitive("a", "".join(map(chr, (*range(0x430, 0x450), *range(0x3B1, 0x3C2)))))
        for _ in range(MAX_CONDITIONS)
    )
    with pytest.raises(InvalidRequest, match="more than 5,000 letters regardless of case"):
        refuse_too_large(AnyOf(alphabets))
    refuse_too_large(AnyOf(alphabets[:75]))


@pytest.mark.parametrize("filter_", [nested(MAX_DEPTH), wide(MAX_CONDITIONS), listing(MAX_VALUES)])
def test_a_filter_at_its_limit_is_taken(filter_: Filter) -> None:
    refuse_too_large(filter_)


@pytest.mark.parametrize(
    ("filter_", "message"),
    [
        (
            nested(MAX_DEPTH + 1),
            "filter: the filter nests NOT and parentheses more than 16 deep; split it, "
            "or narrow the rows down in the source",
        ),
        (
            wide(MAX_CONDITIONS + 1),
            "filter: the filter has more than 300 conditions; split it, "
            "or narrow the rows down in the source",
        ),
        (
            listing(MAX_VALUES + 1),
            "filter: the filter names more than 5,000 values; split it, "
            "or narrow the rows down in the source",
        ),
    ],
    ids=["deep", "wide", "listing"],
)
def test_a_filter_beyond_its_limit_is_refused(filter_: Filter, message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        refuse_too_large(filter_)
    assert str(refused.value) == message


def test_a_tree_too_deep_for_recursion_is_refused_like_any_other() -> None:
    with pytest.raises(InvalidRequest, match="more than 16 deep"):
        refuse_too_large(nested(100_000))


def test_parentheses_that_the_text_needs_count_as_depth() -> None:
    filter_: Filter = IsNull("a")
    for _ in range(MAX_DEPTH // 2 + 1):
        filter_ = Not(AnyOf((IsNull("a"), filter_)))
    with pytest.raises(InvalidRequest, match="more than 16 deep"):
        refuse_too_large(filter_)


def test_the_error_says_where_if_it_is_known() -> None:
    assert str(too_large("is odd", Position(2, 3))).startswith("filter, line 2, column 3: the filter is odd;")
