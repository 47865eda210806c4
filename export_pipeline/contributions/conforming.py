"""Whether something conforms to a JSON Schema, and if not why, in the words of the document's service.

Reasons never hold the value. What a check costs is counted, so that no schema and no record of a stranger
keeps a server busy: schemas that refer to themselves can ask for more steps than there is time.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from export_pipeline.contributions.keywords import (
    LONGEST_REASON,
    needs_of,
    of_any,
    of_list,
    of_number,
    of_object,
    of_text,
    shortened,
    subschemas,
)
from export_pipeline.contributions.mistakes import Mistake
from export_pipeline.contributions.schemas import Schema, read_schema

# A second or two, and a hundred times what 250 ordinary records take.
MOST_STEPS = 1_000_000
DEEPEST = 100


class TooCostly(Exception):
    """The check would take too long."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`path` are the names and indexes that lead there."""

    path: tuple[str | int, ...]
    reason: str


class Checked:
    """A schema of ours, and what is wrong with what was sent, by it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._schema = read_schema(document)

    def faults(self, value: Any) -> Iterator[Fault]:
        """What is wrong with the value, and where; with one that is too much to look at, only that."""
        try:
            yield from Run(self._schema).faults(value)
        except (TooCostly, RecursionError):
            yield Fault((), "takes too long to be checked")

    def mistakes(self, value: Any, name: str = "") -> Iterator[Mistake]:
        """The same, of a value that is called `name`."""
        for fault in self.faults(value):
            yield Mistake(name=spelled((name, *fault.path) if name else fault.path), reason=fault.reason)


class Run:
    """One check, of as many values as are meant; all of them share what it may cost."""

    def __init__(self, schema: Schema, most_steps: int = MOST_STEPS) -> None:
        self._schema = schema
        self._left = most_steps

    def faults(self, value: Any) -> Iterator[Fault]:
        """Why the value does not conform. TooCostly ends it."""
        return self._faults(self._schema.root, value, (), DEEPEST)

    def _spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise TooCostly

    def _matches(self, pattern: str, text: str) -> bool:
        found = self._schema.patterns[pattern]
        self._spend(1 + found.cost_of(text))
        return found.is_in(text)

    def _holds(self, part: Any, value: Any, left: int) -> bool:
        return next(self._faults(part, value, (), left), None) is None

    def _faults(self, part: Any, value: Any, path: tuple[str | int, ...], left: int) -> Iterator[Fault]:
        self._spend(1)
        if not left:
            raise TooCostly
        if isinstance(part, bool):
            if not part:
                yield Fault(path, "is not allowed")
            return
        if "$ref" in part:
            yield from self._faults(self._schema.referred(part["$ref"]), value, path, left - 1)
            if not self._schema.modern:
                return
        self._spend(len(part))
        for reason in (*of_any(part, value, self._spend), *self._of_kind(part, value)):
            yield Fault(path, shortened(reason, LONGEST_REASON))
        match value:
            case dict():
                yield from self._in_object(part, value, path, left - 1)
            case list():
                yield from self._in_list(part, value, path, left - 1)
        yield from self._combined(part, value, path, left - 1)

    def _of_kind(self, part: Mapping[str, Any], value: Any) -> Iterator[str]:
        match value:
            case str():
                self._spend(len(value) // 100)
                yield from of_text(part, value, self._matches)
            case bool() | None:
                pass
            case int() | float():
                yield from of_number(part, value)
            case list():
                yield from of_list(part, value, self._spend)
            case dict():
                self._spend(len(part.get("required", ())) + needs_of(part))
                yield from of_object(part, value)

    def _in_object(
        self, part: Mapping[str, Any], value: dict[str, Any], path: tuple[str | int, ...], left: int
    ) -> Iterator[Fault]:
        named, patterns = part.get("properties", {}), part.get("patternProperties", {})
        others = part.get("additionalProperties", True)
        self._spend(len(named) + len(part.get("dependentSchemas", ())) + len(value))
        for name in named:
            if name in value:
                yield from self._faults(named[name], value[name], (*path, name), left)
        for name, one in value.items():
            fitting = [pattern for pattern in patterns if self._matches(pattern, name)]
            for pattern in fitting:
                yield from self._faults(patterns[pattern], one, (*path, name), left)
            if "propertyNames" in part:
                for fault in self._faults(part["propertyNames"], name, (), left):
                    yield Fault((*path, name), fault.reason)
            if name in named or fitting:
                continue
            if others is False:
                yield Fault(path, f'is not allowed to have the additional property "{shortened(name)}"')
            else:
                yield from self._faults(others, one, (*path, name), left)
        for name, needed in (
            *part.get("dependencies", {}).items(),
            *part.get("dependentSchemas", {}).items(),
        ):
            if name in value and not isinstance(needed, list):
                yield from self._faults(needed, value, path, left)

    def _in_list(
        self, part: Mapping[str, Any], value: list[Any], path: tuple[str | int, ...], left: int
    ) -> Iterator[Fault]:
        items = part.get("items", True)
        first, others = part.get("prefixItems", []), items
        if isinstance(items, list):
            first, others = items, part.get("additionalItems", True)
        for index, one in enumerate(value):
            yield from self._faults(first[index] if index < len(first) else others, one, (*path, index), left)
        if "contains" in part and not any(self._holds(part["contains"], one, left) for one in value):
            yield Fault(path, "does not contain an item that conforms to its schema")

    def _combined(
        self, part: Mapping[str, Any], value: Any, path: tuple[str | int, ...], left: int
    ) -> Iterator[Fault]:
        for one in part.get("allOf", ()):
            yield from self._faults(one, value, path, left)
        choices = part.get("anyOf")
        if choices and not any(self._holds(one, value, left) for one in choices):
            yield Fault(path, f"is not any of {subschemas(choices)}")
        choices = part.get("oneOf")
        if choices and sum(self._holds(one, value, left) for one in choices) != 1:
            yield Fault(path, f"is not exactly one from {subschemas(choices)}")
        if "not" in part and self._holds(part["not"], value, left):
            yield Fault(path, "is of prohibited type")
        if "if" in part:
            follows = "then" if self._holds(part["if"], value, left) else "else"
            yield from self._faults(part.get(follows, True), value, path, left)


def spelled(path: tuple[str | int, ...]) -> str:
    """Where it is: `records.entity.location[1]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif any(character in ".[]" or character.isspace() for character in step):
            text += f"[{json.dumps(shortened(step), ensure_ascii=False)}]"
        else:
            text += f".{shortened(step)}"
    return text.removeprefix(".")
