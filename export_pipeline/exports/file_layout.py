"""Which of the hours that a task asks for share a file."""

from datetime import datetime
from enum import StrEnum

from export_pipeline.windows import HourRange, HourWindow, hours_between


class FileLayout(StrEnum):
    """`hourly`: a file for each table and hour. `single`: a file for each table, with all hours of a task."""

    HOURLY = "hourly"
    SINGLE = "single"

    def windows(self, since: datetime, until: datetime) -> tuple[HourWindow, ...]:
        """What `[since, until)` is delivered as, each with a receipt of its own."""
        if self is FileLayout.SINGLE:
            return (HourRange.between(since, until),)
        return tuple(hours_between(since, until))
