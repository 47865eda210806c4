"""Patterns of strangers, matched as JavaScript does, in a time that grows with the text and no faster."""

import time

import pytest

from export_pipeline.contributions.patterns import Unmatchable, read_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("b", "abc", True),
        ("^b", "abc", False),
        ("^a$", "a\n", False),
        (r"^\d$", "٣", False),  # a digit, and none that JavaScript takes for one
        (r"^\u0041$", "A", True),
        (r"^\\u0041$", r"\u0041", True),
        ("^(?<letter>a)$", "a", True),
        ("^.$", "😀", True),
        (r"^\pL{2,50}$", "жизнь", True),  # too large for the smaller of the two limits
        ("a\0b", "a\0b", True),
        ("", "", True),
    ],
)
def test_a_pattern_is_found_anywhere_in_a_text(pattern: str, text: str, found: bool) -> None:
    assert read_pattern(pattern).is_in(text) is found


@pytest.mark.parametrize(
    "pattern", ["(", "(?=a)b", r"(a)\1", "(x{1000}){1000}", r"\pL{1000}", "[b-a]", "\ud800"]
)
def test_what_cannot_be_matched_in_a_known_time_is_told(pattern: str) -> None:
    with pytest.raises(Unmatchable, match=r"\w"):
        read_pattern(pattern)


def test_a_pattern_that_others_take_for_ever_with_takes_a_moment() -> None:
    pattern = read_pattern("^(a+)+$")
    began = time.process_time()

    # Of 2 to the power of 100,000 steps no clock has to be exact.
    assert not pattern.is_in("a" * 100_000 + "!")
    assert time.process_time() - began < 60


def test_what_is_repeated_within_what_is_repeated_costs_what_it_takes() -> None:
    plain, large = read_pattern(r"^\d+$"), read_pattern(r"(\pL{5}){5}")

    assert plain.size < 20
    assert large.size > 1000 * plain.size
    assert plain.cost_of("x" * 20) == 0
    assert large.cost_of("x" * 100) > 1000
