"""Any database SQLAlchemy has a dialect for: the floor under the readers made for one engine.

Rows come through a server-side cursor and become Arrow arrays of the declared types.
"""

import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from typing import Any, ClassVar

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from export_pipeline.dataset.catalog import FoundColumn, Unreadable
from export_pipeline.dataset.sql_catalog import SqlCatalog
from export_pipeline.errors import PermanentFailure, TransientFailure
from export_pipeline.extract.driver_errors import explained, named
from export_pipeline.extract.fitting import fitted
from export_pipeline.extract.lines import Lines
from export_pipeline.extract.query import count_of, relation_of, source_of
from export_pipeline.extract.values import array_of
from export_pipeline.extract.waiting import Waiting

# Python objects of so many rows and twenty columns are about 20 MB.
ROWS_PER_BATCH = 20_000

# A batch ends with the row that makes it larger: of wide rows memory holds fewer. Also Arrow's texts end at
# 2 GiB a batch. A character of a text may take four bytes.
BYTES_PER_BATCH = 16 * 2**20
BYTES_OF_A_VALUE = 50  # beside its text

# A driver's cursor of the server is asked for so many at once, however wide they are.
ROWS_AT_ONCE = 20

# To look whether a connection is good, and to begin; and to connect, if the URL does not allow more for that.
LIMIT_TO_BEGIN = timedelta(seconds=15)


class SqlalchemySnapshot:
    """One transaction on one connection. Whether it sees one moment, only the reader of an engine knows."""

    mechanism = "none"

    def __init__(
        self, connection: sa.Connection, waiting: Waiting, selects: Sequence[sa.Select[Any]] = ()
    ) -> None:
        self.connection = connection
        self.waiting = waiting
        self.selects = selects
        self._found: dict[str, tuple[FoundColumn, ...] | None] = {}

    @property
    def url(self) -> sa.URL:
        return self.connection.engine.url

    def hold(self) -> None:
        """Before the first query: let nobody replace what the selects read. Few databases have to be told."""

    def found(self, rows: sa.Select[Any]) -> tuple[FoundColumn, ...] | None:
        if rows._independent_ctes:  # a derived table; SQLAlchemy has no public name for it
            return None
        relation = relation_of(rows)
        if relation not in self._found:
            source = source_of(rows)
            with explained(self.url, rows), self.waiting.answer(relation):
                try:
                    self._found[relation] = SqlCatalog(self.connection).columns(source.schema, source.name)
                except Unreadable:  # the query itself will say why, if it cannot be read either
                    if self.connection.invalidated:  # SQLAlchemy would make another, of another moment
                        raise TransientFailure(f"the connection to the {named(self.url)} was lost") from None
                    self._found[relation] = None
        return self._found[relation]

    def count(self, rows: sa.Select[Any]) -> int:
        with explained(self.url, rows), self.waiting.answer(relation_of(rows)):
            count: int = self.connection.execute(count_of(rows)).scalar_one()
        return count

    def batches(self, rows: sa.Select[Any], schema: pa.Schema) -> Generator[pa.RecordBatch, None, None]:
        relation = relation_of(rows)
        with explained(self.url, rows):
            with self.waiting.answer(relation):
                streamed = self.connection.execute(
                    rows, execution_options={"stream_results": True, "max_row_buffer": ROWS_AT_ONCE}
                )
            with streamed as result:
                for partition in self.waiting.each(_partitions(result), relation):
                    columns = zip(*partition, strict=True)
                    arrays = [
                        array_of(values, field, relation)
                        for values, field in zip(columns, schema, strict=True)
                    ]
                    yield fitted(arrays, schema, relation)


