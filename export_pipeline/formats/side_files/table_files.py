"""One table's files as somebody sees them who loads them: all that the side files are made from."""

import re
from dataclasses import dataclass

import pyarrow as pa

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.formats.kernels import Field
from export_pipeline.formats.layout import CsvLayout, JsonLinesLayout, JsonListLayout, Layout, ParquetLayout
from export_pipeline.formats.nesting import Tree, tree_of
from export_pipeline.formats.text import declared_type

# In the statements, for the customer to fill in: where the files are, when their address is not ours to know.
UNKNOWN_ROOT = "s3://YOUR-BUCKET"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileColumn:
    """A column as it stands in the files; `type` is the declared type."""

    name: str
    type: ColumnType
    nullable: bool = True

    @property
    def kind(self) -> Kind:
        return self.type.kind


def columns_in(schema: pa.Schema) -> tuple[FileColumn, ...]:
    """The columns of a file whose rows are of this schema (see Formatter.file_schema)."""
    return tuple(_column(schema.field(number)) for number in range(len(schema)))


def _column(field: Field) -> FileColumn:
    return FileColumn(name=field.name, type=declared_type(field), nullable=field.nullable)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFiles:
    """The files of one table of an export.

    `key_pieces` are the parts of their keys between what differs from hour to hour: `flights/2013-01.csv` and
    its like are `("flights/", ".csv")`. `root` is the address below which keys lie, an URL or an absolute
    path; None when the customer fetches the files.
    """

    table: str
    columns: tuple[FileColumn, ...]
    layout: Layout
    key_pieces: tuple[str, ...]
    root: str | None = None

    @property
    def in_parquet(self) -> bool:
        return isinstance(self.layout, ParquetLayout)

    @property
    def nested(self) -> bool:
        """Whether dots in columns' names are objects in objects."""
        return isinstance(self.layout, JsonLinesLayout | JsonListLayout) and self.layout.nested

    @property
    def tree(self) -> Tree:
        """The columns, by their numbers, as an object holds them."""
        return tree_of([column.name for column in self.columns], nested=self.nested)

    def path(self, column: FileColumn) -> list[str]:
        """The names by which one comes to the column's value in an object."""
        return column.name.split(".") if self.nested else [column.name]

    @property
    def null_is_quoted(self) -> bool:
        """Whether a NULL stands in quotes, like the empty text: without, its line would be blank."""
        layout = self.layout
        return isinstance(layout, CsvLayout) and not layout.blank_is_null and self._null_is_nothing

    @property
    def null_is_blank(self) -> bool:
        """Whether a NULL is a blank line."""
        layout = self.layout
        return isinstance(layout, CsvLayout) and layout.blank_is_null and self._null_is_nothing

    @property
    def _null_is_nothing(self) -> bool:
        alone = len(self.columns) == 1 and self.columns[0].nullable
        return alone and isinstance(self.layout, CsvLayout) and not self.layout.null

    @property
    def folder(self) -> str:
        """The part of the keys, up to a slash, that is the same for every hour; empty when there is none."""
        return self.key_pieces[0][: self.key_pieces[0].rfind("/") + 1]

    def columns_of(self, *kinds: Kind) -> tuple[FileColumn, ...]:
        """The columns of these kinds."""
        return tuple(column for column in self.columns if column.kind in kinds)

    def glob(self) -> str:
        """All keys, for who matches file names. What differs begins with a digit: receipts do not match."""
        return "[0-9]*".join(re.sub(r"[*?[]", r"[\g<0>]", piece) for piece in self.key_pieces)

    def regex(self) -> str:
        """All keys, for who matches regular expressions."""
        return "[0-9-]+".join(re.sub(r"[][\\.*+?^$(){}|]", r"\\\g<0>", piece) for piece in self.key_pieces)

    def s3_root(self) -> str:
        """The address of the bucket, for those who read from S3 only, with a slash at its end."""
        known = self.root is not None and self.root.startswith("s3://")
        return f"{(self.root if known else UNKNOWN_ROOT)}/"
