"""The receipt of one hour: what was at the source, what lies at the destination, that the counts agree.

The file is canonical JSON (sorted keys, no spaces, no floats), so that its digest is well defined, and
has two members: `payload`, the statement, and `signatures` over the payload's bytes.
"""

import hashlib
import json
from datetime import UTC
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from export_pipeline.connectors.destination import Proof
from export_pipeline.errors import PermanentFailure

# In UTC, so that the same instant is always the same text.
Moment = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]


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


class Receipt(_Part):
    """The statement for one hour of one export.

    `snapshot` names how the database made all reads see one moment, `read_at`; `supersedes` is the digest of
    the receipt of the revision before.
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
    tables: tuple[ReceiptTable, ...]
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
        """A sentence for each table whose rows at the source and in the file differ in number."""
        in_file = {file.table: file.rows for file in self.files}
        return tuple(
            f"table {table.name}: {table.rows_at_source} rows at the source, "
            + (f"{in_file[table.name]} in the file" if table.name in in_file else "but no file")
            for table in self.tables
            if in_file.get(table.name) != table.rows_at_source
        )


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
