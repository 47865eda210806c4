"""The document's queries, as rows of a table in a range of days.

A collection is a table; `crawl.20210102` is the table `crawl` on that day. Dimensions are its columns. There
is one file for each job, so there is one collection; nothing is aggregated, so there are no metrics.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pydantic import BaseModel

from export_pipeline.api.botify.conditions import filter_of, refused
from export_pipeline.api.botify.fields import NO_SUCH_FIELD, QUERY
from export_pipeline.control.tenancy import tables_for
from export_pipeline.dataset.tables import Dataset, Table, suggestion
from export_pipeline.errors import InvalidRequest
from export_pipeline.filters.text import text_of
from export_pipeline.filters.tree import EVERY_ROW

# Of an analysis: `20210102`, and `20210102-2` for another one of that day, of which we know none.
DATED = re.compile(r"(?P<table>.+)\.(?P<day>\d{8})")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Inner(BaseModel, extra="forbid"):
    """What of the collection's rows is wanted."""

    dimensions: list[str] = []
    metrics: list[Any] = []
    filters: dict[str, Any] | None = None
    sort: list[Any] = []


class Query(BaseModel, extra="forbid"):
    """A query as the document has it."""

    collections: list[str]
    periods: list[tuple[str, str]] = []
    query: Inner = Inner()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Rows of a table: the columns (none: all), the filter's text, and whose days they are of."""

    table: Table
    collection: str
    columns: Sequence[str]
    filter: str
    since: datetime
    until: datetime


def wanted_by(query: Query, dataset: Dataset) -> Wanted:
    """What a query asks for. InvalidRequest names what cannot be had."""
    for name, value in (("metrics", query.query.metrics), ("sort", query.query.sort)):
        if value:
            raise refused(
                f"{QUERY}.query.{name}", "rows are exported as they are, in their own order; leave it out"
            )
    collection, table, day = _collection(query.collections, dataset)

    def column(name: str, at: str) -> str:
        for prefix in (f"{collection}.", f"{table.name}.", ""):
            if name.startswith(prefix):
                try:
                    return table.column(name.removeprefix(prefix)).name
                except InvalidRequest:
                    continue
        known = [f"{collection}.{one.name}" for one in table.columns]
        raise refused(at, f"{NO_SUCH_FIELD} {name!r}{suggestion(name, known)}")

    filters = query.query.filters
    filter_ = filter_of(filters, column, f"{QUERY}.query.filters") if filters else EVERY_ROW
    since, until = _range(query.periods, day)
    return Wanted(
        table=table,
        collection=collection,
        columns=[
            column(name, f"{QUERY}.query.dimensions.{index}")
            for index, name in enumerate(query.query.dimensions)
        ],
        filter=text_of(filter_),
        since=since,
        until=until,
    )


def _collection(names: Sequence[str], dataset: Dataset) -> tuple[str, Table, date | None]:
    at = f"{QUERY}.collections"
    if len(names) != 1:
        raise refused(at, "a job makes one file, of one collection; name one, and make a job for each other")
    (name,) = names
    known = {table.name: table for table in tables_for(dataset)}
    dated = DATED.fullmatch(name)
    table = known.get(dated["table"] if dated else name)
    if table is None:
        raise refused(f"{at}.0", f"there is no collection {name!r}{suggestion(name, [*known])}")
    return name, table, _day(dated["day"], f"{at}.0") if dated else None


def _range(periods: Sequence[tuple[str, str]], day: date | None) -> tuple[datetime, datetime]:
    """From the start of the first day to the end of the last, which is included; days are UTC."""
    at = f"{QUERY}.periods"
    if day is not None:
        if periods:
            raise refused(at, f"the collection is of {day.isoformat()} alone; leave the periods out")
        return _start(day), _start(day) + timedelta(days=1)
    if len(periods) != 1:
        raise refused(at, 'give one period, like [["2021-01-01", "2021-01-31"]], and a job for each other')
    first, last = (_day(text, f"{at}.0.{index}") for index, text in enumerate(periods[0]))
    if last < first:
        raise refused(f"{at}.0", "its last day comes before its first; turn them round")
    try:
        return _start(first), _start(last) + timedelta(days=1)
    except OverflowError:
        raise refused(f"{at}.0.1", "is the last day there is; choose an earlier one") from None


def _day(text: str, at: str) -> date:
    if DAY.fullmatch(text) or (text.isascii() and text.isdigit() and len(text) == 8):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise refused(at, f"{text[:40]!r} is no day; write one like 2021-01-31")


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
