"""What is wrong in a declaration: all of it in one report, each mistake with its position."""

import re
from pathlib import Path

from export_pipeline.dataset.positions import Place, Position, Positions
from export_pipeline.errors import InvalidRequest

LONGEST_QUOTE = 60
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Mistakes:
    """The mistakes found so far in one file."""

    def __init__(self, file: Path, text: str) -> None:
        self._file = file
        self._text = text
        self._at_values: list[tuple[Place, str]] = []
        self._at_keys: list[tuple[Place, str]] = []

    def add(self, place: Place, message: str) -> None:
        """The value there is wrong, or is missing."""
        self._at_values.append((place, message))

    def add_key(self, place: Place, message: str) -> None:
        """The key itself is wrong, whatever its value."""
        self._at_keys.append((place, message))

    def raise_any(self) -> None:
        """InvalidRequest with one line per mistake, in the order of the file, if there is any mistake."""
        if not self._at_values and not self._at_keys:
            return
        positions = Positions(self._text)
        found = [(positions.of_value(place), place, message) for place, message in self._at_values]
        found += [(positions.of_key(place), place, message) for place, message in self._at_keys]
        found.sort(key=lambda mistake: mistake[0])
        raise InvalidRequest(
            "\n".join(
                ": ".join(part for part in (self._where(position), dotted(place), message) if part)
                for position, place, message in found
            )
        )

    def _where(self, position: Position) -> str:
        return f"{self._file}:{position.line}:{position.column}"


def dotted(place: Place) -> str:
    """`tables.flights.columns[3].type`; nothing for the file as a whole."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if BARE_KEY.fullmatch(part) else f".{quoted(part)}"
    return text.removeprefix(".")


def quoted(text: str) -> str:
    """A text from the file for a message: one line, shortened, and never a URL, which may hold a password."""
    if "://" in text:
        return "(a URL, not shown)"
    return repr(text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}...")
