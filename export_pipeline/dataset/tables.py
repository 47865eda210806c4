"""What a deployment exposes for export: a dataset of tables of columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from export_pipeline.dataset.types import ColumnType
from export_pipeline.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    import sqlalchemy as sa

    from export_pipeline.dataset.connector_section import ConnectorSection


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column as customers know it. `name` is the API name and the name in the database."""

    name: str
    display_name: str
    type: ColumnType
    nullable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table whose rows belong to hours.

    `relation` is what to select from (a table or view, with its schema if it has one); `time_column`
    puts each row into one hour; `order_by` names columns that together order the rows totally;
    `tenant_column`, if several customers share the table, says whose a row is; if there is none and it is
    `for_every_tenant`, all of them may have all of its rows. A `contributed` table is in our own database and
    `derived` from what third parties gave us.
    """

    name: str
    relation: str
    columns: tuple[Column, ...]
    time_column: str
    order_by: tuple[str, ...]
    tenant_column: str | None = None
    for_every_tenant: bool = False
    derived: "sa.Select[Any] | None" = field(default=None, repr=False, compare=False)

    @property
    def contributed(self) -> bool:
        return self.derived is not None

    def column(self, name: str) -> Column:
        """The column of that API name, whatever its case: `PLAYED` is `played`."""
        by_name = {column.name.casefold(): column for column in self.columns}
        try:
            return by_name[name.casefold()]
        except KeyError as error:
            known = [column.name for column in self.columns]
            raise InvalidRequest(
                f"table {self.name!r} has no column {name!r}{suggestion(name, known)}"
            ) from error

    def select(self, names: Sequence[str]) -> tuple[Column, ...]:
        """The named columns in the order asked for; every column when none is named."""
        chosen = tuple(self.column(name) for name in names)
        if twice := {column.name for column in chosen if chosen.count(column) > 1}:
            raise InvalidRequest(f"columns named twice: {', '.join(sorted(twice))}", field="columns")
        return chosen or self.columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """The tables of one source database. `url_variable` names the environment variable holding its URL; it is
    None where there is no source, and only what third parties contribute can be exported.

    `connectors` are those declared with them, by name; `faces` says of a document (`bitmovin`) which table
    stands for what it speaks of (`sessions`).
    """

    url_variable: str | None
    tables: Mapping[str, Table]
    connectors: Mapping[str, "ConnectorSection"] = field(default_factory=dict)
    faces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def table(self, name: str) -> Table:
        """The table of that name, whatever its case."""
        by_name = {table.name.casefold(): table for table in self.tables.values()}
        try:
            return by_name[name.casefold()]
        except KeyError as error:
            raise NotFound(f"there is no table {name!r}{suggestion(name, list(self.tables))}") from error


def suggestion(name: str, known: Sequence[str]) -> str:
    """The end of an error about an unknown name: the nearest known one, else all of them."""
    lowered = {candidate.casefold(): candidate for candidate in known}
    near = get_close_matches(name.casefold(), lowered, n=1)
    if near:
        return f"; did you mean {lowered[near[0]]!r}?"
    return f"; there are {', '.join(known) or 'none'}"
