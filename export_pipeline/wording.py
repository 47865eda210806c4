"""Pydantic's verdicts on what a person wrote, in our words: what is wrong, and the cure; never the value."""

from collections.abc import Mapping

from pydantic_core import ErrorDetails

_NO_TIME = "is no time; write one with its zone, like 2013-01-01T05:00:00Z"
_NO_LIST = 'is no list; write one as JSON or TOML has it, like ["a", "b"]'
_NO_OBJECT = 'is no object; write one, as JSON ({{"name": "value"}}) or a table of TOML'
_NO_NUMBER = "is no whole number; write one, like 10"
_NO_BOOLEAN = "is neither true nor false; write one of them"

# By pydantic's types of errors. In braces stand the limits that it was told.
_SAID: Mapping[str, str] = {
    "missing": "is missing",
    "string_type": "is no text; write one, in quotes",
    "string_too_long": "is too long; write at most {max_length} characters",
    "string_too_short": "is too short; write at least {min_length} character(s)",
    "too_long": "has too many items; give at most {max_length}",
    "too_short": "has too few items; give at least {min_length}",
    "tuple_type": _NO_LIST,
    "list_type": _NO_LIST,
    "dict_type": _NO_OBJECT,
    "model_type": _NO_OBJECT,
    "model_attributes_type": _NO_OBJECT,
    "bool_type": _NO_BOOLEAN,
    "bool_parsing": _NO_BOOLEAN,
    "int_type": _NO_NUMBER,
    "int_parsing": _NO_NUMBER,
    "int_parsing_size": _NO_NUMBER,
    "int_from_float": _NO_NUMBER,
    "greater_than_equal": "is too small; choose at least {ge}",
    "less_than_equal": "is too large; choose at most {le}",
    "datetime_type": _NO_TIME,
    "datetime_parsing": _NO_TIME,
    "datetime_from_date_parsing": _NO_TIME,
    "datetime_object_invalid": _NO_TIME,
    "timezone_aware": _NO_TIME,
}


def said(details: ErrorDetails) -> str:
    """What is wrong with the field, to stand behind its name."""
    text = _SAID.get(details["type"])
    if text is None:
        return details["msg"].removeprefix("Value error, ")
    return text.format(**details.get("ctx", {}))
