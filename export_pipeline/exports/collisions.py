"""Whether two exports could ever write the same key.

A template, filled with what is constant for one table of one export, is a short regular language: fixed
characters, and digits where the hour or the revision stands. Two templates collide when
their languages share a word, or when one names a file where the other needs a folder. This errs on the
side of refusing: `2013/$hour` and `$year/$minute` do collide, at midnight of 2013, and so do keys that differ
in case only, which some file systems take for the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from export_pipeline.exports.naming import KeyContext, parts_of

_DIGIT = frozenset("0123456789")


@dataclass(frozen=True, slots=True)
class Symbol:
    """One character of a key: which it may be, and whether it may be repeated."""

    characters: frozenset[str]
    repeats: bool = False


def shape_of(template: str, context: KeyContext) -> tuple[Symbol, ...]:
    """The keys the template can give for one table of one export, whatever the hour and revision."""
    symbols: list[Symbol] = []
    for part in parts_of(template, field="path"):
        if part.variable and part.variable.grows:
            symbols.append(Symbol(_DIGIT, repeats=True))
        elif part.variable and part.variable.varies:
            text = part.variable.value(context)
            symbols.extend(Symbol(_DIGIT if c in _DIGIT else frozenset(c)) for c in text)
        else:
            text = part.variable.value(context) if part.variable else part.text
            symbols.extend(Symbol(frozenset(c)) for c in text.casefold())
    return tuple(symbols)


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
