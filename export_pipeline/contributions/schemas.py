"""JSON Schemas of customers: read, and refused where nobody could check records by them.

They are strangers' programs. Nothing that they name is fetched, and what a check may cost is limited: by
their size, by the patterns that are taken, and by counting while it runs (`conforming.py`).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from export_pipeline.contributions.patterns import Pattern, Unmatchable, read_pattern

MOST_BYTES = 64 << 10
DEEPEST = 32

# Of all of its patterns together: they are compiled for each request.
MOST_PATTERNS = 256
MOST_INSTRUCTIONS = 100_000

TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")


class Unusable(Exception):
    """No record can be checked by the schema: its message says why."""


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON Schema that records can be checked by. `modern`: what stands beside a `$ref` counts as well."""

    root: Mapping[str, Any] | bool
    modern: bool = False
    patterns: dict[str, Pattern] = field(default_factory=dict, repr=False)
    _referred: dict[str, Any] = field(default_factory=dict, repr=False)

    def referred(self, ref: str) -> Any:
        """What `#/definitions/name` stands for."""
        if ref not in self._referred:
            self._referred[ref] = _found(self.root, ref)
        return self._referred[ref]


def read_schema(document: Mapping[str, Any] | bool) -> Schema:
    """The schema, if records can be checked by it. Unusable if not."""
    if depth_of(document, DEEPEST) > DEEPEST:
        raise Unusable(f"is nested deeper than {DEEPEST} times")
    if len(json.dumps(document, ensure_ascii=False).encode()) > MOST_BYTES:
        raise Unusable(f"is larger than {MOST_BYTES:,} bytes")
    dialect = document.get("$schema") if isinstance(document, Mapping) else None
    modern = isinstance(dialect, str) and ("2019-09" in dialect or "2020-12" in dialect)
    schema = Schema(document, modern)
    known: set[int] = set()
    pending: list[tuple[str, Any]] = [("", document)]
    while pending:  # a $ref may lead to where no keyword has a schema
        start, root = pending.pop()
        if id(root) in known:
            continue
        for where, part in _parts(root, start):
            if id(part) not in known:
                known.add(id(part))
                _check(where, part, schema)
                if isinstance(part, Mapping) and "$ref" in part:
                    pending.append((part["$ref"], schema.referred(part["$ref"])))
    return schema


def depth_of(value: Any, most: int) -> int:
    """How many objects and lists stand in each other; one more than `most` if there are more."""
    if not isinstance(value, dict | list):
        return 0
    if not most:
        return 1
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max((depth_of(one, most - 1) for one in inner), default=0)


def _parts(part: Any, where: str) -> Iterator[tuple[str, Any]]:
    """The schema and every schema in it, and where each stands."""
    yield where, part
    if not isinstance(part, Mapping):
        return
    for keyword, value in part.items():
        inner = f"{where}/{keyword}"
        if keyword in _NAMED and isinstance(value, Mapping):
            for name, one in value.items():
                if keyword == "dependencies" and isinstance(one, list):
                    continue
                yield from _parts(one, f"{inner}/{name}")
        elif (keyword in _LISTED or keyword == "items") and isinstance(value, list):
            for number, one in enumerate(value):
                yield from _parts(one, f"{inner}/{number}")
        elif keyword in _SINGLE or keyword == "items":
            yield from _parts(value, inner)


def _check(where: str, part: Any, schema: Schema) -> None:
    if isinstance(part, bool):
        return
    if not isinstance(part, Mapping):
        raise Unusable(f"{where}: is no schema, which is an object")
    for keyword, value in part.items():
        if keyword in _NOT_KNOWN:
            raise Unusable(f"{where}/{keyword}: is not understood here")
        if (well_formed := _SHAPES.get(keyword)) is not None and not well_formed(value):
            raise Unusable(f"{where}/{keyword}: has a value that the keyword does not take")
    for pattern in _patterns(part):
        _compile(where, pattern, schema)
    if "$ref" in part:
        schema.referred(part["$ref"])


def _compile(where: str, text: str, schema: Schema) -> None:
    if text in schema.patterns:
        return
    try:
        schema.patterns[text] = read_pattern(text)
    except Unmatchable as error:
        raise Unusable(f"{where}: a pattern cannot be matched in a time that is known: {error}") from error
    if len(schema.patterns) > MOST_PATTERNS:
        raise Unusable(f"has more than {MOST_PATTERNS} patterns")
    if sum(pattern.size for pattern in schema.patterns.values()) > MOST_INSTRUCTIONS:
        raise Unusable(f"{where}: the patterns up to this one are too large together; repeat less in them")


def _patterns(part: Mapping[str, Any]) -> Iterable[str]:
    return [*([part["pattern"]] if "pattern" in part else []), *part.get("patternProperties", {})]


def _found(root: Any, ref: str) -> Any:
    """Only what stands in the schema itself is looked for."""
    place = root
    if ref != "#" and not ref.startswith("#/"):
        raise Unusable(f"$ref: {ref[:200]!r} does not begin with #/, and nothing is fetched from elsewhere")
    for step in ref.split("/")[1:]:
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(place, Mapping) and name in place:
            place = place[name]
        elif isinstance(place, list) and name.isdecimal() and int(name) < len(place):
            place = place[int(name)]
        else:
            raise Unusable(f"$ref: there is nothing at {ref[:200]!r}")
    if not isinstance(place, Mapping | bool):
        raise Unusable(f"$ref: {ref[:200]!r} is no schema")
    return place


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and value == int(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_schema(value: Any) -> bool:
    return isinstance(value, Mapping | bool)


def _are_schemas(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_schema, value))


def _are_named_schemas(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_is_schema, value.values()))


def _is_type(value: Any) -> bool:
    return value in TYPES if isinstance(value, str) else _are_texts(value) and set(value) <= {*TYPES}


def _are_dependencies(value: Any) -> bool:
    return isinstance(value, Mapping) and all(_is_schema(one) or _are_texts(one) for one in value.values())


# Below which keywords schemas stand, and how.
_SINGLE = frozenset(
    {"additionalItems", "additionalProperties", "contains", "else", "if", "not", "propertyNames", "then"}
)
_LISTED = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset(
    {"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"}
)

# Passing over them would let pass what the schema's author wanted refused.
_NOT_KNOWN = frozenset(
    {
        "$dynamicRef",
        "$recursiveRef",
        "maxContains",
        "minContains",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)

_SHAPES: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(_SINGLE, _is_schema),
    **dict.fromkeys(_LISTED, _are_schemas),
    **dict.fromkeys(_NAMED, _are_named_schemas),
    **dict.fromkeys(
        ("maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties"), _is_count
    ),
    "$ref": _is_text,
    "dependencies": _are_dependencies,
    "dependentRequired": lambda value: isinstance(value, Mapping) and all(map(_are_texts, value.values())),
    "enum": lambda value: isinstance(value, list),
    "exclusiveMaximum": lambda value: _is_number(value) or isinstance(value, bool),
    "exclusiveMinimum": lambda value: _is_number(value) or isinstance(value, bool),
    "format": _is_text,
    "items": lambda value: _is_schema(value) or _are_schemas(value) or value == [],
    "maximum": _is_number,
    "minimum": _is_number,
    "multipleOf": lambda value: _is_number(value) and value > 0,
    "pattern": _is_text,
    "required": _are_texts,
    "type": _is_type,
    "uniqueItems": lambda value: isinstance(value, bool),
}
