"""The columns of a file: constants before the data, the data, constants after it, and what each is called."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import BaseModel, Field, field_validator

from export_pipeline.dataset.names import wrong_display_name
from export_pipeline.dataset.tables import Column
from export_pipeline.dataset.types import Kind
from export_pipeline.errors import InvalidRequest
from export_pipeline.formats.formatter import still_possible
from export_pipeline.formats.kernels import Field as ArrowField
from export_pipeline.formats.kernels import Text

# What columns are called in a file: by their API names, or as people call them.
Naming = Literal["api", "display"]

# A constant stands in every row, and a block's rows are in memory: far above what anybody writes.
LONGEST_CONSTANT = 1_000
LONGEST_NAME = 255
MOST_CONSTANTS = 100


class ConstantColumn(BaseModel, frozen=True, extra="forbid"):
    """A column that holds the same text in every row. `slug` is its API name, `name` its display name."""

    value: str = Field(max_length=LONGEST_CONSTANT)
    slug: str = Field(min_length=1, max_length=LONGEST_NAME)
    name: str | None = Field(None, min_length=1, max_length=LONGEST_NAME)

    @field_validator("slug", "name")
    @classmethod
    def _is_a_name(cls, name: str | None) -> str | None:
        if name is not None and (wrong := wrong_display_name(name)):
            raise ValueError(wrong)
        return name


Constants = Annotated[tuple[ConstantColumn, ...], Field(max_length=MOST_CONSTANTS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileColumns:
    """How a table's columns become a file's. `option` is the format's option that names them, for messages;
    where nothing is named in the file (`naming` is None), a constant may have the name of another column:
    it is given a number to go by.
    """

    before: tuple[ConstantColumn, ...]
    after: tuple[ConstantColumn, ...]
    naming: Naming | None = "api"
    prefix: str = ""
    option: str = "names"

    def check(self, columns: Sequence[Column]) -> tuple[str, ...]:
        """The names in the file. InvalidRequest when two columns would have the same, whatever its case."""
        return self._names([(column.name, column.display_name) for column in columns])

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """The schema of the file's rows. PermanentFailure when two columns would have the same name."""
        fields = [schema.field(i) for i in range(len(schema))]
        with still_possible():
            names = self._names([(field.name, _display_name(field)) for field in fields])
        laid_out = [*map(_constant, self.before), *fields, *map(_constant, self.after)]
        return pa.schema([field.with_name(name) for field, name in zip(laid_out, names, strict=True)])

    def batches(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same rows with the constants before and after them."""
        for batch in batches:
            if self.before or self.after:
                columns = [*self._texts(self.before, batch), *batch.columns, *self._texts(self.after, batch)]
                yield pa.RecordBatch.from_arrays(columns, names=[str(n) for n in range(len(columns))])
            else:
                yield batch

    @staticmethod
    def _texts(constants: Sequence[ConstantColumn], batch: pa.RecordBatch) -> Iterator[Text]:
        return (pa.repeat(constant.value, batch.num_rows) for constant in constants)

    def _names(self, columns: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        spelled = [(constant.slug, constant.name or constant.slug) for constant in self.before]
        spelled += [(self.prefix + api, display) for api, display in columns]
        spelled += [(constant.slug, constant.name or constant.slug) for constant in self.after]
        names = [display if self.naming == "display" else api for api, display in spelled]
        if self.naming is None:
            return self._numbered(names)
        first: dict[str, int] = {}
        for position, name in enumerate(names):
            other = first.setdefault(name.casefold(), position)
            if other != position:
                raise InvalidRequest(
                    f"format.{self.option}: columns {spelled[other][0]!r} and {spelled[position][0]!r} would"
                    f" both be called {name!r} in the file; {self._cure}",
                    field=f"format.{self.option}",
                )
        return tuple(names)

    def _numbered(self, names: Sequence[str]) -> tuple[str, ...]:
        """The names, with numbers after those of constants that others have, whatever their case."""
        data = slice(len(self.before), len(names) - len(self.after))
        taken = {name.casefold() for name in names[data]}
        numbered = list(names)
        for position in [*range(data.start), *range(data.stop, len(names))]:
            free = (f"{names[position]}{'' if n == 1 else f'_{n}'}" for n in count(1))
            numbered[position] = next(name for name in free if name.casefold() not in taken)
            taken.add(numbered[position].casefold())
        return tuple(numbered)

    @property
    def _cure(self) -> str:
        rename = "give the constant column another name"
        choice = f"choose {self.option}=api, or leave one of them out"
        if self.naming == "api":
            return rename
        return f"{choice}, or {rename}" if self.before or self.after else choice


def _display_name(field: ArrowField) -> str:
    assert field.metadata is not None, f"{field.name} does not say how it was declared"
    return field.metadata[b"display_name"].decode()


def _constant(constant: ConstantColumn) -> ArrowField:
    return pa.field(constant.slug, pa.string(), nullable=False, metadata={"type": Kind.STRING.value})
