"""Whether two exports could ever write the same key.

A template, filled with what is constant for one table of one export, is a short regular language: fixed
characters, and digits where the hour or the revision stands, one or two of them for the day in `$crawl.day`.
Two templates collide when their languages share a word, or when one names a file where the other needs a
folder. This errs on the side of refusing: `2013/$hour` and `$year/$minute` do collide, at midnight of 2013,
and so do keys that differ in case only, which some file systems take for the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import assert_never

from export_pipeline.exports.naming import DIGITS, parts_of
from export_pipeline.exports.variables import KeyContext, Varies

_ONE_TO_NINE = DIGITS - {"0"}


@dataclass(frozen=True, slots=True)
class Symbol:
    """One character of a key: which it may be, whether it may be repeated, and whether it may be missing."""

    characters: frozenset[str]
    repeats: bool = False
    optional: bool = False

    @property
    def fixed(self) -> bool:
        """Whether it is one character, and always there."""
        return len(self.characters) == 1 and not self.repeats and not self.optional


def shape_of(template: str, context: KeyContext) -> tuple[Symbol, ...]:
    """The keys the template can give for one table of one export, whatever the hour and revision."""
    symbols: list[Symbol] = []
    for part in parts_of(template, field="path"):
        match part.varies:
            case Varies.NEVER:
                symbols.extend(Symbol(frozenset(c)) for c in part.filled(context).casefold())
            case Varies.IN_DIGITS:
                symbols.extend(Symbol(DIGITS if c in DIGITS else frozenset(c)) for c in part.filled(context))
            case Varies.IN_ONE_OR_TWO_DIGITS:
                symbols += [Symbol(_ONE_TO_NINE), Symbol(DIGITS, optional=True)]
            case Varies.IN_ANY_DIGITS:
                symbols.append(Symbol(DIGITS, repeats=True))
            case _:
                assert_never(part.varies)
    return tuple(symbols)


def head_of(shapes: Sequence[tuple[Symbol, ...]]) -> str:
    """What every key of these shapes begins with. Shapes collide only if one's head begins the other's."""
    heads = [takewhile(lambda symbol: symbol.fixed, shape) for shape in shapes]
    alike = takewhile(lambda symbols: len(set(symbols)) == 1, zip(*heads, strict=False))
    return "".join(character for symbol, *_ in alike for character in symbol.characters)


def collide(one: tuple[Symbol, ...], other: tuple[Symbol, ...]) -> bool:
    """Whether some key is of both shapes, or a folder of one is a file of the other."""
    seen: set[tuple[int, int]] = set()
    waiting = [(0, 0)]
    while waiting:
        state = waiting.pop()
        if state in seen:
            continue
        seen.add(state)
        i, j = state
        if i < len(one) and one[i].optional:
            waiting.append((i + 1, j))
        if j < len(other) and other[j].optional:
            waiting.append((i, j + 1))
        if i == len(one) and j == len(other):
            return True
        if i == len(one) or j == len(other):
            rest = other[j:] if i == len(one) else one[i:]
            if "/" in rest[0].characters:
                return True
            continue
        if one[i].characters & other[j].characters:
            waiting += [(a, b) for a in _after(one, i) for b in _after(other, j)]
    return False


def _after(shape: tuple[Symbol, ...], position: int) -> Iterable[int]:
    return (position, position + 1) if shape[position].repeats else (position + 1,)
