"""DuckDB files, read by DuckDB itself into Arrow."""

import itertools
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from export_pipeline.dataset.catalog import DOCUMENTS, FoundColumn, Unreadable
from export_pipeline.dataset.duckdb_catalog import DuckdbCatalog
from export_pipeline.dataset.duckdb_files import DuckdbFile, Overwritten, open_file
from export_pipeline.dataset.types import Kind
from export_pipeline.errors import PermanentFailure
from export_pipeline.extract.duckdb_dialect import compiled, in_microseconds
from export_pipeline.extract.duckdb_errors import explained, overwritten
from export_pipeline.extract.duckdb_memory import MEGABYTES_FOR_WIDE_ROWS, Memory, OutOfMemory
from export_pipeline.extract.duckdb_plans import is_steady, reads_outside, steadiness
from export_pipeline.extract.durations import iso_durations
from export_pipeline.extract.fitting import declared_type, fitted, refusal
from export_pipeline.extract.query import count_of, order_of, relation_of, source_of
from export_pipeline.extract.slices import MOST_IN_WIDE_ROWS, Slices
from export_pipeline.extract.waiting import Waiting

ROWS_PER_BATCH = 20_000

# What these become in Arrow is another value: without its zone, as DuckDB's own bytes, or negative.
_CHANGED_BY_ARROW = ("TIME WITH TIME ZONE", "BIT", "UHUGEINT")


# What DuckDB's texts of intervals are called in its results. No column's name has such a character.
_INTERVAL = "\x1f"

# Tables of slices are each called something else.
_NUMBERS = itertools.count()

# Of each file that is open: what its sources may use, they use together.
_MEMORIES: WeakKeyDictionary[DuckdbFile, Memory] = WeakKeyDictionary()

Result = TypeVar("Result")


