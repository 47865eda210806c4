"""One table of a TOML document, being read: gives what is right in it and reports what is not."""

from collections.abc import Iterator, Mapping
from typing import Any

from export_pipeline.dataset.mistakes import Mistakes
from export_pipeline.dataset.names import LONGEST_NAME
from export_pipeline.dataset.positions import Place
from export_pipeline.dataset.tables import suggestion


class Section:
    """Gives None for whatever is missing or wrong, having reported it."""

    def __init__(self, values: Mapping[str, Any], place: Place, mistakes: Mistakes) -> None:
        self.values = values
        self.place = place
        self.mistakes = mistakes

    def allow(self, *keys: str) -> None:
        """Report every key but these."""
        for key in self.values.keys() - set(keys):
            # A key longer than any name is no misspelt one, and slow to compare.
            near = suggestion(key if len(key) <= LONGEST_NAME else "", keys)
            self.mistakes.add_key((*self.place, key), f"there is no such key here{near}")

    def require(self, key: str, cure: str) -> bool:
        """Whether the key is there; `cure` says what to add if it is not."""
        if key not in self.values:
            self.mistakes.add(self.place, f"{key} is missing; {cure}")
        return key in self.values

    def text(self, key: str) -> str | None:
        """The key's text; None also when the key is not there."""
        value = self.values.get(key)
        if value is None or isinstance(value, str):
            return value
        self.mistakes.add((*self.place, key), f'has to be text, like "...", and is {toml_type(value)}')
        return None

    def flag(self, key: str, *, default: bool) -> bool:
        """The key's true or false."""
        value = self.values.get(key, default)
        if isinstance(value, bool):
            return value
        self.mistakes.add((*self.place, key), f"has to be true or false, and is {toml_type(value)}")
        return default

    def texts(self, key: str) -> list[str] | None:
        """The key's list of texts, the wrong ones left out; None also when the key is not there."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, list):
            message = f'has to be a list of names, like ["..."], and is {toml_type(value)}'
            self.mistakes.add((*self.place, key), message)
            return None
        for index, element in enumerate(value):
            if not isinstance(element, str):
                message = f"has to be a name, and is {toml_type(element)}"
                self.mistakes.add((*self.place, key, index), message)
        return [element for element in value if isinstance(element, str)]

    def section(self, key: str) -> "Section | None":
        """The table of that name; None also when the key is not there."""
        value = self.values.get(key)
        if value is None or isinstance(value, dict):
            return None if value is None else Section(value, (*self.place, key), self.mistakes)
        self.mistakes.add((*self.place, key), f"has to be a table of keys, and is {toml_type(value)}")
        return None

    def sections(self, key: str) -> "Iterator[Section]":
        """The tables of an array of tables; none when the key is not there."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            message = f"has to be a list of tables, written [[...]], and is {toml_type(value)}"
            self.mistakes.add((*self.place, key), message)
            return
        for index, element in enumerate(value):
            place = (*self.place, key, index)
            if isinstance(element, dict):
                yield Section(element, place, self.mistakes)
            else:
                self.mistakes.add(place, f"has to be a table of keys, and is {toml_type(element)}")


def toml_type(value: object) -> str:
    """What a value is, for people."""
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or a time"
