"""Exports of events as the Coveo document asks for them: one range, some tables, three kinds of filters.

A filter for all events applies to every chosen table that has all of its columns; one for searches to those
of searches, clicks, keywords and groups that have them; one for custom events to that table.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from export_pipeline.control.exports import definition_from
from export_pipeline.control.requests import request_export
from export_pipeline.control.tenancy import tables_for, tenant_for
from export_pipeline.dataset.tables import Dataset, Table, suggestion
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.export import ExportDefinition, joined
from export_pipeline.exports.plan import plan_of
from export_pipeline.exports.scopes import tables_with
from export_pipeline.exports.task import ExportTask
from export_pipeline.filters.grammar import parse
from export_pipeline.filters.named import resolve
from export_pipeline.filters.tree import Filter
from export_pipeline.store.encryption import SecretKey
from export_pipeline.store.named_filters import named_filters
from export_pipeline.store.tenants import tenants_of
from export_pipeline.windows import floor

ORIGIN = "coveo"

SEARCH_TABLES = ("searches", "clicks", "keywords", "groups")
CUSTOM_TABLES = ("custom_events",)
ALL_EVENTS = "all_events"
EVENT_TABLES = ("searches", "clicks", "custom_events")  # what that name stands for

MAX_DESCRIPTION = 2_000

MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventExport:
    """What is wanted of any range. Nothing named means all of it: every table, every dimension.

    `one_line` keeps every record on a line of its own, and escapes with a backslash.
    """

    filters: tuple[str, ...] = ()
    searches_filters: tuple[str, ...] = ()
    custom_events_filters: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    one_line: bool = False
    display_names: bool = False
    filename: str | None = None
    description: str | None = None

    @classmethod
    def from_stored(cls, data: Mapping[str, Any]) -> "EventExport":
        """What `stored` gave."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        return cls(**values)

    def stored(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {name: [*value] if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @property
    def named_filters(self) -> dict[str, str]:
        """The filters of each kind as one text, by the document's names for the kinds."""
        kinds = {
            "commonFilters": self.filters,
            "searchesFilters": self.searches_filters,
            "customEventsFilters": self.custom_events_filters,
        }
        return {kind: joined(texts) for kind, texts in kinds.items() if texts}


def end_of(to: datetime) -> datetime:
    """The end of a range whose last moment is `to`, which is included: all of its millisecond.

    But an hour that only begins then is not meant: `to` on the hour is where the hour before it ends.
    """
    try:
        return to if to == floor(to) else to + MILLISECOND
    except OverflowError as error:
        raise InvalidRequest("to: is the last moment there is; choose an earlier one", field="to") from error


def request_events(
    connection: sa.Connection,
    key: SecretKey,
    dataset: Dataset,
    *,
    organization: str,
    connector: str,
    asked: EventExport,
    since: datetime,
    until: datetime,
    author: str,
    schedule_id: str | None = None,
) -> ExportTask:
    """Accept a request for `[since, until)`; its files are its own. Refused, nothing is stored."""
    _check_texts(asked)
    own, named = tenants_of(connection, organization), named_filters(connection, organization)
    definition = definition_of(asked, dataset, organization, named, since, own)
    return request_export(
        connection,
        key,
        dataset,
        organization=organization,
        connector=connector,
        definition=definition,
        since=since,
        until=until,
        origin=ORIGIN,
        name=asked.filename,
        properties={**asked.stored(), "author": author, "schedule_id": schedule_id},
        own_files=True,
    )


def check_event_export(
    connection: sa.Connection, dataset: Dataset, organization: str, asked: EventExport
) -> None:
    """Refuse what no range could be exported of. InvalidRequest names the field that does not fit."""
    _check_texts(asked)
    own, named = tenants_of(connection, organization), named_filters(connection, organization)
    plan_of(definition_of(asked, dataset, organization, named, datetime.now(UTC), own), dataset, named)


def definition_of(
    asked: EventExport,
    dataset: Dataset,
    organization: str,
    named: Mapping[str, Filter],
    first: datetime,
    own: Sequence[str] = (),
) -> ExportDefinition:
    """What is wanted as an export's definition; `own` are the organization's tenants. InvalidRequest names
    the field that does not fit.
    """
    chosen = _with_dimensions(_tables(dataset, asked.tables), asked)
    tables = [table for table, _ in chosen]
    of_searches = _scoped("fs", asked.searches_filters, tables, SEARCH_TABLES, named)
    of_custom = _scoped("fc", asked.custom_events_filters, tables, CUSTOM_TABLES, named)
    _check_filters("f", asked.filters)
    return definition_from(
        {
            "tables": [
                {
                    "name": table.name,
                    "columns": columns,
                    "filters": [*of_searches.get(table.name, []), *of_custom.get(table.name, [])],
                }
                for table, columns in chosen
            ],
            "filters": asked.filters,
            "tenant": tenant_for(tables, organization, own),
            "format": {
                "type": "csv",
                "dialect": "no_newline" if asked.one_line else "excel",
                "header": "display" if asked.display_names else "api",
            },
            # One file for each table, as the document has it: what a connector takes of rows is asked of it.
            "layout": "single",
            "subdirectory": "events/$export",
            "filename": "$table.$extension",
            "first_hour": floor(first),
        }
    )


def _tables(dataset: Dataset, names: Sequence[str]) -> Sequence[Table]:
    """The tables of those names, whatever their case, each once; all there are when none is named."""
    known = {table.name: table for table in tables_for(dataset)}
    chosen: dict[str, Table] = {}
    for name in map(str.lower, names):
        meant = [one for one in EVENT_TABLES if one in known] if name == ALL_EVENTS else [name]
        for one in meant:
            if one not in known:
                raise InvalidRequest(
                    f"tables: there is no table {name!r}{suggestion(name, [*known])}", field="tables"
                )
            chosen[one] = known[one]
    return [*(chosen or known).values()]


def _with_dimensions(tables: Sequence[Table], asked: EventExport) -> Sequence[tuple[Table, Sequence[str]]]:
    """Each table with those of the dimensions that it has. One without is left out, unless it is named."""
    if not asked.dimensions:
        return [(table, []) for table in tables]
    wanted = [*dict.fromkeys(name.casefold() for name in asked.dimensions)]
    having = {
        table.name: {column.name.casefold(): column.name for column in table.columns} for table in tables
    }
    for name in asked.dimensions:
        if not any(name.casefold() in columns for columns in having.values()):
            every = [*dict.fromkeys(column.name for table in tables for column in table.columns)]
            raise InvalidRequest(
                f"dimensions: none of the tables has {name!r}{suggestion(name, every)}", field="dimensions"
            )
    chosen = []
    for table in tables:
        columns = [having[table.name][name] for name in wanted if name in having[table.name]]
        if columns:
            chosen.append((table, columns))
        elif asked.tables:
            raise InvalidRequest(
                f"dimensions: the table {table.name!r} has none of them; leave the table out, or name one of"
                f" its own, like {table.columns[0].name!r}",
                field="dimensions",
            )
    return chosen


def _scoped(
    field: str,
    texts: Sequence[str],
    tables: Sequence[Table],
    scope: Sequence[str],
    named: Mapping[str, Filter],
) -> Mapping[str, list[str]]:
    """The filters of each table in scope; where none of these was chosen, there are no rows to keep."""
    concerned = [table for table in tables if table.name in scope]
    found: dict[str, list[str]] = {}
    for text in texts if concerned else ():
        with _said_of(field):
            for table in tables_with(resolve(parse(text), named), concerned):
                found.setdefault(table.name, []).append(text)
    if not concerned:
        _check_filters(field, texts)
    return found


def _check_filters(field: str, texts: Sequence[str]) -> None:
    for text in texts:
        with _said_of(field):
            parse(text)


@contextmanager
def _said_of(field: str) -> Iterator[None]:
    try:
        yield
    except InvalidRequest as error:
        told = str(error).removeprefix("filter").lstrip(" ,:")
        raise InvalidRequest(f"{field}: {told}", field=field) from error


def _check_texts(asked: EventExport) -> None:
    name = asked.filename
    if name is not None and (
        not name.isascii()
        or not name.isprintable()
        or any(mark in name for mark in '/\\"')
        or not name.strip()
    ):
        raise InvalidRequest(
            "filename: may hold only US-ASCII characters that can be printed, and none of / \\ and the quote;"
            " choose another",
            field="filename",
        )
    description = asked.description or ""
    if len(description) > MAX_DESCRIPTION:
        raise InvalidRequest(
            f"d: the description is longer than {MAX_DESCRIPTION:,} characters; shorten it", field="d"
        )
    if any("\ud800" <= character <= "\udfff" for character in description):
        raise InvalidRequest("d: the description holds half of a character; write it anew", field="d")
