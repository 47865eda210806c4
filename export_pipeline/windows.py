"""Hours of time: half-open, in UTC, never anything else."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from export_pipeline.errors import InvalidRequest

ONE_HOUR = timedelta(hours=1)

BEGINNING_OF_TIME, END_OF_TIME = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

# Dagster's own key for an hourly partition, so that one string means one hour everywhere.
KEY_FORMAT = "%Y-%m-%d-%H:%M"


@dataclass(frozen=True, order=True, slots=True)
class HourWindow:
    """The rows of one UTC hour: from `since` up to but not including `until`.

    `start` names the hour. `since` and `until` are its bounds, or lie inside them in the first and
    last hour of a task that does not begin or end on the hour.
    """

    start: datetime
    since: datetime = None  # type: ignore[assignment]  # always set below
    until: datetime = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        object.__setattr__(self, "since", self.since or self.start)
        object.__setattr__(self, "until", self.until or self.start + ONE_HOUR)
        for moment in (self.start, self.since, self.until):
            if moment.tzinfo is not UTC:
                raise ValueError(f"an hour is in UTC, got {moment.isoformat()}")
        if self.start != floor(self.start):
            raise ValueError(f"an hour starts on the hour, got {self.start.isoformat()}")
        if not self.start <= self.since < self.until <= self.start + ONE_HOUR:
            raise ValueError(f"{self.since.isoformat()} to {self.until.isoformat()} is no part of {self.key}")

    @classmethod
    def from_key(cls, key: str) -> "HourWindow":
        """The whole hour named by `key`, like `2013-01-01-05:00`."""
        try:
            return cls(datetime.strptime(key, KEY_FORMAT).replace(tzinfo=UTC))
        except (ValueError, OverflowError) as error:  # the last hour of all has no end
            raise InvalidRequest(f"{key!r} is not an hour; write it like 2013-01-01-05:00 (UTC)") from error

    @property
    def key(self) -> str:
        """The hour's name, Dagster's partition key: `2013-01-01-05:00`."""
        return self.start.isoformat(sep="-")[:16]  # strftime would write the year 900 with three digits

    @property
    def whole(self) -> bool:
        """Whether no part of the hour is left out."""
        return self.since == self.start and self.until == self.start + ONE_HOUR

    @property
    def hours(self) -> "tuple[HourWindow, ...]":
        """The hours that it holds: itself."""
        return (self,)


@dataclass(frozen=True, order=True, slots=True)
class HourRange(HourWindow):
    """The hours of `[since, until)` as one, where one file holds all of them. `start` is the first's."""

    def __post_init__(self) -> None:
        for moment in (self.start, self.since, self.until):
            if moment.tzinfo is not UTC:
                raise ValueError(f"a range is in UTC, got {moment.isoformat()}")
        if self.start != floor(self.since):
            raise ValueError(f"{self.start.isoformat()} is not the hour of {self.since.isoformat()}")
        if not self.since < self.until:
            raise ValueError(f"{self.until.isoformat()} is not after {self.since.isoformat()}")

    @classmethod
    def between(cls, since: datetime, until: datetime) -> "HourRange":
        """The hours of `[since, until)`, the first and last clipped to it."""
        return cls(floor(since), since, until)

    @property
    def key(self) -> str:
        """What messages call it: `2013-01-01-05:00 to 2013-01-02-00:00`."""
        return " to ".join(moment.isoformat(sep="-")[:16] for moment in (self.since, self.until))

    @property
    def hours(self) -> tuple[HourWindow, ...]:
        """One by one, in order."""
        return tuple(hours_between(self.since, self.until))


def floor(moment: datetime) -> datetime:
    """The start of the hour that holds `moment`."""
    return moment.replace(minute=0, second=0, microsecond=0)


def hours_between(start: datetime, end: datetime) -> Iterator[HourWindow]:
    """The hours of `[start, end)`, in order, without gap or overlap; first and last clipped to it."""
    hour = floor(start)
    while hour < end:
        yield HourWindow(hour, max(hour, start), min(hour + ONE_HOUR, end))
        hour += ONE_HOUR


def spans(hours: Iterable[HourWindow], most: int) -> Iterator[tuple[datetime, datetime]]:
    """The hours, which come in order, as few half-open ranges of at most so many hours each."""
    span: list[HourWindow] = []
    for hour in hours:
        if span and (span[-1].until != hour.since or len(span) == most):
            yield span[0].since, span[-1].until
            span = []
        span.append(hour)
    if span:
        yield span[0].since, span[-1].until


def in_utc(moment: datetime) -> datetime:
    """The same instant. ValueError where it lies in a year that is none in UTC."""
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is out of the range of times; correct it") from error


NO_TIME = "is not a time; write it like 2013-01-01T05:00:00Z"


def is_moment_of_no_calendar(text: str) -> bool:
    """Whether the text is written as a moment is, of a day or a time that there is not."""
    form = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})?"
    if not re.fullmatch(form, text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return True
    return False


def moment_from(text: str, *, field: str) -> datetime:
    """The instant that an ISO 8601 text names, in UTC.

    A text without a zone is refused: whose midnight would it mean? A Dagster partition key is taken as well.
    """
    try:
        return HourWindow.from_key(text).start
    except InvalidRequest:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        none_such = is_moment_of_no_calendar(text)
        said = "is a day or time that there is not; correct it" if none_such else NO_TIME
        raise InvalidRequest(f"{field}: {text!r} {said}", field=field) from error
    if moment.tzinfo is None:
        raise InvalidRequest(f"{field}: {text!r} names no zone; add Z for UTC", field=field)
    try:
        return in_utc(moment)
    except ValueError as error:
        raise InvalidRequest(f"{field}: {text!r} {error}", field=field) from error
