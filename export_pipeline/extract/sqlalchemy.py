"""Any database SQLAlchemy has a dialect for: the floor under the readers made for one engine.

Rows come through a server-side cursor and become Arrow arrays of the declared types.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    NoSuchModuleError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)

from export_pipeline.errors import PermanentFailure, TransientFailure
from export_pipeline.extract.fitting import fitted
from export_pipeline.extract.number_key import NUMBER_KEY, number_key
from export_pipeline.extract.query import count_of, relation_of, time_column_of
from export_pipeline.extract.sql_types import REFUSE_MOMENT
from export_pipeline.extract.values import array_of
from export_pipeline.extract.waiting import Waiting

# Python objects of so many rows and twenty columns are about 20 MB.
ROWS_PER_BATCH = 20_000

# What makes all reads of a transaction see one moment, per dialect. Where nothing is known, the receipt says
# `none`, and only the comparison of the counts protects the hour.
MECHANISMS = {
    "postgresql": "PostgreSQL REPEATABLE READ, READ ONLY",
    "sqlite": "SQLite read transaction",
}

SECONDS_TO_INTERRUPT = 5.0  # a server that does not even take that call is asked again

# How a role or a database may have been set up must not change what is read.
_POSTGRESQL_SESSION = (
    "SET LOCAL TIME ZONE 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL extra_float_digits = 1"
)

# What servers say of a connection that no retry will bring about. There is no code for it in the driver.
_WRONG_CONFIGURATION = (
    "authentication failed",
    "no password supplied",
    "does not exist",
    "no pg_hba.conf entry",
    "not permitted to log in",
    "permission denied",
    "does not support SSL",
)


class SqlalchemySnapshot:
    """One transaction on one connection."""

    def __init__(self, connection: sa.Connection, waiting: Waiting) -> None:
        self._connection = connection
        self._waiting = waiting

    @property
    def mechanism(self) -> str:
        return MECHANISMS.get(self._connection.dialect.name, "none")

    def count(self, rows: sa.Select[Any]) -> int:
        with _explained(self._connection.engine.url, rows), self._waiting.answer(relation_of(rows)):
            count: int = self._connection.execute(count_of(rows)).scalar_one()
        return count

    def batches(self, rows: sa.Select[Any], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        relation = relation_of(rows)
        with _explained(self._connection.engine.url, rows):
            with self._waiting.answer(relation):
                streamed = self._connection.execute(
                    rows, execution_options={"stream_results": True, "max_row_buffer": ROWS_PER_BATCH}
                )
            with streamed as result:
                for partition in self._waiting.each(result.partitions(ROWS_PER_BATCH), relation):
                    columns = zip(*partition, strict=True)
                    arrays = [
                        array_of(values, field, relation)
                        for values, field in zip(columns, schema, strict=True)
                    ]
                    yield fitted(arrays, schema, relation)


class SqlalchemySource:
    """A database behind SQLAlchemy. Each snapshot has a connection of its own.

    SQLite and PostgreSQL end a query that is interrupted at once, other databases as their driver can: where
    it cannot, the query ends by itself, and fails then.
    """

    def __init__(self, url: sa.URL, limit: timedelta) -> None:
        self._limit = limit
        try:
            if url.get_backend_name() == "sqlite":
                self._engine = _sqlite(url)
            else:
                self._engine = sa.create_engine(url, pool_pre_ping=True, hide_parameters=True)
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise PermanentFailure(
                f"the source's URL begins with {url.drivername!r}, for which no driver is installed"
            ) from error
        except (ArgumentError, TypeError, ValueError):  # the texts hold what was written into the URL
            raise PermanentFailure(f"the source's URL has options that {url.drivername} has not") from None
        if self._engine.dialect.name == "postgresql":
            self._engine = self._engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            sa.event.listen(self._engine, "begin", _begin_postgresql)
            if self._engine.dialect.driver == "psycopg":
                sa.event.listen(self._engine, "connect", _leave_moments_as_text)

    @contextmanager
    def snapshot(self, stop: threading.Event | None = None) -> Iterator[SqlalchemySnapshot]:
        with _explained(self._engine.url):
            connection = self._engine.connect()
        # There is nothing to commit: closing rolls back.
        with connection:
            with _explained(self._engine.url):
                connection.begin()
            waiting = Waiting(_interruption(connection.connection.driver_connection), self._limit, stop)
            try:
                with waiting.watched():
                    yield SqlalchemySnapshot(connection, waiting)
            finally:
                if waiting.ended:
                    connection.invalidate()  # a late interruption must not meet its next user's query

    def close(self) -> None:
        self._engine.dispose()


def _interruption(driver: Any) -> Callable[[], object]:
    """What ends the query that another thread waits for: drivers have different words for it, or none."""
    if hasattr(driver, "cancel_safe"):  # psycopg, whose `cancel` may wait for ever
        return partial(driver.cancel_safe, timeout=SECONDS_TO_INTERRUPT)
    nothing: Callable[[], object] = object
    return getattr(driver, "interrupt", getattr(driver, "cancel", nothing))


def _sqlite(url: sa.URL) -> sa.Engine:
    """An engine that cannot write to the file, nor make one where none is."""
    file = Path(url.database or "")

    def connect() -> sqlite3.Connection:
        if not file.is_file():
            raise PermanentFailure(f"there is no SQLite file {file}; correct the source's URL")
        connection = sqlite3.connect(
            f"{file.absolute().as_uri()}?mode=ro",
            uri=True,
            isolation_level=None,  # we begin the transactions ourselves
            check_same_thread=False,  # an abandoned one may be closed by another thread
        )
        # The driver's own error about a text that is none says the text, and not the column.
        connection.text_factory = _text
        connection.create_function(REFUSE_MOMENT, 0, _refuse_moment)
        connection.create_function(NUMBER_KEY, 1, number_key, deterministic=True)
        return connection

    engine = sa.create_engine(url, creator=connect, poolclass=sa.NullPool, hide_parameters=True)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _text(value: bytes) -> str:
    return value.decode(errors="surrogateescape")  # refused later, by name, where the type is looked at


def _refuse_moment() -> None:
    raise ValueError  # SQLite stops there, and says only that a function failed


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_postgresql(connection: sa.Connection) -> None:
    connection.exec_driver_sql(_POSTGRESQL_SESSION)


def _leave_moments_as_text(connection: Any, _record: object) -> None:
    """Arrow reads them faster; and of `infinity` psycopg's error would say the value and not the column."""
    from psycopg.types.string import TextLoader

    for name in ("date", "time", "timestamp", "timestamptz"):
        connection.adapters.register_loader(name, TextLoader)


