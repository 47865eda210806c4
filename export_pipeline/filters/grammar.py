"""The filter language: Coveo's read filter syntax, with NOT, IS NULL and quoted names added.

    city IN ['Québec', 'Paris'] AND NOT ($BOTS OR useragent =@ "crawler") OR visits >= 3

NOT binds before AND, AND before OR. Keywords are case-insensitive. Text stands in single or double quotes,
in which a backslash stands before a quote or a backslash; line breaks may occur in it as they are. A column
whose name is not plain stands in backticks. `true` is the filter that every row passes, `false` its opposite.
"""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Final, NamedTuple

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args

from export_pipeline.filters import limits
from export_pipeline.filters.limits import too_large
from export_pipeline.filters.mistakes import END_OF_TEXT, explanation, mistake
from export_pipeline.filters.tree import (
    EVERY_ROW,
    NO_ROW,
    AllOf,
    AnyOf,
    CaseInsensitive,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Named,
    Not,
    OneOf,
    Operator,
    Position,
    Value,
    any_of,
)

_KEYWORDS = "and|or|not|in|not_in|is|null|true|false"

# A column name that needs no backticks.
PLAIN_NAME: Final = rf"(?!(?:(?i:{_KEYWORDS}))(?![\w.]))[^\W\d]\w*(?:\.\w+)*"

GRAMMAR: Final = rf"""
start: disjunction
?disjunction: conjunction | conjunction (_OR conjunction)+ -> any_of
?conjunction: negation | negation (_AND negation)+ -> all_of
?negation: term | _NOT negation -> negated
?term: condition | _LPAR disjunction _RPAR | NAMED -> named | TRUE -> every_row | FALSE -> no_row

?condition: column EQUALITY value -> comparison
    | column ORDER value -> comparison
    | column EQUALITY _NULL -> compared_to_null
    | column REGARDLESS text -> regardless_of_case
    | column SEARCH text -> search
    | column _IN list -> one_of
    | column _NOT_IN list -> none_of
    | column _IS _NULL -> is_null
    | column _IS _NOT _NULL -> is_not_null
column: NAME | QUOTED_NAME
list: _LBRACKET listed (_COMMA listed)* _RBRACKET
?listed: value | _NULL -> null
?value: text | NUMBER -> number | MOMENT -> moment | TRUE -> true | FALSE -> false
text: TEXT

_AND: /AND(?![\w.])/i
_OR: /OR(?![\w.])/i
_NOT: /NOT(?![\w.])/i
_IN: /IN(?![\w.])/i
_NOT_IN.1: /NOT(?:_|\s+)IN(?![\w.])/i
_IS: /IS(?![\w.])/i
_NULL: /NULL(?![\w.])/i
TRUE: /TRUE(?![\w.])/i
FALSE: /FALSE(?![\w.])/i
EQUALITY: "==" | "!="
ORDER: "<=" | ">=" | "<" | ">"
REGARDLESS: "=~" | "!~"
SEARCH: "=@" | "!@"
_LPAR: "("
_RPAR: ")"
_LBRACKET: "["
_RBRACKET: "]"
_COMMA: ","
NAME: /{PLAIN_NAME}/
QUOTED_NAME: /`(?:[^`\\]|\\.)+`/s
NAMED: /\$[A-Za-z0-9_-]+/
TEXT: /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/s
NUMBER: /[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])/
MOMENT.1: /\d{{4}}-\d\d-\d\d(?:T[0-9:.]+(?:Z|[+-][0-9:]+)?)?(?![\w.:])|\d\d:[0-9:.]+(?![\w.:])/i

%ignore /\s+/
"""

# The tokens that the limits count.
_CONDITION_TOKENS = frozenset({"NAME", "QUOTED_NAME", "NAMED"})
_VALUE_TOKENS = frozenset({"TEXT", "NUMBER", "MOMENT", "TRUE", "FALSE", "_NULL"})


def parse(text: str) -> Filter:
    """The tree that the text says, with names and literals as written. Blank text is EVERY_ROW.

    Raises InvalidRequest, which says where in the text, what was found and what was expected. Takes time in
    proportion to the text and does not recurse, whatever the nesting.
    """
    if len(text) > limits.MAX_TEXT:
        raise too_large(f"is longer than {limits.MAX_TEXT:,} characters")
    if unfit := _NO_TEXT.search(text):
        raise mistake(
            f"remove the character U+{ord(unfit[0]):04X}: no text holds it", _place(text, unfit.start())
        )
    if not text.strip():
        return EVERY_ROW
    parser = _parser().parse_interactive(text)
    try:
        _refuse_excess(parser.iter_parse())
        tree: Filter = parser.feed_eof()  # type: ignore[no-untyped-call]  # lark leaves it untyped
    except UnexpectedInput as error:
        start = len(text) if error.pos_in_stream is None or _at_end(error) else error.pos_in_stream
        expected = parser.accepts()  # type: ignore[no-untyped-call]
        raise mistake(explanation(text[start:], expected), _place(text, start)) from error
    limits.refuse_too_large(tree)
    return tree


