"""One table's files as somebody sees them who loads them: all that the side files are made from."""

import re
from dataclasses import dataclass

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.formats.layout import Layout, ParquetLayout

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
