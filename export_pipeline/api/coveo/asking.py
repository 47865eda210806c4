"""What is asked for, as parameters of an address or as a body: two spellings of the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import ConfigDict, Field

from export_pipeline.api.bodies import JsonBody
from export_pipeline.control.event_exports import EventExport, end_of
from export_pipeline.errors import InvalidRequest
from export_pipeline.windows import moment_from

FORMATS = ("EXCEL", "NO_NEWLINE")

# What parameters call by a letter, and the core as it likes.
IN_BODIES = {
    "d": "description",
    "f": "commonFilters",
    "fc": "customEventsFilters",
    "filter": "commonFilters",
    "fs": "searchesFilters",
}

Texts = Annotated[list[str], Query()]


class ExportBody(JsonBody):
    """An export as a body asks for it. What else stands there is of no matter."""

    model_config = ConfigDict(populate_by_name=True)

    from_: str = Field(alias="from")
    to: str
    commonFilters: list[str] | None = None
    searchesFilters: list[str] | None = None
    customEventsFilters: list[str] | None = None
    filename: str | None = None
    description: str | None = None
    dimensions: list[str] | None = None
    tables: list[str] | None = None
    exportFormat: str | None = None
    useDisplayNames: bool | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """An export, and its range."""

    export: EventExport
    since: datetime
    until: datetime


def by_query(
    from_: Annotated[str, Query(alias="from")],
    to: Annotated[str, Query()],
    f: Texts = [],  # noqa: B006 -- FastAPI copies it
    fs: Texts = [],  # noqa: B006
    fc: Texts = [],  # noqa: B006
    tables: Texts = [],  # noqa: B006
    dimensions: Texts = [],  # noqa: B006
    filename: str | None = None,
    d: str | None = None,
    format: str | None = None,  # the parameter's name
    useDisplayNames: bool = False,
) -> Asked:
    """What the parameters ask for."""
    export = EventExport(
        filters=tuple(f),
        searches_filters=tuple(fs),
        custom_events_filters=tuple(fc),
        tables=tuple(tables),
        dimensions=tuple(dimensions),
        one_line=one_line(format, field="format"),
        display_names=useDisplayNames,
        filename=filename or None,
        description=d,
    )
    return _asked(export, from_, to)


def by_body(body: ExportBody) -> Asked:
    """What the body asks for."""
    export = EventExport(
        filters=tuple(body.commonFilters or ()),
        searches_filters=tuple(body.searchesFilters or ()),
        custom_events_filters=tuple(body.customEventsFilters or ()),
        tables=tuple(body.tables or ()),
        dimensions=tuple(body.dimensions or ()),
        one_line=one_line(body.exportFormat, field="exportFormat"),
        display_names=body.useDisplayNames or False,
        filename=body.filename or None,
        description=body.description,
    )
    return _asked(export, body.from_, body.to)


@contextmanager
def named_as_in_body(**also: str) -> Iterator[None]:
    """Have refusals name fields as bodies do; `also`: here, besides."""
    names = {**IN_BODIES, **also}
    try:
        yield
    except InvalidRequest as error:
        if error.field is None or error.field not in names:
            raise
        field, said = names[error.field], str(error).removeprefix(error.field).lstrip(" ,:")
        raise InvalidRequest(f"{field}: {said}", field=field) from error


def one_line(format_: str | None, *, field: str) -> bool:
    """Whether it is the format that keeps records on one line; without any, it is the other."""
    if format_ and format_.upper() not in FORMATS:
        raise InvalidRequest(f"{field}: must be one of {', '.join(FORMATS)}", field=field)
    return format_ is not None and format_.upper() == "NO_NEWLINE"


def _asked(export: EventExport, from_: str, to: str) -> Asked:
    since, last = moment_from(from_, field="from"), moment_from(to, field="to")
    if last <= since:
        raise InvalidRequest(f"to: {to} is not after from, {from_}; choose a later end", field="to")
    return Asked(export, since, end_of(last))
