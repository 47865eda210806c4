"""Texts that are filters, almost filters and nothing like it, the same ones every time."""

import random
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from export_pipeline_tests.filters.strategies import AWKWARD

COLUMNS = ["city", "CITY", "visits", "big", "natural", "ratio", "amount", "key", "payload", "day", "clock"]
COLUMNS += ["seen", "`Local Time`", "flag", "raw", "ctiy", "a.b", "größe", "`we\\`ird`", "not_in_here"]

OPERATORS = ["==", "!=", "<", "<=", ">", ">=", "=~", "!~", "=@", "!@"]

LITERALS = [
    "'Paris'",
    '"Paris"',
    "''",
    r"'it\'s'",
    r"'C:\\temp'",
    r"'C:\temp'",
    "'two\nlines'",
    "'😀'",
    "'%_'",
]
LITERALS += ["0", "-1", "+5", "2.5", ".5", "1e3", "1e400", "1e999999999", "9" * 30, "0" * 50 + "7", "null"]
LITERALS += ["TRUE", "false", "2013-01-31", "2013-02-30", "05:00:00", "25:61", "2013-01-31T05:00:00Z"]
LITERALS += ["'2013-01-31T05:00:00.000001+01:00'", "'2013-01-31T05:00:00'", "2013-01-31T05:00:00.0000001Z"]
LITERALS += ["'abcdef00-0000-0000-0000-000000000001'", "'" + "x" * 300 + "'", "'\u0130\u0131\u017f\u212a'"]

FITTING = ["city == 'Paris'", "CITY IN ['Paris', null]", "city !@ '%'", "visits >= 3", "natural < 1e3"]
FITTING += [
    "ratio != -0.5",
    "amount <= .5",
    "key =~ 'abcdef00-0000-0000-0000-000000000001'",
    "payload =@ '\"'",
]
FITTING += ["day > 2013-01-31", "clock == 05:00:00", "seen >= 2013-01-31T05:00:00Z", "flag NOT_IN [true]"]
FITTING += ["`Local Time` < 2013-01-31", "raw IS NOT NULL", "$BOTS", "true"]

TERMS = ["$BOTS", "$LOUD", "$nowhere", "$A-1", "true", "FALSE"]

SIGNS = [
    *OPERATORS,
    *TERMS,
    *LITERALS,
    "=",
    "!",
    "(",
    ")",
    "[",
    "]",
    ",",
    "'",
    '"',
    "`",
    "\\",
    "$",
    "--",
    ";",
]
SIGNS += ["AND", "or", "NOT", "NOT IN", "IS NOT", "IS", "IN", "LIKE", "BETWEEN", "&&", "||", "\x00", "\ud800"]
SIGNS += ["\n", "\t", "\u2028", "\ufeff", "/*", "#", "%s", ":p", "?", "{}"]

# No text takes a second. One that takes a minute never ends.
SECONDS = 60

Fuzzer = Callable[[random.Random], str]


def a_filter(chance: random.Random, depth: int = 0) -> str:
    """A text of the grammar; some of its columns and values do not exist or do not suit each other."""
    if depth < 6 and chance.random() < 0.6:
        parts = [a_filter(chance, depth + 1) for _ in range(chance.choice([1, 2, 2, 3]))]
        text = chance.choice([" AND ", " or ", "\nAND\t"]).join(parts)
        return chance.choice(["{}", "({})", "NOT ({})", "not {}"]).replace("{}", text)
    if chance.random() < 0.7:
        return chance.choice(FITTING)
    column = chance.choice(COLUMNS)
    match chance.randrange(6):
        case 0:
            values = ", ".join(chance.choices(LITERALS, k=chance.choice([1, 2, 5, 50])))
            return f"{column} {chance.choice(['IN', 'NOT_IN', 'not in'])} [{values}]"
        case 1:
            return f"{column} {chance.choice(['IS NULL', 'is not null', '== null', '!=null'])}"
        case 2:
            return chance.choice(TERMS)
        case _:
            return f"{column}{chance.choice([' ', ''])}{chance.choice(OPERATORS)} {chance.choice(LITERALS)}"


def a_damaged_filter(chance: random.Random) -> str:
    """A text of the grammar to which a few things happened."""
    text = a_filter(chance)
    for _ in range(chance.choice([1, 1, 2, 4])):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice([1, 1, 2, 5, 20]))
        piece = text[start:end]
        match chance.randrange(7):
            case 0:
                text = text[:start] + text[end:]
            case 1:
                text = text[:end] + piece * chance.choice([1, 2, 400]) + text[end:]
            case 2:
                text = text[:start] + chance.choice(SIGNS) + text[start:]
            case 3:
                text = text[:start] + chance.choice(AWKWARD) + text[end:]
            case 4:
                text = text[:start]
            case 5:
                text = text[:start] + piece.swapcase() + text[end:]
            case _:
                text = text[:start] + a_filter(chance, depth=5) + text[end:]
    return text


def a_row_of_signs(chance: random.Random) -> str:
    """Words of the language in no order."""
    return chance.choice(["", " "]).join(chance.choices([*SIGNS, *COLUMNS], k=chance.randrange(20)))


def any_characters(chance: random.Random) -> str:
    """Whatever Python holds as text, or signs of the language alone."""
    if chance.random() < 0.5:
        return "".join(chance.choices("a=!~@<>()[]'\"`$,1.eE-:TZ \\", k=chance.randrange(60)))
    return "".join(chr(chance.randrange(sys.maxunicode + 1)) for _ in range(chance.randrange(40)))


FUZZERS: Sequence[Fuzzer] = [a_filter, a_damaged_filter, a_damaged_filter, a_row_of_signs, any_characters]


def texts(number: int, seed: int = 20130101) -> Iterator[str]:
    """So many texts of all sorts."""
    chance = random.Random(seed)
    for _ in range(number):
        yield chance.choice(FUZZERS)(chance)


class Endless(Exception):
    """The text was neither taken nor refused; pytest shows which."""


@contextmanager
def ending() -> Iterator[None]:
    """Give up, should the block never end by itself."""

    def give_up(*_: object) -> None:
        raise Endless

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