class DuckdbSnapshot:
    """One transaction: DuckDB's readers see what was committed when it began. Files behind its views are
    outside it."""

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, file: Path, waiting: Waiting, memory: Memory
    ) -> None:
        self._cursor = cursor
        self._memory = memory
        self._file = file
        self._waiting = waiting
        self._found: dict[str, tuple[FoundColumn, ...] | None] = {}
        self._outside: dict[str, bool] = {}

    @property
    def mechanism(self) -> str:
        return "none" if any(self._outside.values()) else "DuckDB transaction snapshot"

    def found(self, rows: sa.Select[Any]) -> tuple[FoundColumn, ...] | None:
        relation = relation_of(rows)
        if relation not in self._found:
            source = source_of(rows)
            with explained(self._file), self._waiting.answer(relation):
                try:
                    self._found[relation] = DuckdbCatalog(self._cursor).columns(source.schema, source.name)
                except Unreadable:  # the query itself will say why, if it cannot be read either
                    self._found[relation] = None
        return self._found[relation]

    def count(self, rows: sa.Select[Any]) -> int:
        self._reads_outside(rows)  # before anybody is told of the mechanism
        return int(self._one(count_of(self._comparable(rows)), rows))

    def _reads_outside(self, rows: sa.Select[Any]) -> bool:
        relation = relation_of(rows)
        if relation not in self._outside:
            sql, parameters = compiled(sa.select(*rows.selected_columns))
            # Optimized, a plan leaves out files of which only the statistics are needed, or columns are not.
            self._execute("PRAGMA disable_optimizer", [], rows)
            ((_, plan),) = self._execute(f"EXPLAIN (FORMAT json) {sql}", parameters, rows)
            self._execute("PRAGMA enable_optimizer", [], rows)
            self._outside[relation] = reads_outside(plan)
        return self._outside[relation]

    def _comparable(self, rows: sa.Select[Any]) -> sa.Select[Any]:
        """The select with moments in nanoseconds compared as those in microseconds that they are in."""
        finer = {column.name.lower() for column in self.found(rows) or () if column.type == "TIMESTAMP_NS"}
        if not finer:
            return rows
        compared = in_microseconds(rows, finer)
        return compared.with_only_columns(*rows.selected_columns).order_by(None).order_by(*order_of(rows))

    def batches(self, rows: sa.Select[Any], schema: pa.Schema) -> Generator[pa.RecordBatch, None, None]:
        types = {column.name.lower(): column for column in self.found(rows) or ()}
        found = [types.get(field.name.lower()) for field in schema]
        asked = self._comparable(rows).with_only_columns(
            *(
                _asked(column, field, type_)
                for column, field, type_ in zip(rows.selected_columns, schema, found, strict=True)
            )
        )
        weights = _weights(rows.selected_columns, found)
        slices = Slices(asked, weights, f"slices_{next(_NUMBERS)}")
        begin = partial(self._begun, asked, schema)
        # Wide are at most columns that filter or order; or the rows may be others when they are read again.
        if not weights or self._reads_outside(rows) or not is_steady(self._one(steadiness(rows), rows)):
            yield from self._patiently(begin)
        elif self._one(slices.heaviness(), rows) > MOST_IN_WIDE_ROWS:
            yield from self._by_slices(slices, schema)
        else:
            try:
                batches = begin()
            except OutOfMemory:  # rows that are nearly wide, and very many
                self._begin_again("ROLLBACK")
                batches = self._by_slices(slices, schema)
            yield from batches

    def _begun(self, rows: sa.Select[Any], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The batches, of which the first is read: by then all rows are sorted, for which memory sufficed."""
        batches = self._read(rows, schema)
        return itertools.chain([*itertools.islice(batches, 1)], batches)

    def _by_slices(self, slices: Slices, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        self._memory.allow(MEGABYTES_FOR_WIDE_ROWS)
        keys, parameters = compiled(slices.keys())
        made = f"CREATE TEMPORARY TABLE {slices.name} AS {keys}"
        self._patiently(lambda: self._execute(made, parameters, slices.rows))
        self._begin_again("COMMIT")  # or it would be gone with a transaction that ran out of memory
        numbers = self._execute(*compiled(slices.numbers()), slices.rows)
        for (number,) in numbers:
            # As a whole: when memory runs out, it is read again with more.
            yield from self._patiently(partial(self._whole, slices.slice(number), schema))
        self._execute(f"DROP TABLE {slices.name}", [], slices.rows)

    def _whole(self, rows: sa.Select[Any], schema: pa.Schema) -> list[pa.RecordBatch]:
        return list(self._read(rows, schema))

    def _read(self, rows: sa.Select[Any], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        sql, parameters = compiled(rows)
        relation = relation_of(rows)
        with explained(self._file, rows):
            # A relation streams; a cursor that executed would hold the whole result first.
            result = self._cursor.sql(sql, params=parameters)
            for field, type_ in zip(schema, map(str, result.types), strict=True):
                if type_ in _CHANGED_BY_ARROW:
                    raise refusal(relation, field, f"the database gives {type_}")
            with self._waiting.answer(relation):
                reader = result.to_arrow_reader(ROWS_PER_BATCH)
            with reader:
                for batch in self._waiting.each(iter(reader), relation):
                    columns = [
                        iso_durations(column) if name.startswith(_INTERVAL) else column
                        for name, column in zip(batch.schema.names, batch.columns, strict=True)
                    ]
                    yield fitted(columns, schema, relation)

    def _one(self, query: sa.Select[Any], rows: sa.Select[Any]) -> Any:
        sql, parameters = compiled(query)
        ((value,),) = self._patiently(lambda: self._execute(sql, parameters, rows))
        return value

    def _execute(self, sql: str, parameters: list[Any], rows: sa.Select[Any]) -> list[tuple[Any, ...]]:
        with explained(self._file, rows), self._waiting.answer(relation_of(rows)):
            return self._cursor.execute(sql, parameters).fetchall()

    def _patiently(self, work: Callable[[], Result]) -> Result:
        """What the work gives, with as much memory as it takes."""
        while True:
            allowed = self._memory.megabytes
            try:
                return work()
            except OutOfMemory:
                if not self._memory.raise_above(allowed):
                    raise
                self._begin_again("ROLLBACK")

    def _begin_again(self, end: str) -> None:
        """End the transaction, and begin one of the same moment: nobody writes to a file that is open."""
        with explained(self._file):
            self._cursor.execute(end)
            self._cursor.execute("BEGIN TRANSACTION")


class DuckdbSource:
    """A DuckDB file, opened for reading when the first hour is read. Each snapshot has its own cursor.

    One that was put in its place is read by the next snapshot that begins while there is no other.
    """

    def __init__(self, url: sa.URL, limit: timedelta) -> None:
        self._file = Path(url.database or "")
        self._limit = limit
        self._opened: DuckdbFile | None = None
        self._snapshots = 0
        self._lock = threading.Lock()

    @contextmanager
    def snapshot(
        self, stop: threading.Event | None = None, _selects: Sequence[sa.Select[Any]] = ()
    ) -> Iterator[DuckdbSnapshot]:
        with explained(self._file):
            cursor, memory, opened = self._cursor()
        # There is nothing to commit: closing the cursor ends the transaction, however far it was read.
        with cursor:
            try:
                with explained(self._file):
                    cursor.execute("SET TimeZone = 'UTC'")
                    cursor.execute("BEGIN TRANSACTION")
                waiting = Waiting(cursor.interrupt, self._limit, stop)
                with waiting.watched():
                    yield DuckdbSnapshot(cursor, self._file, waiting, memory)
            except Exception as error:
                if opened.overwritten:  # which explains whatever was wrong with the rows
                    raise overwritten(self._file) from error
                raise
            else:
                if opened.overwritten:
                    raise overwritten(self._file)
            finally:
                with self._lock:
                    self._snapshots -= 1
                memory.add(-1)

    def close(self) -> None:
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._opened is not None:
            self._opened.close()
        self._opened = None

    def _cursor(self) -> tuple[duckdb.DuckDBPyConnection, Memory, DuckdbFile]:
        with self._lock:
            stale = self._opened is not None and (self._opened.overwritten or self._opened.replaced)
            if stale and not self._snapshots:
                self._let_go()
            if self._opened is not None and self._opened.overwritten:
                raise Overwritten  # and nothing new begins, so that those that read it come to an end
            if self._opened is None:
                if not self._file.is_file():
                    raise PermanentFailure(
                        f"there is no DuckDB file {self._file.name}; correct the source's URL"
                    )
                self._opened = open_file(self._file)
            connection = self._opened.connection
            memory = _MEMORIES.setdefault(self._opened, Memory(connection))
            cursor = connection.cursor()
            self._snapshots += 1
            memory.add(1)
            return cursor, memory, self._opened


def _weights(
    columns: Iterable[sa.ColumnElement[Any]], found: Iterable[FoundColumn | None]
) -> list[sa.ColumnElement[Any]]:
    """The bytes of each value that may be long."""
    weights: list[sa.ColumnElement[Any]] = []
    for column, type_ in zip(columns, found, strict=True):
        plain = sa.type_coerce(column, sa.types.NullType())
        if _is_nested(type_):
            weights.append(sa.func.strlen(sa.cast(plain, sa.Text())))
        elif type_ is not None and type_.type.upper() in ("VARCHAR", "JSON"):
            weights.append(sa.func.strlen(plain))
        elif type_ is not None and type_.type.upper() == "BLOB":
            weights.append(sa.func.octet_length(plain))
    return weights


def _is_nested(found: FoundColumn | None) -> bool:
    """Whether it is a list, a struct or a map."""
    return found is not None and found.becomes == DOCUMENTS


def _asked(
    column: sa.ColumnElement[Any], field: "pa.Field[Any]", found: FoundColumn | None
) -> sa.ColumnElement[Any]:
    """A column as DuckDB is to give it."""
    kind = declared_type(field).kind
    if kind is Kind.JSON and _is_nested(found):
        return _as_json(column, field.name)
    if kind is Kind.INTERVAL and found is not None and found.type.upper() == "INTERVAL":
        return sa.cast(sa.type_coerce(column, sa.types.NullType()), sa.Text()).label(_INTERVAL + field.name)
    return column


def _as_json(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[Any]:
    plain = sa.type_coerce(column, sa.types.NullType())
    return sa.cast(sa.cast(plain, sa.JSON()), sa.Text()).label(name)
