import pytest
from hypothesis import given

from export_pipeline.errors import InvalidRequest
from export_pipeline.filters.grammar import parse
from export_pipeline.filters.text import filter_from, text_of
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
)
from export_pipeline_tests.filters.strategies import any_text, filters
from export_pipeline_tests.filters.tables import EVENTS

A: Filter = IsNull("a")
B: Filter = Comparison("b", "==", 1)


@pytest.mark.parametrize(
    ("filter_", "text"),
    [
        (EVERY_ROW, ""),
        (NO_ROW, "false"),
        (Not(EVERY_ROW), "NOT true"),
        (AnyOf((AllOf((A, B)), B)), "a IS NULL AND b == 1 OR b == 1"),
        (AllOf((AnyOf((A, B)), B)), "(a IS NULL OR b == 1) AND b == 1"),
        (AllOf((AllOf((A, B)), B)), "(a IS NULL AND b == 1) AND b == 1"),
        (Not(AllOf((A, B))), "NOT (a IS NULL AND b == 1)"),
        (Not(Not(B)), "NOT NOT b == 1"),
        (Not(A), "a IS NOT NULL"),
        (Not(OneOf("a", (1, "x"))), "a NOT_IN [1, 'x']"),
        (Comparison("a", "==", 'it\'s \\ "so"'), "a == 'it\\'s \\\\ \"so\"'"),
        (Comparison("Local Time", "!=", True), "`Local Time` != true"),
        (Comparison("not", "<", 1), "`not` < 1"),
        (Comparison("a`\\", "<", 1), "`a\\`\\\\` < 1"),
        (Named("NO_BOTS-2"), "$NO_BOTS-2"),
    ],
)
def test_a_filter_is_written_as_a_customer_would(filter_: Filter, text: str) -> None:
    assert text_of(filter_) == text
    assert repr(parse(text)) == repr(filter_)


def test_values_of_every_type_are_written_and_read_back() -> None:
    text = (
        "seen >= '2013-01-31T05:00:00Z' AND `Local Time` < '2013-01-31T05:00:00' AND day == '2013-01-31' AND "
        "clock > '05:00:00' AND ratio < 1e-07 AND amount == 0.10 AND flag == true"
    )
    filter_ = filter_from(text, EVENTS)
    assert text_of(filter_) == text
    assert repr(filter_from(text_of(filter_), EVENTS)) == repr(filter_)


@given(filters)
def test_a_filter_read_back_from_its_text_is_the_same(filter_: Filter) -> None:
    checked = filter_from(text_of(filter_), EVENTS)
    assert checked == filter_
    assert repr(filter_from(text_of(checked), EVENTS)) == repr(checked)


@given(filters)
def test_a_parsed_tree_written_and_parsed_again_is_the_same(filter_: Filter) -> None:
    parsed = parse(text_of(filter_))
    assert repr(parse(text_of(parsed))) == repr(parsed)


@given(any_text.filter(bool))
def test_any_name_and_any_text_survive(text: str) -> None:
    filter_ = Comparison(text, "==", text)
    assert parse(text_of(filter_)) == filter_


def test_named_filters_are_resolved_and_checked() -> None:
    named = {"BIG": parse("VISITS > 100")}
    assert filter_from("$BIG OR city == 'Paris'", EVENTS, named) == filter_from(
        "visits > 100 OR city == 'Paris'", EVENTS
    )
    with pytest.raises(InvalidRequest, match="no column 'nope'"):
        filter_from("$BIG", EVENTS, {"BIG": parse("nope == 1")})


def test_blank_text_is_every_row() -> None:
    assert filter_from(" \n", EVENTS) == EVERY_ROW
