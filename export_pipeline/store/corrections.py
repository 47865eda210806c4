"""Hours of entity types that changed, for whoever delivered them before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from export_pipeline.store.contribution_schema import CONTRIBUTED_HOURS, ENTITY_TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An hour of an organization's entity type, and when it changed last."""

    organization: str
    eid: str
    hour: datetime
    changed_at: datetime


def changes_between(connection: sa.Connection, since: datetime, until: datetime) -> Sequence[Change]:
    """The hours that changed last in `[since, until)`."""
    rows = connection.execute(
        sa.select(
            ENTITY_TYPES.c.organization,
            ENTITY_TYPES.c.eid,
            CONTRIBUTED_HOURS.c.hour,
            CONTRIBUTED_HOURS.c.changed_at,
        )
        .join(ENTITY_TYPES, CONTRIBUTED_HOURS.c.entity_type == ENTITY_TYPES.c.id)
        .where(CONTRIBUTED_HOURS.c.changed_at >= since, CONTRIBUTED_HOURS.c.changed_at < until)
        .order_by(ENTITY_TYPES.c.organization, ENTITY_TYPES.c.eid, CONTRIBUTED_HOURS.c.hour)
    )
    return [Change(**row._mapping) for row in rows]
