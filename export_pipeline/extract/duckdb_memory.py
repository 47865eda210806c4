"""How much memory DuckDB may use: little, and more for rows that are so wide that it needs more."""

import threading
from pathlib import Path

import duckdb

from export_pipeline.errors import HourFailed, PermanentFailure, TransientFailure

# What each snapshot may use to sort; the rest is sorted on disk. Measured with ten million rows of twenty
# columns: 258 MB beyond the imports at the peak, 26 s of CPU; eight snapshots of three million rows at once:
# 1.7 GB. With 100 MB the first fails, as does the second if all eight share 150 MB.
MEGABYTES_PER_SNAPSHOT = 150

# What it may use to sort wide rows (see `slices`).
MEGABYTES_FOR_WIDE_ROWS = 600

# What it may use if that is not enough: it reads 2,048 rows at once, and when their texts are long it needs
# all of those in memory, and some twice. Measured with rows of 1 MB: 1,000 of them take 1.5 GB.
MOST_MEGABYTES_PER_SNAPSHOT = 2_400


class OutOfMemory(PermanentFailure):
    """DuckDB needs more memory than it was allowed."""


class Memory:
    """What DuckDB may use, in all: so much for each snapshot that there is.

    Lowered for the first only of those that begin anew: others may be in the middle of a sort.
    """

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._snapshots = self._set = 0
        self.megabytes = MEGABYTES_PER_SNAPSHOT

    def add(self, snapshots: int) -> None:
        """There are so many snapshots more."""
        with self._lock:
            self._snapshots += snapshots
            self._set = self._set if self._snapshots else 0
            self._apply()

    def allow(self, megabytes: int) -> None:
        """Allow each snapshot so much."""
        with self._lock:
            self.megabytes = max(self.megabytes, megabytes)
            self._apply()

    def raise_above(self, megabytes: int) -> bool:
        """Allow each snapshot more than that; False when it is all that may be."""
        with self._lock:
            if self.megabytes <= megabytes:
                self.megabytes = min(4 * megabytes, MOST_MEGABYTES_PER_SNAPSHOT)
                self._apply()
            return self.megabytes > megabytes

    def _apply(self) -> None:
        needed = self.megabytes * self._snapshots
        if needed > self._set:
            self._database.execute(f"SET GLOBAL memory_limit = '{needed}MB'")
            self._set = needed


def exhausted(file: Path, text: str) -> HourFailed:
    """What is said when DuckDB's error is this text."""
    if "max_temp_directory_size" in text:
        return TransientFailure(f"{file.name}: DuckDB ran out of disk for temporary files while it sorted")
    return OutOfMemory(
        f"{file.name}: DuckDB needs more than {MOST_MEGABYTES_PER_SNAPSHOT:,} MB to read rows of this width,"
        " of which it holds 2,048 at once, or all where they are read from files behind a view; leave the"
        " widest columns out of the export and of its filters, or keep them in a table, or in another"
        " database"
    )
