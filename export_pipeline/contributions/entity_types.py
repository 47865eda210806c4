"""What an entity type is: what may be said of it, and the schema that its records follow."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from export_pipeline.contributions.conforming import Checked
from export_pipeline.contributions.ids import SLUG
from export_pipeline.contributions.mistakes import Mistake, reject
from export_pipeline.contributions.schemas import DEEPEST, MOST_BYTES, Schema, Unusable, depth_of, read_schema

NAME = {"type": "string", "minLength": 1, "maxLength": 64}
DESCRIPTION = {"type": "string", "minLength": 1, "maxLength": 2048}
TEXT = {"type": "string", "minLength": 1, "maxLength": 256}

BODY = Checked(
    {
        "type": "object",
        "required": ["name", "description"],
        "properties": {
            "name": NAME,
            "description": DESCRIPTION,
            "schema": {"type": "object"},
            "tags": {"type": "array", "maxItems": 16, "uniqueItems": True, "items": NAME},
            "icon": {"type": "string", "maxLength": 256},
            "timeseries": {
                "type": "object",
                "maxProperties": 64,
                "additionalProperties": {
                    "type": "object",
                    "required": ["period", "value", "unit"],
                    "properties": {"period": TEXT, "value": TEXT, "unit": TEXT},
                    "additionalProperties": False,
                },
            },
        },
    }
)

# ISO 8601: weeks alone, or at least one of the others in their order.
_DURATION = re.compile(
    r"P(?:\d+W|(?=.)(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:[.,]\d+)?S)?)?)", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityProfile:
    """An entity type as it is written. `schema` is the customer's, whether or not it can be used."""

    name: str
    description: str
    schema: Mapping[str, Any]
    tags: tuple[str, ...] = ()
    icon: str = ""
    timeseries: Mapping[str, Mapping[str, str]]


def entity_profile(body: Any) -> EntityProfile:
    """What a body says of an entity type. Rejected names everything that is wrong with it.

    What it does not know it passes over: people send back what they were shown.
    """
    given = without_nothings(body, ("schema", "tags", "icon", "timeseries"))
    mistakes = list(BODY.mistakes(given))
    reject(map(of_property, mistakes))
    reject(_further_mistakes(given))
    return EntityProfile(
        name=given["name"],
        description=given["description"],
        schema=given.get("schema", {}),
        tags=tuple(given.get("tags", ())),
        icon=given.get("icon", ""),
        timeseries=given.get("timeseries", {}),
    )


def schema_of(document: Mapping[str, Any]) -> Schema:
    """The schema of records. Unusable if none can be checked by it."""
    return _read(json.dumps(document))


def schema_problem(document: Mapping[str, Any]) -> str | None:
    """Why the schema is passed over when records come; None if it is not."""
    try:
        schema_of(document)
    except Unusable as error:
        return str(error)
    return None


def without_nothings(body: Any, names: tuple[str, ...]) -> Any:
    """The same, without what is None of those that may be left out."""
    if not isinstance(body, dict):
        return body
    return {name: value for name, value in body.items() if value is not None or name not in names}


def of_property(mistake: Mistake) -> Mistake:
    """What is missing of the whole is called by its name."""
    missing = re.fullmatch('requires property "(.*)"', mistake.reason)
    return Mistake(name=missing[1], reason=mistake.reason) if missing and not mistake.name else mistake


def _further_mistakes(given: Mapping[str, Any]) -> Iterator[Mistake]:
    schema = given.get("schema", {})
    if depth_of(schema, DEEPEST) > DEEPEST:
        yield Mistake(name="schema", reason=f"does not meet maximum depth of {DEEPEST}")
    elif len(json.dumps(schema, ensure_ascii=False).encode()) > MOST_BYTES:
        yield Mistake(name="schema", reason=f"does not meet maximum length of {MOST_BYTES}")
    for slug, series in given.get("timeseries", {}).items():
        yield from SLUG.mistakes(slug, "timeseries")
        if not _DURATION.fullmatch(series["period"]):
            yield Mistake(
                name=f"timeseries.{slug}.period", reason='does not conform to the "duration" format'
            )


# The worst that fits into a schema takes 25 MB when it is read; most take a hundredth of that, and a moment.
@lru_cache(maxsize=16)
def _read(document: str) -> Schema:
    return read_schema(json.loads(document))
