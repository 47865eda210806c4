"""What every reader of a source does: one consistent look at a database, streamed as Arrow record batches."""

import threading
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import pyarrow as pa
import sqlalchemy as sa

from export_pipeline.dataset.catalog import FoundColumn


class Snapshot(Protocol):
    """One read transaction over the source: everything read in it is of one moment.

    TransientFailure, and the query is interrupted, when an answer takes longer than the source's limit, or
    when the run is being stopped meanwhile. The snapshot is of no more use then.
    """

    @property
    def mechanism(self) -> str:
        """How the database sees to that, for the receipt; `none` when it does not."""

    def found(self, rows: sa.Select[Any]) -> tuple[FoundColumn, ...] | None:
        """The columns of what the select reads from, as the database has them; None where it cannot say."""

    def count(self, rows: sa.Select[Any]) -> int:
        """How many rows the select gives, counted by the database."""

    def batches(self, rows: sa.Select[Any], schema: pa.Schema) -> Generator[pa.RecordBatch, None, None]:
        """The rows, of exactly `schema`, in bounded memory; to be read to the end or closed in the snapshot.

        PermanentFailure names table and column when a value does not fit; nothing is ever changed to fit.
        """


class Source(Protocol):
    """A source database. Several threads may each hold a snapshot at the same time."""

    def snapshot(
        self, stop: threading.Event | None = None, selects: Sequence[sa.Select[Any]] = ()
    ) -> AbstractContextManager[Snapshot]:
        """Begin a read transaction, which ends with the block. What it waits for ends when `stop` is set.

        `selects` are all that will be read: what somebody is replacing at the time is waited for beforehand.
        """

    def close(self) -> None:
        """Let go of the database."""
