"""Context variables: what may stand behind a `$` in a path, and what it is filled from.

Botify's seventeen are here by the names its document gives them, and ours. Botify's speak of an analysis,
named by its slug, or of the exported day, when the slug is left out:

    $crawl.20210102.month    the month of that analysis, whatever is exported: 1
    $crawl.month             the month of the day in which the exported hour lies
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from export_pipeline.errors import InvalidRequest
from export_pipeline.windows import HourWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyContext:
    """What the variables of a template are filled from; `user` and `project` are the export's constants."""

    organization: str
    export: str
    table: str
    extension: str
    window: HourWindow
    revision: int = 1
    user: str | None = None
    project: str | None = None


class Varies(Enum):
    """How a variable's values differ between the hours and revisions of one table: in their digits alone."""

    NEVER = "never"
    IN_DIGITS = "in digits, never in length"
    IN_ONE_OR_TWO_DIGITS = "in one or two digits, the first no zero"
    IN_ANY_DIGITS = "in any number of digits"

    @property
    def in_length(self) -> bool:
        return self in (Varies.IN_ONE_OR_TWO_DIGITS, Varies.IN_ANY_DIGITS)


@dataclass(frozen=True, slots=True)
class Variable:
    """A context variable: its value, how that varies, and which parts of the hour one can read off it."""

    value: Callable[[KeyContext], str]
    varies: Varies = Varies.IN_DIGITS
    tells: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something that a path can say of a day. The attributes of a week later tell of that other day."""

    of: Callable[[date], str]
    varies: Varies = Varies.IN_DIGITS
    tells: frozenset[str] = frozenset()

    @property
    def a_week_later(self) -> "Attribute":
        told = frozenset(f"{part} a week later" for part in self.tells)
        return Attribute(lambda day: self.of(_week_after(day)), self.varies, told)


def _week_after(day: date) -> date:
    try:
        return day + timedelta(weeks=1)
    except OverflowError as error:
        raise InvalidRequest(
            f"path: there is no day one week after {day.isoformat()}", field="path"
        ) from error


THE_DAY = frozenset({"year", "month", "day"})
THE_DAY_A_WEEK_LATER = frozenset(f"{part} a week later" for part in THE_DAY)

_DATE = Attribute(date.isoformat, tells=THE_DAY)
_DAY = Attribute(lambda day: str(day.day), Varies.IN_ONE_OR_TWO_DIGITS, frozenset({"day"}))
_DAY_2DIGITS = Attribute(lambda day: f"{day.day:02}", tells=frozenset({"day"}))
_MONTH = Attribute(lambda day: str(day.month), Varies.IN_ONE_OR_TWO_DIGITS, frozenset({"month"}))
_MONTH_2DIGITS = Attribute(lambda day: f"{day.month:02}", tells=frozenset({"month"}))
_YEAR = Attribute(lambda day: f"{day.year:04}", tells=frozenset({"year"}))
_WEEK_NUMBER = Attribute(lambda day: str(day.isocalendar().week), Varies.IN_ONE_OR_TWO_DIGITS)

# The names are Botify's, the irregular last one too.
ATTRIBUTES: Mapping[str, Attribute] = {
    "date": _DATE,
    "day": _DAY,
    "day_2digits": _DAY_2DIGITS,
    "month": _MONTH,
    "month_2digits": _MONTH_2DIGITS,
    "year": _YEAR,
    "week_number": _WEEK_NUMBER,
    "date_next_week": _DATE.a_week_later,
    "day_next_week": _DAY.a_week_later,
    "day_2digits_next_week": _DAY_2DIGITS.a_week_later,
    "month_next_week": _MONTH.a_week_later,
    "month_2digits_next_week": _MONTH_2DIGITS.a_week_later,
    "year_next_week": _YEAR.a_week_later,
    "week_number_next": _WEEK_NUMBER.a_week_later,
}


def _constant(value: Callable[[KeyContext], str]) -> Variable:
    return Variable(value, Varies.NEVER)


def _given(name: str, value: Callable[[KeyContext], str | None]) -> Variable:
    def given(context: KeyContext) -> str:
        found = value(context)
        if found is None:
            raise InvalidRequest(
                f"path: ${name} has no value in this export; give it one in context.{name}"
                f" (on the command line: --context {name}=VALUE)",
                field="path",
            )
        return found

    return _constant(given)


def _clock(first: int, end: int, *tells: str) -> Variable:
    """A part of the hour's start as ISO 8601 writes it, always of the same length."""
    return Variable(lambda context: context.window.start.isoformat()[first:end], tells=frozenset(tells))


def _of_the_day(attribute: Attribute) -> Variable:
    return Variable(
        lambda context: attribute.of(context.window.start.date()), attribute.varies, attribute.tells
    )


VARIABLES: Mapping[str, Variable] = {
    "organization": _constant(lambda context: context.organization),
    "user": _given("user", lambda context: context.user),
    "project": _given("project", lambda context: context.project),
    "export": _constant(lambda context: context.export),
    "table": _constant(lambda context: context.table),
    "extension": _constant(lambda context: context.extension),
    "year": _clock(0, 4, "year"),
    "month": _clock(5, 7, "month"),
    "day": _clock(8, 10, "day"),
    "hour": _clock(11, 13, "hour"),
    "minute": _clock(14, 16),
    "date": _clock(0, 10, "year", "month", "day"),
    "revision": Variable(lambda context: str(context.revision), Varies.IN_ANY_DIGITS),
    "crawl": _of_the_day(Attribute(lambda day: day.isoformat().replace("-", ""), tells=THE_DAY)),
    **{f"crawl.{name}": _of_the_day(attribute) for name, attribute in ATTRIBUTES.items()},
}


def of_analysis(slug: str, attribute: str | None) -> Variable:
    """The variable of the analysis `20210102` or `20210102-2`: its slug, or an attribute of its day."""
    digits = slug[:8]
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError as error:
        raise InvalidRequest(
            f"path: $crawl.{digits} names no day; an analysis is written like crawl.20210102", field="path"
        ) from error
    value = slug if attribute is None else ATTRIBUTES[attribute].of(day)
    return _constant(lambda _context: value)
