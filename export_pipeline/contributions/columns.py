"""Which columns records of an entity type have, by the JSON Schema of their entity.

A property is a column if its type is one that columns have; an object's properties are columns themselves,
with the names above and a dot before theirs. Whatever is no column, as the schema does not name it or its
name cannot be a column's, is not lost: it is in the column `extra`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from export_pipeline.dataset.types import Kind
from export_pipeline.extract.members import fits

VENDOR_ID, PUBLIC_ID, RECORD_NAME, CONNECTOR = "vendor_id", "public_id", "record_name", "connector"
ACCEPTED_AT, INSTANCE, EXTRA = "accepted_at", "instance", "extra"

# What every record has.
OF_EVERY_RECORD = (VENDOR_ID, PUBLIC_ID, RECORD_NAME, CONNECTOR, ACCEPTED_AT, INSTANCE, EXTRA)

# A schema is its author's; databases take SELECTs of no more columns than a thousand or two.
MOST_COLUMNS = 500
DEEPEST = 8
LONGEST_NAME = 128

# A part of a column's name, which needs no quotes in filters.
_PART = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_KINDS = {
    "string": Kind.STRING,
    "integer": Kind.INT64,
    "number": Kind.FLOAT64,
    "boolean": Kind.BOOLEAN,
    "array": Kind.JSON,
    "object": Kind.JSON,
}
_FORMATS = {"date-time": Kind.TIMESTAMP, "date": Kind.DATE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A property of records' entities that is a column: its name there, where it is, its kind."""

    name: str
    path: tuple[str, ...]
    kind: Kind


def properties_of(schema: Any) -> tuple[Property, ...]:
    """The properties that are columns, in the order of the schema. Whatever the schema is: it may be none."""
    taken = {name.casefold() for name in OF_EVERY_RECORD}
    chosen: list[Property] = []
    for found in _properties(schema, ()):
        if found.name.casefold() not in taken and len(chosen) < MOST_COLUMNS:
            taken.add(found.name.casefold())
            chosen.append(found)
    return tuple(chosen)


def fit(entity: Mapping[str, Any], properties: Sequence[Property]) -> bool:
    """Whether what the entity has of these properties is of their columns' kinds."""
    return all(fits(entity, one.path, one.kind) for one in properties)


def _properties(schema: Any, above: tuple[str, ...]) -> Iterator[Property]:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping):
        return
    for name, about in properties.items():
        path = (*above, name)
        if not _PART.fullmatch(name) or len(".".join(path)) > LONGEST_NAME:
            continue
        below = [*_properties(about, path)] if _type(about) == "object" and len(path) < DEEPEST else []
        yield from below or [Property(name=".".join(path), path=path, kind=_kind(about))]


def _kind(about: Any) -> Kind:
    type_ = _type(about)
    if type_ == "string":
        format_ = about.get("format")
        return _FORMATS.get(format_, Kind.STRING) if isinstance(format_, str) else Kind.STRING
    return _KINDS.get(type_ or "", Kind.JSON)


def _type(about: Any) -> str | None:
    """The one type that a property has besides null; None if there are several, or it is not said."""
    said = about.get("type") if isinstance(about, Mapping) else None
    types = set()
    for one in said if isinstance(said, list) else [said]:
        if not isinstance(one, str):
            return None
        types.add(one)
    types.discard("null")
    if types == {"integer", "number"}:
        return "number"
    return types.pop() if len(types) == 1 else None
