"""What contributors send: records of an entity type, and the ids of records that are to go."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from export_pipeline.contributions.conforming import Checked, Fault, Run, TooCostly, spelled
from export_pipeline.contributions.mistakes import Mistake, reject
from export_pipeline.contributions.schemas import Schema, depth_of
from export_pipeline.contributions.webhook import DEEPEST

MOST_RECORDS = 250
LONGEST_ID = 256

# Where everything is wrong, this much of it is told.
MOST_MISTAKES = 1000

_ID = {"type": "string", "minLength": 1, "maxLength": LONGEST_ID}

UPSERT = Checked(
    {
        "type": "array",
        "maxItems": MOST_RECORDS,
        "items": {
            "type": "object",
            "required": ["id", "name", "entity"],
            "properties": {
                "id": _ID,
                "name": _ID,
                "entity": {"type": "object"},
                "instance": {"type": "object"},
            },
            "additionalProperties": False,
        },
    }
)

DELETE = Checked({"type": "array", "maxItems": MOST_RECORDS, "items": _ID})


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record, as its contributor has it: `id` is theirs."""

    id: str
    name: str
    entity: Mapping[str, Any]
    instance: Mapping[str, Any] | None = None

    @property
    def digest(self) -> str:
        """The same for the same content, in whatever order its names stand."""
        content = json.dumps([self.name, self.entity, self.instance], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


def records_of(body: Any, schema: Schema | None) -> Sequence[Record]:
    """The records that a body holds, of which the last of an id counts. Without a schema any entity will do.

    Rejected names everything that is wrong: with their structure, or, if there is nothing, by the schema.
    """
    reject(_told(UPSERT.faults(body)))
    reject(_too_deep(body))
    if schema is not None:
        reject(_told(_by_schema(body, schema)))
    return [*{one["id"]: Record(**one) for one in body}.values()]


def deletions_of(body: Any) -> Sequence[str]:
    """The ids that a body holds, each once."""
    reject(_told(DELETE.faults(body)))
    return [*dict.fromkeys(body)]


def _too_deep(body: Sequence[Mapping[str, Any]]) -> Iterator[Mistake]:
    for index, one in enumerate(body):
        for part in ("entity", "instance"):
            if depth_of(one.get(part), DEEPEST) > DEEPEST:
                reason = f"does not meet maximum depth of {DEEPEST}"
                yield Mistake(name=f"records.{part}", reason=reason, index=index)


def _by_schema(body: Sequence[Mapping[str, Any]], schema: Schema) -> Iterator[Fault]:
    run = Run(schema)
    for index, one in enumerate(body):
        try:
            for fault in run.faults(one["entity"]):
                yield Fault((index, "entity", *fault.path), fault.reason)
        except TooCostly:
            yield Fault((index, "entity"), "takes too long to be checked by the schema of its entity type")
            return


def _told(faults: Iterator[Fault]) -> Iterator[Mistake]:
    """In the document's words: the record's index stands apart."""
    for number, fault in enumerate(faults):
        if number == MOST_MISTAKES:
            return
        match fault.path:
            case (int(index), *path):
                yield Mistake(name=spelled(("records", *path)), reason=fault.reason, index=index)
            case path:
                yield Mistake(name=spelled(("records", *path)), reason=fault.reason)
