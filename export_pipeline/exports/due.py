"""When the schedule delivers an export's hours."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from export_pipeline.errors import HourFailed
from export_pipeline.exports.export import ExportDefinition
from export_pipeline.windows import ONE_HOUR, HourWindow, floor


@dataclass(frozen=True, slots=True)
class DueHour:
    """An hour, and when its rows have settled and its schedule delivers it."""

    window: HourWindow
    due_at: datetime


def due_at(definition: ExportDefinition, moment: datetime) -> HourWindow:
    """The hour whose time has come at the moment of a tick: the latest whose rows have settled."""
    return HourWindow(floor(moment - timedelta(minutes=definition.minutes_to_settle)) - ONE_HOUR)


def check_settled(definition: ExportDefinition, window: HourWindow, now: datetime) -> None:
    """HourFailed while rows of the hour may still be arriving: delivered now, it would lack them for good."""
    settled = window.until + timedelta(minutes=definition.minutes_to_settle)
    if now < settled:
        raise HourFailed(
            f"{window.key}: rows may still be arriving until {settled.isoformat()}; deliver the hour then"
        )


def next_due(definition: ExportDefinition, now: datetime) -> DueHour | None:
    """The next hour that a standing export's schedule delivers; None when its last one is past.

    Hours before that are nobody's but a task's or a backfill's.
    """
    settle = timedelta(minutes=definition.minutes_to_settle)
    start = max(definition.first_hour, due_at(definition, now).start + ONE_HOUR)
    if definition.until is not None and start >= definition.until:
        return None
    return DueHour(HourWindow(start), start + ONE_HOUR + settle)
