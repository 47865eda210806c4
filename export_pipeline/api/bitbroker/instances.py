"""Consumers look at what was contributed: by live data connectors, and by those that they name."""

from collections.abc import Sequence
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Request

from export_pipeline.api.bitbroker.addresses import Id, consumer, link
from export_pipeline.api.turns import turn
from export_pipeline.api.visits import ExportsViewer
from export_pipeline.contributions.conforming import Checked
from export_pipeline.contributions.ids import lowered
from export_pipeline.contributions.mistakes import Mistake, Rejected, reject
from export_pipeline.control.instances import enriched_record
from export_pipeline.store.contributed_records import ContributedRecord, find_record, list_records
from export_pipeline.store.database import reading
from export_pipeline.store.entity_types import EntityType, find_entity_type, list_entity_types

router = APIRouter(prefix="/entity")

MOST = 250

# Threads that wait for webhooks, which take seconds when a service hangs. Other requests have other threads.
_WAITING = CapacityLimiter(64)
WAITING_OF_ONE = 32  # organization

# Contribution ids, separated by commas: what they contributed is shown whether or not they are live.
STAGED = "x-bbk-connectors"
MOST_STAGED = 16

_LIMIT = Checked({"type": "integer", "minimum": 1, "maximum": MOST})
_OFFSET = Checked({"type": "integer", "minimum": 0, "maximum": 2**31 - 1})


def _paging(request: Request) -> tuple[int, int]:
    """Offset and limit."""
    asked = [
        (name, _number(request.query_params.get(name, default)), rule)
        for name, default, rule in (("offset", "0", _OFFSET), ("limit", str(MOST), _LIMIT))
    ]
    reject(mistake for name, number, rule in asked for mistake in rule.mistakes(number, name))
    return int(asked[0][1]), int(asked[1][1])


def _number(text: str) -> int | str:
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdecimal() and len(digits) < 20 else text


def _staged(request: Request) -> Sequence[str]:
    named = [lowered(id_.strip()) for id_ in request.headers.get(STAGED, "").split(",") if id_.strip()]
    if len(named) > MOST_STAGED:
        reason = f"does not meet maximum length of {MOST_STAGED}"
        raise Rejected([Mistake(name=STAGED, reason=reason)])
    return named


Paging = Annotated[tuple[int, int], Depends(_paging)]
Staged = Annotated[Sequence[str], Depends(_staged)]


@router.get("")
def types(request: Request, visit: ExportsViewer, page: Paging) -> list[dict[str, Any]]:
    """A page of the organization's entity types."""
    offset, limit = page
    with reading(visit.deployment.control) as connection:
        found = list_entity_types(connection, visit.organization)[offset : offset + limit]
    return [
        {
            "id": one.eid,
            "url": link(request, consumer, "entity", one.eid),
            "name": one.profile.name,
            "description": one.profile.description,
        }
        for one in found
    ]


@router.get("/{eid}")
def list_(
    request: Request, visit: ExportsViewer, eid: Id, page: Paging, staged: Staged
) -> list[dict[str, Any]]:
    """A page of an entity type's instances."""
    offset, limit = page
    with reading(visit.deployment.control) as connection:
        entity = find_entity_type(connection, visit.organization, eid)
        found = list_records(connection, entity, staged=staged, offset=offset, limit=limit)
    return [_shown(request, entity, one) | {"legal": []} for one in found]


@router.get("/{eid}/{id}")
async def get(request: Request, visit: ExportsViewer, eid: Id, id: Id, staged: Staged) -> dict[str, Any]:
    """One instance, with what its data connector's webhook says of it."""
    control = visit.deployment.control

    def find() -> tuple[EntityType, ContributedRecord]:
        with reading(control) as connection:
            entity = find_entity_type(connection, visit.organization, eid)
            return entity, find_record(connection, entity, id, staged=staged)

    entity, whole = await to_thread.run_sync(find)
    if whole.webhook is not None:
        async with turn(visit.organization, WAITING_OF_ONE):
            whole = await to_thread.run_sync(enriched_record, control, whole, entity, limiter=_WAITING)
    return _shown(request, entity, whole) | {
        "entity": whole.entity,
        "instance": whole.instance or {},
        "timeseries": entity.profile.timeseries,
        "legal": [],
    }


def _shown(request: Request, entity: EntityType, record: ContributedRecord) -> dict[str, Any]:
    return {
        "id": record.public_id,
        "url": link(request, consumer, "entity", entity.eid, record.public_id),
        "type": entity.eid,
        "name": record.name,
    }