@contextmanager
def _explained(url: sa.URL, rows: sa.Select[Any] | None = None) -> Iterator[None]:
    """The driver's errors as ours, of the query `rows` if there was one.

    A text is kept, and chained, where it speaks of names, not of values.
    """
    where = f"{url.get_backend_name()} database {url.database or ''}".strip()
    try:
        yield
    except ProgrammingError as error:
        raise PermanentFailure(f"the {where} refused the query: {_first_line(error)}") from error
    except OperationalError as error:
        line = _first_line(error)
        if "no such" in line:  # how SQLite speaks of tables and columns
            raise PermanentFailure(f"the {where} refused the query: {line}") from error
        if rows is not None and "user-defined function" in line:
            raise PermanentFailure(
                f"{relation_of(rows)}.{time_column_of(rows)} says which hour a row belongs to, but on this"
                " day, or as a number, it holds what is no moment; write each as text in UTC, like"
                " 2013-01-01 05:00:00.123456"
            ) from None
        if any(words in line for words in _WRONG_CONFIGURATION):
            raise PermanentFailure(
                f"the {where} cannot be opened: {line}; correct the source's URL, or the role's rights"
            ) from error
        raise TransientFailure(f"the {where} could not be read: {line}") from error
    except DBAPIError as error:
        # What a function or a cast of a view stumbles over, it quotes.
        if error.connection_invalidated:
            raise TransientFailure(f"the connection to the {where} was lost") from None
        kind = type(error.orig).__name__
        raise PermanentFailure(
            f"the {where} refused the query: {kind}; run the query there to see why"
        ) from None
    except SQLAlchemyError as error:
        raise PermanentFailure(f"the {where} could not be read: {type(error).__name__}") from error


def _first_line(error: DBAPIError) -> str:
    return (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0]
