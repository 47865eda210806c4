"""Regular expressions of customers, matched in a time that grows with the text and no faster.

RE2 has no look-around and no back-references, which is what makes others take for ever.
"""

import re
from dataclasses import dataclass
from typing import Any

import re2  # type: ignore[import-untyped]

# JavaScript's way to write a character by its number, which RE2 writes otherwise.
_BY_NUMBER = re.compile(r"(?<!\\)((?:\\\\)*)\\u([0-9a-fA-F]{4})")

# What one that is compiled may take in memory, and as much again while it is matched. Nearly all do with the
# first; a class of letters of the world that is repeated does not.
BYTES = (256 << 10, 8 << 20)


class Unmatchable(ValueError):
    """Nothing can be matched by the pattern: the message says why."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One that is compiled. `size` are its instructions: ten thousand take some milliseconds to compile."""

    size: int
    _compiled: Any

    def cost_of(self, text: str) -> int:
        """At worst, in microseconds or so: each instruction looks at each character."""
        return self.size * len(text) // 500

    def is_in(self, text: str) -> bool:
        """Whether some of the text is what the pattern says, as JSON Schema has it."""
        return self._compiled.search(text) is not None


def read_pattern(text: str) -> Pattern:
    """The pattern that is written so. Unmatchable if it is none of RE2's, or a larger one than is taken."""
    problem = ""
    for limit in BYTES:
        options = re2.Options()
        options.max_mem = limit
        options.log_errors = False
        try:
            compiled = re2.compile(_BY_NUMBER.sub(r"\1\\x{\2}", text), options)
        except UnicodeEncodeError as error:
            raise Unmatchable("it holds half a character") from error
        except re2.error as error:
            problem = error.args[0].decode(errors="replace")
        else:
            return Pattern(compiled.programsize, compiled)
    raise Unmatchable(problem)
