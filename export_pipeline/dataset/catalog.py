"""What a database says of its tables, in words that do not depend on the engine."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from export_pipeline.dataset.types import Kind
from export_pipeline.errors import ExportPipelineError

# A value of one of these is never made another; a family's members differ in size only.
INTEGERS = frozenset({Kind.INT16, Kind.INT32, Kind.INT64, Kind.UINT64})
FLOATS = frozenset({Kind.FLOAT32, Kind.FLOAT64})
# Read as text whatever the engine's type is, but only text, identifiers and documents make sense there.
TEXTS = frozenset({Kind.STRING, Kind.UUID, Kind.JSON})
# An array, a list, a struct: read as the JSON that says the same.
DOCUMENTS = frozenset({Kind.JSON})
DURATIONS = frozenset({Kind.INTERVAL})


class Unreachable(ExportPipelineError):
    """The database cannot be asked; the message says what to do."""


class Unreadable(ExportPipelineError):
    """The database answers, but will not describe this table; the message is its reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundColumn:
    """A column as it is. `becomes` are the kinds it can be declared as; None if that cannot be told."""

    name: str
    type: str
    becomes: frozenset[Kind] | None
    nullable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTable:
    """A table or view as it is.

    `keys` are the sets of columns that a primary key or unique index keeps different in every row, `indexes`
    the columns of each index in order. None: the engine has none there (a view), or does not need them.
    """

    columns: tuple[FoundColumn, ...]
    view: bool
    keys: tuple[frozenset[str], ...] | None
    indexes: tuple[tuple[str, ...], ...] | None


class Catalog(Protocol):
    """A database, opened for looking at its tables."""

    @property
    def folds_case(self) -> bool:
        """Whether a name is found in whatever case it is written."""

    def relations(self, schema: str | None) -> Sequence[str]:
        """The names of the schema's tables and views; of the default schema for None. Raises Unreadable."""

    def columns(self, schema: str | None, name: str) -> tuple[FoundColumn, ...]:
        """The columns of the table or view of a name that is there. Raises Unreadable."""

    def table(self, schema: str | None, name: str) -> FoundTable:
        """The table or view of a name that is there. Raises Unreadable."""


OpenCatalog = AbstractContextManager[Catalog]
