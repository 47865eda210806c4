"""How large a filter may be. Every limit is far above what people write and below what engines bear."""

from export_pipeline.errors import InvalidRequest
from export_pipeline.filters.folding import fold, other_forms
from export_pipeline.filters.mistakes import mistake
from export_pipeline.filters.tree import (
    AllOf,
    AnyOf,
    CaseInsensitive,
    Contains,
    Filter,
    Not,
    OneOf,
    Position,
    Value,
    needs_parentheses,
)

# A list of 2,500 UUIDs in quotes.
MAX_TEXT = 100_000

# NOTs and parentheses inside one another. SQLite builds before 3.45 parse with a stack of 100 symbols, of
# which a level takes up to four and the rest of the statement its share.
MAX_DEPTH = 16

# SQLite takes expressions up to 1,000 deep, and a chain of ORs is as deep as it is long.
MAX_CONDITIONS = 300

# SQLite binds 32,766 values in a statement, PostgreSQL 65,535; several filters meet in one statement.
MAX_VALUES = 5_000

# No column holds a longer number: the largest have 38 digits, or an exponent up to 308.
MAX_DIGITS = 400

# Letters compared regardless of case, of all conditions together: 300 words of 16 different ones. Each is two
# places for values in the statement, of which SQLite has 32,766; DuckDB needs seconds for so many.
MAX_FOLDED = 5_000

# Different letters compared regardless of case in one condition. Each costs a replace() around another,
# and DuckDB takes expressions up to 1,000 deep. No alphabet has as many.
MAX_LETTERS = 200


def too_large(what: str, at: Position | None = None) -> InvalidRequest:
    """The error about a filter that exceeds a limit: `what` says which."""
    return mistake(f"the filter {what}; split it, or narrow the rows down in the source", at)


def refuse_too_large(filter_: Filter) -> None:
    """Raise InvalidRequest if the tree exceeds a limit. Does not recurse, whatever the depth."""
    conditions = values = folded = 0
    waiting = [(filter_, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise too_large(TOO_DEEP)
        match node:
            case AllOf(parts) | AnyOf(parts):
                waiting += [(part, depth + needs_parentheses(part, node)) for part in parts]
            case Not(part):
                waiting.append((part, depth + 1 + needs_parentheses(part, node)))
            case OneOf(_, among):
                conditions, values = conditions + 1, values + len(among)
            case CaseInsensitive(_, text) | Contains(_, text):
                conditions, values, folded = conditions + 1, values + 1, folded + _letters(text)
            case _:
                conditions, values = conditions + 1, values + 1
        if conditions > MAX_CONDITIONS:
            raise too_large(TOO_MANY_CONDITIONS)
        if values > MAX_VALUES:
            raise too_large(TOO_MANY_VALUES)
        if folded > MAX_FOLDED:
            raise too_large(TOO_MANY_LETTERS)


def _letters(text: Value) -> int:
    """How many letters have to be folded in a column to find the text there; before checks it may be none."""
    return len(other_forms(fold(text))) if isinstance(text, str) else 0


TOO_DEEP = f"nests NOT and parentheses more than {MAX_DEPTH} deep"
TOO_MANY_CONDITIONS = f"has more than {MAX_CONDITIONS} conditions"
TOO_MANY_LETTERS = f"looks for more than {MAX_FOLDED:,} letters regardless of case, in all its conditions"
TOO_MANY_VALUES = f"names more than {MAX_VALUES:,} values"
