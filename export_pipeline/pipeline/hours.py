"""What one hour is between the stages: small frozen values; the rows themselves stay in files."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from export_pipeline.connectors.destination import Proof
from export_pipeline.formats.side_files.table_files import FileColumn
from export_pipeline.receipts.receipt import Receipt, ReceiptTable
from export_pipeline.windows import HourWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedRows:
    """One table's rows of an hour, as they were read: an Arrow IPC file; of a range, one for each hour.

    `rows` are those in the files: as many as the source counted, unless no more than the first were wanted.
    `undeclared` are columns that the source has there besides those of the declaration; None where it could
    not say which it has.
    """

    table: ReceiptTable
    paths: tuple[Path, ...]
    rows: int
    undeclared: tuple[str, ...] | None = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HourRead:
    """When an hour of a range was read, and how many rows of each table the source counted in it."""

    hour: datetime
    read_at: datetime
    rows_at_source: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedHour:
    """An hour read from the source. `snapshot` is the mechanism, `read_at` the moment all rows are of.

    Or a range of hours, each of which was read by itself: `parts` are they, and `read_at` is the first's.
    The files lie in `folder` or below.
    """

    window: HourWindow
    folder: Path
    snapshot: str
    read_at: datetime
    tables: tuple[StagedRows, ...]
    seconds: float
    parts: tuple[HourRead, ...] = ()

    @property
    def on_disk(self) -> bool:
        """Whether the staged files are still where they were written, seen from this machine."""
        return all(path.is_file() for table in self.tables for path in table.paths)


def undeclared_columns(hours: Iterable[StagedHour]) -> tuple[str, ...]:
    """The columns that the source has and the declaration has not, as `table.column`."""
    tables = (rows for hour in hours for rows in hour.tables)
    return tuple(sorted({f"{rows.table.name}.{name}" for rows in tables for name in rows.undeclared or ()}))


def remarks_on(hours: Sequence[StagedHour]) -> Iterator[str]:
    """What somebody should know of the source's tables, though the hours are none the worse for it."""
    if extra := undeclared_columns(hours):
        yield f"the source has columns that are not declared, and not exported: {', '.join(extra)}"
    tables = (rows for hour in hours for rows in hour.tables)
    for name in sorted({rows.table.name for rows in tables if rows.undeclared is None}):
        yield (
            f"the source does not show what {name} is, so nobody would see that it has changed; let the"
            " source's user look at it (in MySQL: GRANT SHOW VIEW)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FormattedFile:
    """One table's rows of an hour in the form the customer gets.

    `columns` are the file's, by the names that they have there; `rows` were counted in the file, and
    `rows_of_parts` as they were written, for each of the staged files.
    """

    table: str
    columns: tuple[FileColumn, ...]
    path: Path
    rows: int
    bytes: int
    sha256: str
    rows_of_parts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FormattedHour:
    """An hour ready to be delivered."""

    staged: StagedHour
    files: tuple[FormattedFile, ...]
    seconds: float

    @property
    def window(self) -> HourWindow:
        return self.staged.window

    @property
    def on_disk(self) -> bool:
        """Whether the finished files are still where they were written; the staged ones are not needed."""
        return all(file.path.is_file() for file in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredFile:
    """A file at the destination, and how it is known that it lies there as it was written."""

    table: str
    key: str
    rows: int
    bytes: int
    sha256: str
    proof: Proof = Proof.READ_BACK


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredHour:
    """An hour at the destination with its receipt.

    `receipt_text` is the receipt's file; `changed` says that it is a new revision, not one found in place.
    """

    window: HourWindow
    files: tuple[DeliveredFile, ...]
    receipt: Receipt
    receipt_key: str
    receipt_text: str
    changed: bool
    seconds: float
