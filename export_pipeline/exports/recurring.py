"""Periods that follow each other by a calendar: days, weeks or months of a time zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from export_pipeline.errors import InvalidRequest


class Frequency(StrEnum):
    """How long a period is."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"


DAYS_OF_WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")

# Files that lie beside those of time zones on many machines.
NO_PLACES = ("localtime", "posixrules", "Factory")

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` up to but not including `until`, in UTC."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """Periods end at midnight of the zone: of every day, of one day of the week, of the first of a month."""

    frequency: Frequency
    timezone: str
    day_of_week: str = DAYS_OF_WEEK[0]

    def __post_init__(self) -> None:
        if self.day_of_week not in DAYS_OF_WEEK:
            raise InvalidRequest(f"dayOfWeek: must be one of {', '.join(DAYS_OF_WEEK)}", field="dayOfWeek")
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError) as error:  # also of what is a folder, or no name at all
            raise InvalidRequest(
                "timezone: there is no such time zone; write one like America/Montreal or UTC",
                field="timezone",
            ) from error

    def check_zone(self) -> None:
        """Refuse one that is no zone of a place: its clocks are the machine's own, or count leap seconds."""
        if self.timezone in NO_PLACES or self.timezone.startswith(("posix/", "right/")):
            raise InvalidRequest(
                f"timezone: {self.timezone!r} is no zone of a place; write one like America/Montreal or UTC",
                field="timezone",
            )

    def period_at(self, moment: datetime) -> Period:
        """The period that holds the moment."""
        today = moment.astimezone(ZoneInfo(self.timezone)).date()
        first = self._begin(today)
        # Where clocks are put forward at midnight, the day begins a little later than it is looked for.
        if self._midnight(first) > moment:
            first = self._begin(first - ONE_DAY)
        return Period(self._midnight(first), self._midnight(self._after(first)))

    def _begin(self, day: date) -> date:
        """The first day of the period that holds the day."""
        match self.frequency:
            case Frequency.DAILY:
                return day
            case Frequency.WEEKLY:
                return day - (day.weekday() - DAYS_OF_WEEK.index(self.day_of_week)) % 7 * ONE_DAY
            case Frequency.MONTHLY:
                return day.replace(day=1)

    def _after(self, first: date) -> date:
        """The first day of the period that follows."""
        match self.frequency:
            case Frequency.DAILY:
                return first + ONE_DAY
            case Frequency.WEEKLY:
                return first + 7 * ONE_DAY
            case Frequency.MONTHLY:
                return (first + 31 * ONE_DAY).replace(day=1)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.timezone)).astimezone(UTC)
