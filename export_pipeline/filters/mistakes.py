"""Errors about filters: where, what was found, what was expected, and often the cure."""

import re
from collections.abc import Set as AbstractSet

from export_pipeline.errors import InvalidRequest
from export_pipeline.filters.tree import Position

END_OF_TEXT = "$END"

# What a token of the grammar is called; tokens called alike are one expectation.
_CONDITION = "a condition like city == 'Paris'"
_OPERATOR = "an operator (== != =~ !~ =@ !@ < <= > >= IN NOT_IN IS)"
_VALUE = "a value ('text', a number, a time, true or false)"
_CALLED = {
    "NAME": _CONDITION,
    "QUOTED_NAME": _CONDITION,
    "NAMED": _CONDITION,
    "EQUALITY": _OPERATOR,
    "ORDER": _OPERATOR,
    "REGARDLESS": _OPERATOR,
    "SEARCH": _OPERATOR,
    "_IN": _OPERATOR,
    "_NOT_IN": _OPERATOR,
    "_IS": _OPERATOR,
    "NUMBER": _VALUE,
    "MOMENT": _VALUE,
    "TEXT": "'text' in quotes",
    "_NULL": "null",
    "_NOT": "not null",
    "_LBRACKET": "a list like ['a', 'b']",
    "_RBRACKET": "']'",
    "_COMMA": "','",
    "_AND": "AND",
    "_OR": "OR",
    "_RPAR": "')'",
    END_OF_TEXT: "the end",
}
# Where the first of these may stand, the others are part of what it is called.
_COVERS = {
    "NAME": {"_NOT", "_LPAR", "TRUE", "FALSE"},
    "NUMBER": {"TEXT", "TRUE", "FALSE"},
}

LONGEST_SHOWN = 40


def mistake(message: str, at: Position | None) -> InvalidRequest:
    """The error about a filter; it says where, if that is known."""
    return InvalidRequest(f"filter, {at}: {message}" if at else f"filter: {message}", field="filter")


def explanation(rest: str, expected: AbstractSet[str]) -> str:
    """The sentence about a text that goes on with `rest` where a token of `expected` would be right."""
    if not rest:
        found = "the end of the text"
    else:
        match = _WORD.match(rest)
        assert match is not None
        word = match[0]
        found = word if len(word) <= LONGEST_SHOWN else f"{word[:LONGEST_SHOWN]}..."
    return f"found {found}, expected {_expectation(expected)}{_cure(rest, expected)}"


# A quoted text, a word or number, a run of operator signs, or any single character.
_WORD = re.compile(r"'[^']*'?|\"[^\"]*\"?|`[^`]*`?|\$?[\w.:+-]+|[=!<>~@&|]+|.", re.DOTALL)


def _expectation(expected: AbstractSet[str]) -> str:
    covered = {name for first, others in _COVERS.items() if first in expected for name in others}
    called = dict.fromkeys(phrase for name, phrase in _CALLED.items() if name in expected - covered)
    *most, last = called
    return f"{', '.join(most)} or {last}" if most else last


def _cure(rest: str, expected: AbstractSet[str]) -> str:
    for name, pattern, cure in _CURES:
        if name in expected and (match := re.match(pattern, rest, re.IGNORECASE)):
            return f"; {cure.format(match[0])}"
    return ""


# The token expected, what stands there instead, and what to do about it; the first that fits is given.
_CURES = (
    ("EQUALITY", r"=(?![=~@])", "equality is written =="),
    ("NUMBER", r">", "inequality is written !="),
    ("TEXT", r"null\b", "only == and != compare with null"),
    ("EQUALITY", r"i?like\b", "to search regardless of case write =@ 'text'; there are no wildcards"),
    ("EQUALITY", r"between\b", "a range is written with two conditions, >= and <"),
    ("_AND", r"&&?", "that is written AND"),
    ("_OR", r"\|\|?", "that is written OR"),
    ("_LBRACKET", r"\(", "a list stands in square brackets"),
    ("TEXT", r"""['"]""", "the text that begins here has no closing quote"),
    ("TEXT", r"[^\W\d]\w*", "text stands in quotes: '{}'"),
    ("TEXT", r"\]", "a list names at least one value"),
    ("TEXT", r"/", "regular expressions are not supported: =@ searches for a text"),
    ("NAME", r"""(['"]).*?\1""", "the column comes first; a name that is not plain stands in backticks"),
    ("NAME", r"!", "negation is written NOT"),
    ("NAME", r"`", "the name that begins here has no closing backtick"),
)
