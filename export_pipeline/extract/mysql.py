"""MySQL and MariaDB: the server puts each row together as a line of CSV, which Arrow reads as declared.

Their drivers in Python take a microsecond for each value; there is one value a row so.
"""

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, ClassVar

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from export_pipeline.dataset.types import Kind
from export_pipeline.errors import PermanentFailure, TransientFailure
from export_pipeline.extract.csv_rows import batch_of, blocks
from export_pipeline.extract.driver_errors import explained, named
from export_pipeline.extract.fitting import declared_type
from export_pipeline.extract.lines import keep_alive
from export_pipeline.extract.mysql_relations import is_of_one_moment
from export_pipeline.extract.mysql_session import NO_LIMIT, SESSION
from export_pipeline.extract.query import relation_of, source_of
from export_pipeline.extract.shapes import check_shape
from export_pipeline.extract.sqlalchemy import SqlalchemySnapshot, SqlalchemySource
from export_pipeline.extract.waiting import Waiting
from export_pipeline.filters.collation import utf8_of, utf8_of_bytes
from export_pipeline.filters.numbers import years_as_numbers

# The driver is asked for so many at once; of what is wide, memory would hold too much.
ROWS_AT_ONCE = 100

SECONDS_TO_INTERRUPT = 5

# For a lock that the transaction before has already, and that nobody is refused but who waits behind others.
SECONDS_TO_HOLD = 5

# Somebody has had the lock for too long, or waits for one of ours while we wait for theirs.
_IN_THE_WAY = (1205, 1213)

# Of the connection that interrupts.
_IMPATIENT = dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), SECONDS_TO_INTERRUPT)
_READ_ONLY = "SET SESSION TRANSACTION READ ONLY"
_BEGIN = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"

# Text stands between characters that hardly any text has, and that are doubled in one that has them. Not
# between quotes: the time that the server takes to double those of a text grows with their number squared.
QUOTE = "\x1f"


def _literal(text: str) -> sa.ColumnElement[Any]:
    return sa.literal_column(text)


_QUOTE, _TWO_QUOTES, _COMMA, _NOTHING = map(_literal, ("X'1F'", "X'1F1F'", "','", "''"))


class MysqlSnapshot(SqlalchemySnapshot):
    """One transaction, of the moment it began at: as far as its tables are InnoDB's."""

    def __init__(
        self, connection: sa.Connection, waiting: Waiting, selects: Sequence[sa.Select[Any]] = ()
    ) -> None:
        super().__init__(connection, waiting, selects)
        self._of_one_moment: dict[str, bool] = {}

    @property
    def mechanism(self) -> str:  # type: ignore[override]
        if not all(self._of_one_moment.values()):
            return "none"
        name = "MariaDB" if getattr(self.connection.dialect, "is_mariadb", False) else "MySQL"
        return f"{name} consistent snapshot, READ ONLY"

    def hold(self, seconds: int | None = None) -> None:
        """Nobody renames, replaces or drops what the selects read until the transaction ends.

        TransientFailure where somebody who waits to do so is in the way for so many seconds.
        """
        waits = f"SET SESSION lock_wait_timeout = {seconds or NO_LIMIT}"
        for relation, select in {relation_of(select): select for select in self.selects}.items():
            look: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(source_of(select)).limit(0)
            with explained(self.url, select), self.waiting.answer(relation):
                self.connection.exec_driver_sql(waits)
                try:
                    self.connection.execute(look)
                except DBAPIError as error:
                    if _code_of(error) in _IN_THE_WAY:
                        raise TransientFailure(
                            f"{relation}: it is just being replaced; what it holds then is read with the"
                            " next try"
                        ) from None
                    # Also what the query itself would say: without the lock it may read something else.
                    raise

    def check_held(self) -> None:
        """TransientFailure if the connection was lost, and with it what it held."""
        with explained(self.url), self.waiting.answer(f"the {named(self.url)}"):
            self.connection.exec_driver_sql("DO 0")

    def count(self, rows: sa.Select[Any]) -> int:
        self._look(rows)  # before anybody is told of the mechanism
        return super().count(self._comparable(rows))

    def _look(self, rows: sa.Select[Any]) -> None:
        relation = relation_of(rows)
        if relation not in self._of_one_moment:
            with explained(self.url, rows), self.waiting.answer(relation):
                self._of_one_moment[relation] = is_of_one_moment(self.connection, source_of(rows))

    def _comparable(self, rows: sa.Select[Any]) -> sa.Select[Any]:
        found = self.found(rows)
        if found is None:  # a view whose types its reader may not see
            return years_as_numbers(rows, None)
        years = {column.name.lower() for column in found if column.type.startswith("year")}
        return years_as_numbers(rows, years) if years else rows

    def batches(self, rows: sa.Select[Any], schema: pa.Schema) -> Generator[pa.RecordBatch, None, None]:
        relation = relation_of(rows)
        check_shape(relation, {field.name: declared_type(field) for field in schema}, self.found(rows))
        fields: list[sa.ColumnElement[Any]] = []
        for column, field in zip(rows.selected_columns, schema, strict=True):
            fields += [_COMMA, _written(column, declared_type(field).kind)]
        line = sa.cast(sa.func.concat(*fields[1:]), sa.LargeBinary())
        driver = self.connection.connection.driver_connection
        whole = False
        with explained(self.url, rows), ExitStack() as opened:
            try:
                with self.waiting.answer(relation):
                    result = self.connection.execute(
                        self._comparable(rows).with_only_columns(line.label("line")),
                        execution_options={"stream_results": True, "max_row_buffer": ROWS_AT_ONCE},
                    )
                opened.enter_context(result)
                for block in self.waiting.each(blocks(_lines(result, relation), end=b"\n"), relation):
                    yield batch_of(block, schema, relation, quote=QUOTE)
                whole = True
            finally:
                if not whole:  # closing would read all further rows first
                    with suppress(DBAPIError):
                        self.waiting.interrupt()
                    _let_go(driver)
                    with suppress(DBAPIError):
                        opened.close()
                    self.connection.invalidate()


