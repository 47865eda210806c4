"""The standing definition of what is exported, in what form and where to."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from export_pipeline.connectors.limits import text_problem
from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.exports.naming import HOUR_PATTERN
from export_pipeline.exports.variables import KeyContext
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.file_format import FileFormat
from export_pipeline.windows import END_OF_TIME, ONE_HOUR, HourWindow, floor, in_utc

# Dagster builds names of ops and jobs from it, and object keys hold it: so no dots, no leading digit,
# no upper case. Dashes are single and inside: `__` stands between an organization and its export.
SLUG_PATTERN = r"^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$"
SHORTEST_SLUG, LONGEST_SLUG = 2, 63

# The organization that is there from the start; its exports need no organization in their names.
DEFAULT_ORGANIZATION = "default"

MINUTES_TO_SETTLE = 10  # rows of an hour may still be arriving when it ends
MAX_MINUTES_TO_SETTLE = 24 * 60

# It ends, and its rows settle, before times do.
LAST_HOUR = floor(END_OF_TIME - timedelta(minutes=MAX_MINUTES_TO_SETTLE)) - ONE_HOUR

# Far above what anybody writes, and low enough that a definition is checked at once.
MAX_TABLES = 100
MAX_COLUMNS = 2_000
MAX_FILTERS = 20
MAX_NAME = 255
MAX_TEMPLATE = 1024
MAX_ROW_LIMIT = 10**15


def _whole_hour(moment: datetime) -> datetime:
    moment = in_utc(moment)
    if moment > LAST_HOUR:
        raise ValueError(f"is out of the range of times; choose {LAST_HOUR.isoformat()} or an earlier one")
    if moment != floor(moment):
        raise ValueError(
            f"{moment.isoformat()} is not on the hour; the hour begins at {floor(moment).isoformat()}"
        )
    return moment


WholeHour = Annotated[AwareDatetime, AfterValidator(_whole_hour)]


def _one_or_several(data: Any) -> Any:
    """`filter = "..."` is short for `filters = ["..."]`; blank, for none."""
    if not isinstance(data, Mapping) or "filter" not in data:
        return data
    if data.get("filters"):
        raise ValueError("filter and filters are both given; name all of them in filters")
    others = {name: value for name, value in data.items() if name != "filter"}
    return {**others, "filters": () if data["filter"] == "" else (data["filter"],)}


class TableChoice(BaseModel):
    """A table by name and the columns chosen from it, in order; none named means all of them.

    `filters` are texts of the filter language, for this table alone: each of them has to hold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(max_length=MAX_NAME)
    columns: tuple[Annotated[str, Field(max_length=MAX_NAME)], ...] = Field((), max_length=MAX_COLUMNS)
    filters: tuple[str, ...] = Field((), max_length=MAX_FILTERS)

    _filter = model_validator(mode="before")(_one_or_several)


def _one_part(text: str) -> str:
    if text in (".", "..") or re.search(r"[/\\]", text) or text_problem(text):
        raise ValueError("must be one part of a path, without slashes and control characters")
    return text


PathPart = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_one_part)]


class PathContext(BaseModel):
    """What `$user` and `$project` stand for in the paths of one export."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: PathPart | None = None
    project: PathPart | None = None


class ExportDefinition(BaseModel):
    """What a customer asks for, as it was asked. It is stored as JSON and shown back.

    `filters` are texts of the filter language; each applies to every chosen table that has all of its
    columns. `tenant` selects one customer's rows where tables are shared; `push_helpers` puts side files
    beside the data: its schema, and statements that load it; `until` is the end of the last hour, if there
    is one. `row_limit` takes the first rows of each table only, where one file holds all of a task's hours.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tables: tuple[TableChoice, ...] = Field(min_length=1, max_length=MAX_TABLES)
    filters: tuple[str, ...] = Field((), max_length=MAX_FILTERS)
    tenant: str | None = Field(None, max_length=MAX_NAME)
    format: FileFormat = CsvFormat()
    subdirectory: str = Field("", max_length=MAX_TEMPLATE)
    filename: str | None = Field(None, max_length=MAX_TEMPLATE)
    context: PathContext = PathContext()
    push_helpers: bool = False
    layout: FileLayout = FileLayout.HOURLY
    row_limit: int | None = Field(None, ge=1, le=MAX_ROW_LIMIT)
    first_hour: WholeHour
    until: WholeHour | None = None
    minutes_to_settle: int = Field(MINUTES_TO_SETTLE, ge=0, le=MAX_MINUTES_TO_SETTLE)

    _filter = model_validator(mode="before")(_one_or_several)

    @field_validator("until")
    @classmethod
    def _ends_after_it_begins(cls, until: datetime | None, info: ValidationInfo) -> datetime | None:
        first_hour = info.data.get("first_hour")
        if until is not None and first_hour is not None and until <= first_hour:
            raise ValueError(f"must be after the first hour, {first_hour.isoformat()}")
        return until

    @field_validator("row_limit")
    @classmethod
    def _is_of_one_file(cls, row_limit: int | None, info: ValidationInfo) -> int | None:
        if row_limit is not None and info.data.get("layout") is FileLayout.HOURLY:
            raise ValueError("is for the layout single, in which one file holds all hours; leave it out")
        return row_limit

    @property
    def filter(self) -> str:
        """The common filters as one text, as they were written."""
        return joined(self.filters)

    def holds(self, table: str) -> bool:
        """Whether the table of that name is one of them, whatever its case."""
        return any(choice.name.casefold() == table.casefold() for choice in self.tables)

    @property
    def path(self) -> str:
        """The template of the keys: subdirectory and filename joined."""
        each_table = "$table-" if len(self.tables) > 1 else ""
        name = "data" if self.layout is FileLayout.SINGLE else HOUR_PATTERN
        filename = self.filename if self.filename is not None else f"{each_table}{name}.$extension"
        folder = self.subdirectory.removesuffix("/")
        return f"{folder}/{filename}" if folder else filename

    def key_context(
        self, *, organization: str, export: str, table: str, window: HourWindow, revision: int = 1
    ) -> KeyContext:
        """What the path's variables are filled from, for one table of one hour."""
        return KeyContext(
            organization=organization,
            export=export,
            table=table,
            extension=self.format.extension,
            window=window,
            revision=revision,
            user=self.context.user,
            project=self.context.project,
        )


def joined(filters: Sequence[str]) -> str:
    """One text for several of which each has to hold."""
    return filters[0] if len(filters) == 1 else " AND ".join(f"({text})" for text in filters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An accepted definition: who owns it, through which connector it goes, whether it recurs.

    A `standing` export has a Dagster asset and a schedule; one that is not serves tasks only. One that is
    `generated` was made for a one-off request, and has a name that nobody chose.
    """

    id: str
    organization: str
    slug: str
    connector_id: str
    definition: ExportDefinition
    standing: bool = True
    generated: bool = False
    paused: bool = False
    created_at: datetime

    @property
    def identity(self) -> str:
        """What marks an object as this export's: stays the same when it is deleted and made again."""
        return f"{self.organization}/{self.slug}"

    def key_context(self, table: str, window: HourWindow, revision: int = 1) -> KeyContext:
        """What the variables of its path are filled from, for one table of one hour."""
        return self.definition.key_context(
            organization=self.organization, export=self.slug, table=table, window=window, revision=revision
        )

    @property
    def asset_path(self) -> tuple[str, ...]:
        """Its asset's key in Dagster: `exports/<slug>`; the organization between unless the default one."""
        between = () if self.organization == DEFAULT_ORGANIZATION else (self.organization,)
        return ("exports", *between, self.slug)
