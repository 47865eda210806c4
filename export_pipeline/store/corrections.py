"""Hours of entity types that changed, for whoever delivered them before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from export_pipeline.store.contribution_schema import CONTRIBUTED_HOURS, ENTITY_TYPES
from export_pipeline.store.moments import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An hour of an organization's entity type, when it changed last, and since when it has not settled."""

    organization: str
    eid: str
    hour: datetime
    changed_at: datetime
    changing_since: datetime


def changes_since(connection: sa.Connection, since: datetime) -> Sequence[Change]:
    """The hours that changed then or later."""
    rows = connection.execute(
        sa.select(
            ENTITY_TYPES.c.organization,
            ENTITY_TYPES.c.eid,
            CONTRIBUTED_HOURS.c.hour,
            CONTRIBUTED_HOURS.c.changed_at,
            sa.func.coalesce(
                CONTRIBUTED_HOURS.c.changing_since, CONTRIBUTED_HOURS.c.changed_at, type_=Moment
            ).label("changing_since"),
        )
        .join(ENTITY_TYPES, CONTRIBUTED_HOURS.c.entity_type == ENTITY_TYPES.c.id)
        .where(CONTRIBUTED_HOURS.c.changed_at >= since)
        .order_by(ENTITY_TYPES.c.organization, ENTITY_TYPES.c.eid, CONTRIBUTED_HOURS.c.hour)
    )
    return [Change(**row._mapping) for row in rows]
