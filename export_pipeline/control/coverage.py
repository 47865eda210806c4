"""What people may see of an export's coverage: how much is delivered, and what failed."""

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from export_pipeline.exports.export import Export
from export_pipeline.store.coverage import Delivered, delivered
from export_pipeline.store.ledger import HourFailure, failures_between

END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """An export as it stands now. `failures` are hours that are not delivered, and why, by hour."""

    delivered: Delivered
    failures: tuple[HourFailure, ...]


def coverage_of(connection: sa.Connection, export: Export) -> Coverage:
    """All of the export's hours so far."""
    failures = failures_between(connection, export.id, export.definition.first_hour, END_OF_TIME)
    return Coverage(delivered=delivered(connection, export.id), failures=tuple(failures))