# What no engine, or no connection to one, takes as text: NUL, and halves of characters beyond U+FFFF.
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


def _refuse_excess(tokens: Iterable[Token]) -> None:
    """Draw all tokens, but stop the parser at the one that exceeds a limit."""
    depth = conditions = values = 0
    for token in tokens:
        depth += (token.type == "_LPAR") - (token.type == "_RPAR")
        conditions += token.type in _CONDITION_TOKENS
        values += token.type in _VALUE_TOKENS
        if depth < 0:
            raise mistake("found ), which closes nothing", _position(token))
        if depth > limits.MAX_DEPTH:
            raise too_large(limits.TOO_DEEP, _position(token))
        if conditions > limits.MAX_CONDITIONS:
            raise too_large(limits.TOO_MANY_CONDITIONS, _position(token))
        if values > limits.MAX_VALUES:
            raise too_large(limits.TOO_MANY_VALUES, _position(token))


def _at_end(error: UnexpectedInput) -> bool:
    return isinstance(error, UnexpectedToken) and error.token.type == END_OF_TEXT


def _place(text: str, offset: int) -> Position:
    before = text[:offset]
    return Position(before.count("\n") + 1, offset - before.rfind("\n"))


def _position(token: Token) -> Position:
    assert token.line is not None
    assert token.column is not None
    return Position(token.line, token.column)


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", lexer="contextual", transformer=_Builder())


class _Name(NamedTuple):
    name: str
    at: Position


@v_args(inline=True)
class _Builder(Transformer[Token, Filter]):
    """Makes nodes of the tree while the parser runs; one method per rule or alias of the grammar."""

    def start(self, filter_: Filter) -> Filter:
        return filter_

    def any_of(self, *parts: Filter) -> Filter:
        return AnyOf(parts)

    def all_of(self, *parts: Filter) -> Filter:
        return AllOf(parts)

    def negated(self, part: Filter) -> Filter:
        return Not(part)

    def named(self, token: Token) -> Filter:
        return Named(token[1:], at=_position(token))

    def every_row(self, _: Token) -> Filter:
        return EVERY_ROW

    def no_row(self, _: Token) -> Filter:
        return NO_ROW

    def comparison(self, column: _Name, operator: Token, value: Value) -> Filter:
        return Comparison(column.name, _OPERATORS[operator], value, at=column.at)

    def compared_to_null(self, column: _Name, operator: Token) -> Filter:
        return self.is_null(column) if operator == "==" else self.is_not_null(column)

    def regardless_of_case(self, column: _Name, operator: Token, value: str) -> Filter:
        condition = CaseInsensitive(column.name, value, at=column.at)
        return condition if operator == "=~" else Not(condition)

    def search(self, column: _Name, operator: Token, value: str) -> Filter:
        condition = Contains(column.name, value, at=column.at)
        return condition if operator == "=@" else Not(condition)

    def one_of(self, column: _Name, listed: tuple[Value | None, ...]) -> Filter:
        values = tuple(value for value in listed if value is not None)
        parts: list[Filter] = [OneOf(column.name, values, at=column.at)] if values else []
        if len(values) < len(listed):
            parts.append(IsNull(column.name, at=column.at))
        return any_of(parts)

    def none_of(self, column: _Name, listed: tuple[Value | None, ...]) -> Filter:
        return Not(self.one_of(column, listed))

    def is_null(self, column: _Name) -> Filter:
        return IsNull(column.name, at=column.at)

    def is_not_null(self, column: _Name) -> Filter:
        return Not(IsNull(column.name, at=column.at))

    def column(self, token: Token) -> _Name:
        return _Name(_unquoted(token) if token.type == "QUOTED_NAME" else str(token), _position(token))

    def list(self, *listed: Value | None) -> tuple[Value | None, ...]:
        return listed

    def null(self) -> None:
        return None

    def text(self, token: Token) -> str:
        return _unquoted(token)

    def number(self, token: Token) -> int | Decimal:
        try:
            number = Decimal(str(token))
        except InvalidOperation as error:  # an exponent beyond 18 digits
            raise mistake("no column holds such a number", _position(token)) from error
        digits = len(number.as_tuple().digits)
        if digits > limits.MAX_DIGITS or abs(number.adjusted()) > limits.MAX_DIGITS:
            raise mistake("no column holds such a number", _position(token))
        return int(number) if re.fullmatch(r"[+-]?\d+", token) else number

    def moment(self, token: Token) -> str:
        return str(token)

    def true(self, _: Token) -> bool:
        return True

    def false(self, _: Token) -> bool:
        return False


_OPERATORS: Final[Mapping[str, Operator]] = {
    "==": "==",
    "!=": "!=",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
}


def _unquoted(token: Token) -> str:
    def escaped(match: re.Match[str]) -> str:
        if match[1] not in "\\'\"`":
            raise mistake(
                f"{match[0]} in {token[:40]}: a backslash in quotes is written \\\\", _position(token)
            )
        return match[1]

    return re.sub(r"\\(.)", escaped, token[1:-1], flags=re.DOTALL)