class MysqlSource(SqlalchemySource):
    """A MySQL or MariaDB database, through PyMySQL. It is interrupted through a connection of its own."""

    snapshots = MysqlSnapshot
    # For good: an option of the execution's would be taken back after each snapshot, over the network.
    options: ClassVar = {"isolation_level": "REPEATABLE READ"}

    def make_engine(self, url: sa.URL) -> sa.Engine:
        url = url.update_query_dict({"charset": "utf8mb4"})
        engine = super().make_engine(url)
        sa.event.listen(engine, "do_connect", self._connect)
        sa.event.listen(engine, "connect", _set_up)
        sa.event.listen(engine, "begin", _begin)
        return engine

    @contextmanager
    def snapshot(
        self, stop: threading.Event | None = None, selects: Sequence[sa.Select[Any]] = ()
    ) -> Iterator[SqlalchemySnapshot]:
        """Begun while another transaction holds what is read: of a table that is put into the place of one,
        or of a view, after a snapshot began, it would see nothing that was filled in since.
        """
        with ExitStack() as before:
            if selects:
                held = before.enter_context(super().snapshot(stop, selects))
            with super().snapshot(stop) as snapshot:
                if selects:
                    assert isinstance(held, MysqlSnapshot)
                    assert isinstance(snapshot, MysqlSnapshot)
                    # Who waits for the other is before us, and lets us wait until the other ends.
                    snapshot.selects = selects
                    snapshot.hold(SECONDS_TO_HOLD)
                    held.check_held()
                    before.close()
                yield snapshot

    def _connect(
        self, dialect: sa.Dialect, _record: object, arguments: list[Any], parameters: dict[str, Any]
    ) -> Any:
        """Made here, for whoever waits for it to be cut while the server says what it is."""
        # Before SQLAlchemy looks at the mode, which says what names are quoted with.
        parameters |= {"init_command": SESSION, "defer_connect": True}
        driver = dialect.loaded_dbapi.connect(*arguments, **parameters)
        self.lines.waits_for(driver)
        driver.connect()
        return driver

    def number_of(self, driver: Any) -> int:
        number: int = driver._sock.fileno()
        return number

    def interruption(self, connection: sa.Connection) -> Callable[[], object]:
        id_ = connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one()
        another = sa.create_engine(self.engine.url, poolclass=sa.NullPool, connect_args=_IMPATIENT)

        def interrupt() -> None:
            with another.connect() as connection:
                connection.exec_driver_sql(f"KILL QUERY {int(id_)}")

        return interrupt


def _set_up(driver: Any, _record: object) -> None:
    keep_alive(driver._sock)
    with driver.cursor() as cursor:
        cursor.execute(_READ_ONLY)


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(_BEGIN)


def _lines(result: sa.CursorResult[Any], relation: str) -> Iterator[bytes]:
    for partition in result.partitions(ROWS_AT_ONCE):
        for (line,) in partition:
            if line is None:
                raise PermanentFailure(
                    f"{relation}: a row is larger than the server's max_allowed_packet; raise that there"
                )
            yield line


def _code_of(error: DBAPIError) -> int | None:
    code = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return code if isinstance(code, int) else None


def _let_go(driver: Any) -> None:
    """Make the driver forget the rows that are still to come.

    It would read them when its objects are closed or collected, meet the interruption there, or the end of
    the connection, and print a traceback that nobody can catch.
    """
    if driver._result is not None:
        driver._result.unbuffered_active = False


def _quoted(text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.func.concat(_QUOTE, sa.func.replace(text, _QUOTE, _TWO_QUOTES), _QUOTE)


def _written(column: sa.ColumnElement[Any], kind: Kind) -> sa.ColumnElement[Any]:
    """A column as it stands in a line of CSV; NULL as nothing."""
    column = sa.type_coerce(column, sa.types.NullType())
    text: sa.ColumnElement[Any]
    match kind:
        case Kind.STRING | Kind.INTERVAL:
            text = _quoted(utf8_of(column))
        case Kind.UUID | Kind.JSON:  # whether they are that is looked at, so they may be in binary columns
            text = _quoted(utf8_of_bytes(column))
        case Kind.BYTES:
            text = sa.func.concat(_QUOTE, sa.func.hex(column), _QUOTE)  # none is not NULL
        case Kind.FLOAT32 | Kind.FLOAT64:
            text = sa.cast(column, sa.Double())  # of a FLOAT the server would write six digits
        case Kind.BOOLEAN:
            text = column + sa.literal_column("0")  # a BIT is bytes otherwise
        case _:
            text = column
    # Not COALESCE: a text that became too long is NULL, too. Nor IS NULL, which finds the date 0000-00-00.
    return sa.func.IF(column.bool_op("<=>")(sa.null()), _NOTHING, text)
