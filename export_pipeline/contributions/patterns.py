"""Regular expressions of customers, matched in a time that grows with the text and no faster.

RE2 has no look-around and no back-references, which is what makes others take for ever. It is Arrow's.
"""

import re
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

# JavaScript's way to write a character by its number, which RE2 writes otherwise.
_BY_NUMBER = re.compile(r"(?<!\\)((?:\\\\)*)\\u([0-9a-fA-F]{4})")
_NAMED = re.compile(r"\(\?<([A-Za-z_]\w*)>")


@lru_cache(maxsize=1024)
def _spelled(pattern: str) -> str:
    return _NAMED.sub(r"(?P<\1>", _BY_NUMBER.sub(r"\1\\x{\2}", pattern))


@lru_cache(maxsize=1024)
def problem_with(pattern: str) -> str | None:
    """Why it cannot be matched; None if it can."""
    try:
        matches(pattern, "")
    except (pa.ArrowInvalid, UnicodeEncodeError) as error:
        return str(error).removeprefix("Invalid regular expression: ")
    return None


def matches(pattern: str, text: str) -> bool:
    """Whether some of the text is what the pattern says, as JSON Schema has it."""
    found = pc.match_substring_regex(pa.scalar(text, pa.string()), pattern=_spelled(pattern))
    return bool(found.as_py())
