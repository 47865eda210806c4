"""Patterns of strangers, matched as JavaScript does, in a time that grows with the text and no faster."""

import time

import pytest

from export_pipeline.contributions.patterns import matches, problem_with


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
        ("", "", True),
    ],
)
def test_a_pattern_is_found_anywhere_in_a_text(pattern: str, text: str, found: bool) -> None:
    assert matches(pattern, text) is found


@pytest.mark.parametrize("pattern", ["(", "(?=a)b", r"(a)\1", "(x{1000}){1000}", "[b-a]", "\ud800"])
def test_what_cannot_be_matched_in_a_known_time_is_told(pattern: str) -> None:
    assert problem_with(pattern)


def test_a_pattern_that_others_take_for_ever_with_takes_a_moment() -> None:
    assert problem_with("^(a+)+$") is None
    began = time.process_time()

    # Of 2 to the power of 100,000 steps no clock has to be exact.
    assert not matches("^(a+)+$", "a" * 100_000 + "!")
    assert time.process_time() - began < 60
