"""What people may see of an export's coverage: how much is delivered, what failed, and what waits."""

from dataclasses import dataclass

import sqlalchemy as sa

from export_pipeline.exports.export import Export
from export_pipeline.store.connectors import get_connector
from export_pipeline.store.coverage import Delivered, delivered
from export_pipeline.store.ledger import HourFailure, failures_between
from export_pipeline.store.waits import Wait, waits_of, why_wait
from export_pipeline.windows import END_OF_TIME


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """An export as it stands now. `failures` are hours that are not delivered, and why, by hour.

    `waiting` are hours that wait, and `waits_for` is why whatever is wanted of the export now waits as well;
    None once its connector is running again, and soon nothing waits any more.
    """

    delivered: Delivered
    failures: tuple[HourFailure, ...]
    waiting: tuple[Wait, ...]
    waits_for: str | None


def coverage_of(connection: sa.Connection, export: Export) -> Coverage:
    """All of the export's hours so far."""
    failures = failures_between(connection, export.id, export.definition.first_hour, END_OF_TIME)
    return Coverage(
        delivered=delivered(connection, export.id),
        failures=tuple(failures),
        waiting=tuple(waits_of(connection, export.id)),
        waits_for=why_wait(get_connector(connection, export.connector_id)),
    )
