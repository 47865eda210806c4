"""The receipt of one hour: what was at the source, what lies at the destination, that the counts agree.

Where the hours of a range share a file, it is one of the range, and tells of each of them.

The file is canonical JSON (sorted keys, no spaces, no floats), so that its digest is well defined, and
has two members: `payload`, the statement, and `signatures` over the payload's bytes.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from export_pipeline.connectors.destination import Proof
from export_pipeline.errors import PermanentFailure
from export_pipeline.windows import ONE_HOUR, hours_between


def _in_utc(moment: datetime) -> datetime:
    """So that the same instant is always the same text. OverflowError where its hour has no end."""
    moment + ONE_HOUR
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReceiptColumn(_Part):
    """A column as it was exported; `type` is the declared type."""

    name: str
    type: str
    nullable: bool


class ReceiptTable(_Part):
    """A table as it was read.

    `filter` is exactly what its rows had to pass, as text of the filter language: the export's common filters
    that apply to it and its own, named filters as they stood then. Blank: every row.
    `rows_at_source` was counted by the database itself, in the transaction in which the rows were read.
    """

    name: str
    columns: tuple[ReceiptColumn, ...]
    filter: str
    rows_at_source: int


class ReceiptFile(_Part):
    """A file as it lies at the destination.

    `rows` were counted in the finished file; `bytes` and `sha256` describe the object as it was read back
    from there, or is known to lie there as `proof` says; that member is missing where it was read back.
    `side_files` is the folder of those that describe it; the member is missing without them.
    """

    table: str
    key: str
    rows: int
    bytes: int
    sha256: str
    format: dict[str, Any]
    side_files: str | None = Field(None, exclude_if=lambda folder: folder is None)
    proof: Proof = Field(Proof.READ_BACK, exclude_if=lambda proof: proof is Proof.READ_BACK)


class ReceiptHour(_Part):
    """One hour of a range whose rows are in one file, in the order of the hours.

    By table, `rows_at_source` were counted by the database in the transaction in which the hour's rows were
    read, at `read_at`; `rows` as they were written into the file.
    """

    hour: Moment
    read_at: Moment
    rows_at_source: dict[str, int]
    rows: dict[str, int]


class Receipt(_Part):
    """The statement for one hour of one export, or for the hours of `[since, until)`, whose first is `hour`.

    `snapshot` names how the database made all reads see one moment, `read_at`, or, where `hours` are listed,
    one for each of them; `row_limit` is how many rows of each table were wanted at most, the first ones. Both
    members are missing without them. `supersedes` is the digest of the receipt of the revision before.
    """

    format: Literal["export-pipeline-receipt/1"] = "export-pipeline-receipt/1"
    organization: str
    export: str
    export_id: str
    hour: Moment
    since: Moment
    until: Moment
    revision: int
    supersedes: str | None
    snapshot: str
    read_at: Moment
    delivered_at: Moment
    row_limit: int | None = Field(None, exclude_if=lambda row_limit: row_limit is None)
    tables: tuple[ReceiptTable, ...]
    hours: tuple[ReceiptHour, ...] = Field((), exclude_if=lambda hours: not hours)
    files: tuple[ReceiptFile, ...]
    software: dict[str, str]

    @property
    def rows(self) -> int:
        """Rows in all files together."""
        return sum(file.rows for file in self.files)

    def to_bytes(self) -> bytes:
        """The receipt's file."""
        return canonical({"payload": self.model_dump(mode="json"), "signatures": []})

    @property
    def unreconciled(self) -> tuple[str, ...]:
        """A sentence for each table whose rows at the source and in the file differ in number, and for each
        hour of a range whose rows do.
        """
        in_file = {file.table: file.rows for file in self.files}
        tables = (
            f"table {table.name}: {table.rows_at_source} rows at the source, "
            + (f"{in_file[table.name]} in the file" if table.name in in_file else "but no file")
            + self._of_the_first
            for table in self.tables
            if in_file.get(table.name) != self._due(table.rows_at_source)
        )
        return (*tables, *(self._unreconciled_hours if self.hours else ()))

    @property
    def _unreconciled_hours(self) -> Iterator[str]:
        """The same of the hours: none is missing, and together they are the whole."""
        listed = (hour.hour for hour in self.hours)
        wanted = (window.start for window in hours_between(self.since, self.until))
        # One by one: whoever wrote the receipt may have written that there are more than memory holds.
        if any(hour != start for hour, start in zip_longest(listed, wanted)):
            yield f"the hours listed are not those from {self.since.isoformat()} to {self.until.isoformat()}"
        for table in self.tables:
            before = 0
            for hour in self.hours:
                counted, written = hour.rows_at_source.get(table.name, 0), hour.rows.get(table.name, 0)
                due = self._due(before + counted) - self._due(before)
                if written != due:
                    yield (
                        f"table {table.name}: {counted} rows at the source in the hour"
                        f" {hour.hour.isoformat()}, {written} in the file{self._of_the_first}"
                    )
                before += counted
            if before != table.rows_at_source:
                yield (
                    f"table {table.name}: {table.rows_at_source} rows at the source, {before} in its hours"
                    " together"
                )

    def _due(self, rows: int) -> int:
        """How many of the first so many rows are to be in the file."""
        return rows if self.row_limit is None else min(rows, self.row_limit)

    @property
    def _of_the_first(self) -> str:
        return "" if self.row_limit is None else f", of which the first {self.row_limit} were wanted"


def receipt_from(data: bytes, key: str) -> Receipt:
    """The receipt in a file's bytes. PermanentFailure says what is wrong with it."""
    try:
        envelope = json.loads(data)
        return Receipt.model_validate(envelope["payload"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise PermanentFailure(f"{key!r} is not a receipt this version can read") from error


def digest_of(data: bytes) -> str:
    """What names a receipt in others: the sha256, in hexadecimal, of the payload in its file's bytes.

    Of the payload as it was written: a later version that knows more fields names the same receipt the same.
    """
    return hashlib.sha256(canonical(json.loads(data)["payload"])).hexdigest()


def canonical(value: object) -> bytes:
    """JSON in its one form: keys sorted, no spaces, ASCII only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