class SqlalchemySource:
    """A database behind SQLAlchemy. Each snapshot has a connection of its own.

    A query is ended when it is interrupted as the driver can: where it cannot, it ends by itself, and fails
    then. A subclass knows more of its engine.
    """

    snapshots: ClassVar[type[SqlalchemySnapshot]] = SqlalchemySnapshot
    options: ClassVar[Mapping[str, Any]] = {}  # of SQLAlchemy's engine

    def __init__(self, url: sa.URL, limit: timedelta) -> None:
        self._limit = limit
        try:
            self.engine = self.make_engine(url)
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise PermanentFailure(
                f"the source's URL begins with {url.drivername!r}, for which no driver is installed"
            ) from error
        except (ArgumentError, TypeError, ValueError):  # the texts hold what was written into the URL
            raise PermanentFailure(f"the source's URL has options that {url.drivername} has not") from None
        self.lines = Lines(self.engine, self.number_of)

    def number_of(self, _driver: Any) -> int | None:
        """What file a driver's connection is to the operating system. None: the driver does not say."""
        return None

    def make_engine(self, url: sa.URL) -> sa.Engine:
        """An engine whose transactions are the snapshots, of which there may be any number at once.

        Each is ended by us, so the pool need not do it again.
        """
        return sa.create_engine(
            url, hide_parameters=True, max_overflow=-1, pool_reset_on_return=None, **self.options
        )

    def interruption(self, connection: sa.Connection) -> Callable[[], object]:
        """What ends the query that another thread waits for: drivers have different words for it, or none."""
        driver = connection.connection.driver_connection
        nothing: Callable[[], object] = object
        return getattr(driver, "interrupt", getattr(driver, "cancel", nothing))

    @contextmanager
    def snapshot(
        self, stop: threading.Event | None = None, selects: Sequence[sa.Select[Any]] = ()
    ) -> Iterator[SqlalchemySnapshot]:
        cut = self.lines.cut()
        with ExitStack() as stack:
            connection, interruption = self._begun(stack, cut, stop)
            waiting = Waiting(interruption, self._limit, stop, give_up=cut)
            good = False
            try:
                with waiting.watched():
                    snapshot = self.snapshots(connection, waiting, selects)
                    snapshot.hold()
                    yield snapshot
                    # There is nothing to commit: what was read is whole, however the transaction ends.
                    with suppress(SQLAlchemyError), waiting.leaving():
                        connection.rollback()
                        good = not waiting.ended
            finally:
                # After an error, ending it would wait for the rows to come, or fail where the connection is
                # lost; and a late interruption must not meet its next user's query.
                if not good:
                    connection.invalidate()

    def _begun(
        self, stack: ExitStack, cut: Callable[[], object], stop: threading.Event | None
    ) -> tuple[sa.Connection, Callable[[], object]]:
        """A connection with its transaction, to be closed with the stack, and what interrupts its queries."""
        allowed = str(self.engine.url.query.get("connect_timeout", ""))
        limit = LIMIT_TO_BEGIN + timedelta(seconds=int(allowed) if allowed.isdigit() else 0)
        late = (
            f"it did not answer within {limit.total_seconds():,.0f} s when it was connected to; see that it"
            " runs, and can be reached from here"
        )
        waiting = Waiting(cut, limit, stop, late=late)
        with explained(self.engine.url), waiting.watched(), ExitStack() as failed:
            failed.callback(self.engine.dispose)  # others that are not in use may have fallen silent with it
            with waiting.answer(f"the {named(self.engine.url)}"):
                connection = stack.enter_context(self.engine.connect())
                failed.callback(connection.invalidate)
                connection.begin()
                interruption = self.interruption(connection)
            failed.pop_all()
        return connection, interruption

    def close(self) -> None:
        self.engine.dispose()


def _partitions(result: sa.CursorResult[Any]) -> Iterator[list[sa.Row[Any]]]:
    """The rows, as many at a time as make a batch."""
    rows, size = [], 0
    for row in result:
        rows.append(row)
        size += BYTES_OF_A_VALUE * len(row) + sum(len(value) for value in row if type(value) in _LONG)
        if len(rows) == ROWS_PER_BATCH or size > BYTES_PER_BATCH:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


_LONG = {str, bytes, bytearray, memoryview}
