"""What "regardless of case" means: Unicode's simple case folding, one character to one character.

`É` is `é`, `Σ` and `ς` are `σ`; but `é` is not `e`, `ß` is not `ss` and the Turkish `İ` is only itself. No
locale is involved. Python's Unicode tables decide, and SQL is told the letters one by one (see `sql`):
engines fold in different ways (SQLite ASCII only, PostgreSQL by collation), so none of them is asked to.
"""

import sys
from collections import defaultdict
from collections.abc import Mapping
from functools import cache


def fold(text: str) -> str:
    """The text with every letter in its folded form; as long as `text`."""
    return "".join(map(_fold_character, text))


def other_forms(text: str) -> tuple[tuple[str, str], ...]:
    """For a folded text: each character that folds to one of its letters, and that letter.

    To find the text in another one regardless of case, these replacements are enough: a letter that is not
    in the text cannot be part of a match, folded or not.
    """
    forms = _forms()
    return tuple((form, letter) for letter in dict.fromkeys(text) for form in forms.get(letter, ""))


def _fold_character(character: str) -> str:
    # Where the full folding is longer than one character (ß to ss), the simple one is the lower-case letter.
    for folded in (character.casefold(), character.lower()):
        if len(folded) == 1:
            return folded
    return character


@cache
def _forms() -> Mapping[str, str]:
    """By folded letter: the characters that fold to it, other than itself."""
    forms: defaultdict[str, str] = defaultdict(str)
    for character in map(chr, range(sys.maxunicode + 1)):
        folded = _fold_character(character)
        if folded != character:
            forms[folded] += character
    return forms
