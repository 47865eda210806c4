"""SQLite files, opened so that nothing can be written to them."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import sqlalchemy as sa

from export_pipeline.errors import PermanentFailure
from export_pipeline.extract.members import FUNCTIONS as OF_DOCUMENTS
from export_pipeline.extract.moment_key import (
    DATE_KEY,
    MOMENT_KEY,
    MOMENT_WITHIN,
    TIME_KEY,
    date_key,
    moment_key,
    moment_within,
    time_key,
)
from export_pipeline.extract.number_key import NUMBER_KEY, number_key
from export_pipeline.extract.single import SINGLE, single
from export_pipeline.extract.sqlalchemy import SqlalchemySnapshot, SqlalchemySource

# Beyond it SQLite sorts on disk, in pieces of this size. With its own 2 MB there are so many that the one
# row of each that it holds when it puts them together, if rows have 1 MB, are all that there are.
KIBIBYTES_TO_SORT = 32 * 1024

# By which columns are compared. When one raises, SQLite stops, and says only that a function failed.
FUNCTIONS: Sequence[tuple[str, int, Callable[..., str | bytes | float | None]]] = (
    (MOMENT_KEY, 1, moment_key),
    (MOMENT_WITHIN, 3, moment_within),
    (TIME_KEY, 1, time_key),
    (DATE_KEY, 1, date_key),
    (NUMBER_KEY, 1, number_key),
    (SINGLE, 1, single),
    *OF_DOCUMENTS,
)


class SqliteSnapshot(SqlalchemySnapshot):
    """One read transaction: what others commit meanwhile is not seen."""

    mechanism = "SQLite read transaction"


class SqliteSource(SqlalchemySource):
    """A SQLite file. It is not made where none is. A query that is interrupted ends at once."""

    snapshots = SqliteSnapshot

    def make_engine(self, url: sa.URL) -> sa.Engine:
        file = Path(url.database or "")

        def connect() -> sqlite3.Connection:
            if not file.is_file():
                raise PermanentFailure(f"there is no SQLite file {file.name}; correct the source's URL")
            connection = sqlite3.connect(
                f"{file.absolute().as_uri()}?mode=ro",
                uri=True,
                isolation_level=None,  # we begin the transactions ourselves
                check_same_thread=False,  # an abandoned one may be closed by another thread
            )
            # The driver's own error about a text that is none says the text, and not the column.
            connection.text_factory = _text
            connection.execute(f"PRAGMA cache_size = -{KIBIBYTES_TO_SORT}")
            for name, parts, function in FUNCTIONS:
                connection.create_function(name, parts, function, deterministic=True)
            return connection

        engine = sa.create_engine(url, creator=connect, poolclass=sa.NullPool, hide_parameters=True)
        sa.event.listen(engine, "begin", _begin)
        return engine


def _text(value: bytes) -> str:
    return value.decode(errors="surrogateescape")  # refused later, by name, where the type is looked at


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN")
