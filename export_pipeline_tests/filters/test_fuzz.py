"""Whatever is written as a filter is one, or is refused with our own error, and soon."""

import pytest

from export_pipeline.errors import InvalidRequest
from export_pipeline.filters.grammar import parse
from export_pipeline.filters.sql import where_clause
from export_pipeline.filters.text import filter_from, text_of
from export_pipeline_tests.filters.engines import DIALECTS, SOURCE
from export_pipeline_tests.filters.fuzzing import ending, texts
from export_pipeline_tests.filters.tables import EVENTS

NAMED = {name: parse(text) for name, text in {"BOTS": "city =@ 'bot'", "LOUD": "$BOTS OR NOT $A-1"}.items()}


def refused(how_far: str, error: InvalidRequest) -> str:
    assert error.field == "filter"
    assert str(error).startswith("filter")
    return f"refused {how_far}"


def outcome(text: str) -> str:
    """How far the text comes; at every stage only InvalidRequest is raised."""
    try:
        tree = parse(text)
    except InvalidRequest as error:
        return refused("by the grammar", error)
    assert repr(parse(text_of(tree))) == repr(tree), text
    try:
        checked = filter_from(text, EVENTS, NAMED)
    except InvalidRequest as error:
        return refused("for the table", error)
    clause = where_clause(checked, EVENTS, SOURCE)
    for dialect in DIALECTS:
        assert str(clause.compile(dialect=dialect)), text
    return "taken"


def outcomes(number: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for text in texts(number):
        with ending():
            how_far = outcome(text)
        found[how_far] = found.get(how_far, 0) + 1
    return found


def test_three_thousand_texts_are_taken_or_refused() -> None:
    found = outcomes(3_000)
    assert sum(found.values()) == 3_000
    # Texts that all fail in the same way try out little.
    assert min(found.values()) > 100
    assert len(found) == 3


@pytest.mark.slow
def test_a_hundred_thousand_texts_are_taken_or_refused() -> None:
    found = outcomes(100_000)
    assert sum(found.values()) == 100_000
    assert len(found) == 3
