"""Where in a TOML text each key and each value stands, so that a mistake can be pointed at.

tomllib gives values without positions; the syntax tree gives positions.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

# The way to a value: ("tables", "flights", "columns", 3, "type") is the type of the fourth column.
Place = tuple[str | int, ...]

# Deeper than any key we know; what lies below is found by its nearest enclosing value.
DEEPEST = 8

# Newer TOML than the tree's grammar knows makes other nodes; mistakes there are placed by what is around.
KEYS = frozenset({"bare_key", "quoted_key", "dotted_key"})


@dataclass(frozen=True, order=True, slots=True)
class Position:
    """Line and column, both counted from 1, the column in characters."""

    line: int
    column: int


TOP = Position(1, 1)


class Positions:
    """The positions in one text, which tomllib has accepted."""

    def __init__(self, text: str) -> None:
        encoded = text.encode()
        self._lines = encoded.split(b"\n")
        self._keys: dict[Place, Position] = {}
        self._values: dict[Place, Position] = {}
        self._counts: dict[Place, int] = {}
        self._read(Parser(Language(tree_sitter_toml.language())).parse(encoded).root_node)

    def of_value(self, place: Place) -> Position:
        """Where the value stands; if there is none, where the nearest one around it begins."""
        return _nearest(place, self._values)

    def of_key(self, place: Place) -> Position:
        """Where the key of a value stands; if there is none, where the nearest value around it begins."""
        return self._keys.get(place) or self.of_value(place)

    def _read(self, document: Node) -> None:
        for node in document.named_children:
            if node.type == "pair":
                self._read_pair((), node)
            elif node.type in ("table", "table_array_element"):
                self._read_section(node)

    def _read_section(self, node: Node) -> None:
        header, *pairs = _parts(node)
        if header.type not in KEYS:
            return
        place: Place = ()
        *outer, last = _segments(header)
        for name in outer:
            place = self._entered((*place, name), header)
        place = (*place, last)
        if node.type == "table_array_element":
            self._counts[place] = self._counts.get(place, 0) + 1
        place = self._entered(place, header)
        self._note(place, header, header)
        for pair in pairs:
            self._read_pair(place, pair)

    def _entered(self, place: Place, header: Node) -> Place:
        """A table on the way to another: of an array of tables, the last one so far."""
        self._note(place, header, header)
        return (*place, self._counts[place] - 1) if place in self._counts else place

    def _read_pair(self, place: Place, node: Node) -> None:
        parts = _parts(node)
        if node.type != "pair" or len(parts) != 2 or parts[0].type not in KEYS:
            return
        key, value = parts
        for name in _segments(key):
            place = (*place, name)
            self._note(place, key, value)
        self._read_value(place, value)

    def _read_value(self, place: Place, node: Node) -> None:
        if len(place) > DEEPEST:
            return
        if node.type == "inline_table":
            for pair in node.named_children:
                self._read_pair(place, pair)
        elif node.type == "array":
            for index, element in enumerate(_parts(node)):
                self._note((*place, index), element, element)
                self._read_value((*place, index), element)

    def _note(self, place: Place, key: Node, value: Node) -> None:
        self._keys.setdefault(place, self._position(key))
        self._values.setdefault(place, self._position(value))

    def _position(self, node: Node) -> Position:
        row, column = node.start_point
        return Position(row + 1, len(self._lines[row][:column].decode(errors="replace")) + 1)


def _nearest(place: Place, positions: dict[Place, Position]) -> Position:
    around = (place[:length] for length in range(len(place), 0, -1))
    return next((positions[each] for each in around if each in positions), TOP)


def _parts(node: Node) -> list[Node]:
    return [child for child in node.named_children if child.type != "comment"]


def _segments(key: Node) -> Iterator[str]:
    """The names a key is made of. tomllib itself reads them, quotes, escapes and all."""
    assert key.text is not None  # the tree was made from bytes
    value: object = tomllib.loads(f"{key.text.decode()} = 0")
    while isinstance(value, dict):
        ((name, value),) = value.items()
        yield name
