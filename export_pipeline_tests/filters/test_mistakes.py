import pytest

from export_pipeline.filters.mistakes import explanation, mistake
from export_pipeline.filters.tree import Position

OPERATORS = {"EQUALITY", "ORDER", "_IN", "_IS"}
VALUES = {"TEXT", "NUMBER", "MOMENT", "TRUE", "FALSE", "_NULL"}
CONDITIONS = {"NAME", "QUOTED_NAME", "NAMED", "_NOT", "_LPAR", "TRUE", "FALSE"}


def test_a_mistake_names_its_field_and_place() -> None:
    error = mistake("no", Position(3, 7))
    assert (str(error), error.field) == ("filter, line 3, column 7: no", "filter")


def test_a_mistake_without_a_place_still_names_its_field() -> None:
    error = mistake("no", None)
    assert (str(error), error.field) == ("filter: no", "filter")


@pytest.mark.parametrize(
    ("rest", "expected", "sentence"),
    [
        ("", {"_RPAR"}, "found the end of the text, expected ')'"),
        ("b == 1", {"_AND", "_OR", "$END"}, "found b, expected AND, OR or the end"),
        (") x", CONDITIONS, "found ), expected a condition like city == 'Paris'"),
        ("5", {"_NULL", "_NOT"}, "found 5, expected null or not null"),
        ("x" * 50, {"_NULL"}, f"found {'x' * 40}..., expected null"),
        ("'a b' c", {"_AND"}, "found 'a b', expected AND"),
        (
            "]",
            VALUES,
            "found ], expected a value ('text', a number, a time, true or false) or null; "
            "a list names at least one value",
        ),
    ],
)
def test_what_was_found_and_expected_is_said(rest: str, expected: set[str], sentence: str) -> None:
    assert explanation(rest, expected) == sentence


@pytest.mark.parametrize(
    ("rest", "expected", "cure"),
    [
        ("= 5", OPERATORS, "equality is written =="),
        ("> 5", VALUES, "inequality is written !="),
        ("Like 'x'", OPERATORS, "to search regardless of case write =@ 'text'; there are no wildcards"),
        ("between 1", OPERATORS, "a range is written with two conditions, >= and <"),
        ("&& a", {"_AND"}, "that is written AND"),
        ("|| a", {"_AND", "_OR"}, "that is written OR"),
        ("(1)", {"_LBRACKET"}, "a list stands in square brackets"),
        ("'Paris", VALUES, "the text that begins here has no closing quote"),
        ("Paris", VALUES, "text stands in quotes: 'Paris'"),
        ("NULL", VALUES - {"_NULL"}, "only == and != compare with null"),
        ("/x/", VALUES, "regular expressions are not supported: =@ searches for a text"),
        ("'a' == b", CONDITIONS, "the column comes first; a name that is not plain stands in backticks"),
        ("!a", CONDITIONS, "negation is written NOT"),
        ("`a", CONDITIONS, "the name that begins here has no closing backtick"),
    ],
)
def test_habits_of_other_languages_get_their_cure(rest: str, expected: set[str], cure: str) -> None:
    assert explanation(rest, expected).endswith(f"; {cure}")
