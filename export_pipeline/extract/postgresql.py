"""PostgreSQL, read with COPY: the server writes CSV, which Arrow's own parser reads as the declared types.

A third of the CPU time of a server-side cursor, whose rows are Python objects first.
"""

import codecs
from collections.abc import Callable, Generator
from decimal import Decimal
from functools import partial
from typing import Any, cast

import psycopg
import pyarrow as pa
import sqlalchemy as sa

from export_pipeline.dataset.catalog import FoundColumn
from export_pipeline.dataset.types import Kind
from export_pipeline.errors import TransientFailure
from export_pipeline.extract.csv_rows import batch_of, blocks
from export_pipeline.extract.driver_errors import explained
from export_pipeline.extract.fitting import declared_type, refusal
from export_pipeline.extract.lines import PROBES, SECONDS_BETWEEN_PROBES, SECONDS_OF_SILENCE
from export_pipeline.extract.postgresql_relations import hold, what_was_read
from export_pipeline.extract.query import relation_of, source_of
from export_pipeline.extract.shapes import check_shape
from export_pipeline.extract.sqlalchemy import SqlalchemySnapshot, SqlalchemySource
from export_pipeline.filters.sql import replaced

SECONDS_TO_INTERRUPT = 5.0  # a server that does not even take that call is asked again

# What the driver does without, by which it waits for ever; if the URL does not say otherwise.
_PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": str(SECONDS_OF_SILENCE),
    "keepalives_interval": str(SECONDS_BETWEEN_PROBES),
    "keepalives_count": str(PROBES),
    "tcp_user_timeout": str(SECONDS_OF_SILENCE * 1000),
}

# How a role or a database may have been set up must not change what is read.
_SESSION = (
    "SET LOCAL TIME ZONE 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL intervalstyle = 'iso_8601';"
    # What another process of the server reads for us is not locked by ours: see postgresql_relations.
    " SET LOCAL extra_float_digits = 1; SET LOCAL max_parallel_workers_per_gather = 0;"
    # How long an hour may take, and wait for, is ours to say: `waiting` ends what takes longer.
    " SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;"
    " SET LOCAL idle_in_transaction_session_timeout = 0"
)
_SESSION_SINCE_17 = f"{_SESSION}; SET LOCAL transaction_timeout = 0"

# Kinds that are cast before they are written.
_CAST = (Kind.DECIMAL, Kind.UINT64, Kind.FLOAT32, Kind.FLOAT64, Kind.TIMESTAMP, Kind.BYTES)


class PostgresqlSnapshot(SqlalchemySnapshot):
    """One transaction, of one moment from its first query on."""

    mechanism = "PostgreSQL REPEATABLE READ, READ ONLY"
    _counted_elsewhere = False

    def hold(self) -> None:
        for relation, select in {relation_of(select): select for select in self.selects}.items():
            with explained(self.url, select), self.waiting.answer(relation):
                hold(self.connection, source_of(select))

    def count(self, rows: sa.Select[Any]) -> int:
        rows = _writable(rows, self._encoding)
        count = super().count(rows)
        relation = relation_of(rows)
        with explained(self.url, rows), self.waiting.answer(relation):
            was_read = what_was_read(self.connection, source_of(rows))
        if was_read.elsewhere:
            self.mechanism, self._counted_elsewhere = "none", True
        if was_read.replaced:
            raise TransientFailure(
                f"{relation}: while it was being read, the table was emptied, rewritten or replaced, or one"
                " that it consists of; what it holds now is read with the next try"
            )
        return count

    def _begin_anew(self, rows: sa.Select[Any]) -> None:
        """Another server's table may have been emptied and filled when it was counted: then it has no rows,
        until the transaction ends. In the next one they are there, and the numbers differ."""
        with explained(self.url, rows), self.waiting.answer(relation_of(rows)):
            self.connection.rollback()
            self.connection.begin()
        self.hold()
        self._counted_elsewhere = False

    @property
    def _encoding(self) -> str:
        return self._driver.info.parameter_status("server_encoding") or ""

    @property
    def _driver(self) -> psycopg.Connection[Any]:
        driver = self.connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        return driver

    def batches(self, rows: sa.Select[Any], schema: pa.Schema) -> Generator[pa.RecordBatch, None, None]:
        rows = _writable(rows, self._encoding)
        relation = relation_of(rows)
        found = self.found(rows)
        if self._counted_elsewhere:
            self._begin_anew(rows)
        check_shape(relation, {field.name: declared_type(field) for field in schema}, found)
        types = {column.name: column for column in found or ()}
        asked = rows.with_only_columns(
            *(
                _copied(column, field, types.get(field.name), relation).label(field.name)
                for column, field in zip(rows.selected_columns, schema, strict=True)
            )
        )
        compiled = asked.compile(dialect=self.connection.dialect, compile_kwargs={"render_postcompile": True})
        # COPY takes no parameters: the driver writes each value into the statement, as a quoted literal.
        values = {name: _literal(value) for name, value in compiled.params.items()}
        statement = f"COPY ({compiled}) TO STDOUT (FORMAT csv)"
        documents = frozenset(name for name, column in types.items() if not _is_text(column))
        # A database of no encoding would refuse to send text that is none, and not say of which column.
        unchecked = self._encoding == "SQL_ASCII"
        with explained(self.url, rows, raw=(psycopg.Error,)), self._driver.cursor() as cursor:
            if unchecked:
                cursor.execute("SET LOCAL client_encoding = 'SQL_ASCII'")
            # As bytes: the driver would write names in the session's encoding.
            with self.waiting.held(cursor.copy(statement.encode(), values), relation) as copy:
                for block in self.waiting.each(blocks(copy), relation):
                    yield batch_of(block, schema, relation, documents)
            if unchecked:
                cursor.execute("SET LOCAL client_encoding = 'UTF8'")


class PostgresqlSource(SqlalchemySource):
    """A PostgreSQL database, through psycopg."""

    snapshots = PostgresqlSnapshot

    def make_engine(self, url: sa.URL) -> sa.Engine:
        patience = {name: value for name, value in _PATIENCE.items() if name not in url.query}
        engine = (
            super()
            .make_engine(url.update_query_dict({"client_encoding": "utf8", **patience}))
            .execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        )
        sa.event.listen(engine, "begin", _begin)
        return engine

    def number_of(self, driver: psycopg.Connection[Any]) -> int:
        return driver.pgconn.socket

    def interruption(self, connection: sa.Connection) -> Callable[[], object]:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        return partial(driver.cancel_safe, timeout=SECONDS_TO_INTERRUPT)  # `cancel` may wait for ever


def _writable(rows: sa.Select[Any], encoding: str) -> sa.Select[Any]:
    """The select, whose filters look for no letter that the database's encoding does not have: folding `s`
    means to look for `ſ`, and the server refuses a statement in which it stands."""
    if encoding in ("UTF8", "SQL_ASCII"):
        return rows
    try:
        codec = codecs.lookup(encoding.replace("WIN", "cp"))
    except LookupError:  # one that Python does not know: the server will say if it cannot
        return rows

    def has(character: str) -> bool:
        return bool(codec.encode(character, "ignore")[0])

    def changed(element: object, **_: object) -> sa.ColumnElement[Any] | None:
        return element.among(has) if isinstance(element, replaced) else None

    return cast("sa.Select[Any]", sa.sql.visitors.replacement_traverse(rows, {}, changed))


def _literal(value: Any) -> Any:
    """A number as its text. The minus before a literal is an operator, which comes after the cast behind it:
    so no -9223372036854775808 could be written as the number it is."""
    return str(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else value


def _begin(connection: sa.Connection) -> None:
    since_17 = (connection.dialect.server_version_info or ()) >= (17,)
    connection.exec_driver_sql(_SESSION_SINCE_17 if since_17 else _SESSION)


def _copied(
    column: sa.ColumnElement[Any], field: "pa.Field[Any]", found: FoundColumn | None, relation: str
) -> sa.ColumnElement[Any]:
    """What stands in the SELECT for a column: where the text that COPY writes of it is not ours to read."""
    column = sa.type_coerce(column, sa.types.NullType())
    kind = declared_type(field).kind
    # What the server has no cast for, it refuses without a word of the column. The text says what it is.
    if found is not None and found.becomes is None and kind in _CAST:
        if kind is Kind.BYTES:
            raise refusal(relation, field, f"the database has {found.type}")
        return column
    match kind:
        case Kind.DECIMAL | Kind.UINT64:
            # Zeros at the end count as digits where the digits are limited.
            return sa.func.trim_scale(sa.cast(column, sa.Numeric()))
        case Kind.FLOAT32 | Kind.FLOAT64:
            return sa.cast(column, sa.Double())  # all digits of what a REAL is, and not 0.1
        case Kind.BYTES:
            return sa.func.encode(column, "hex")
        case Kind.TIMESTAMP:
            # An instant as its reading in UTC; and what has no zone is one already.
            return sa.cast(sa.cast(column, sa.DateTime(timezone=True)), sa.DateTime())
        case Kind.JSON if not _is_text(found):
            return sa.cast(sa.func.to_json(column), sa.Text())
        case _:
            return column


def _is_text(found: FoundColumn | None) -> bool:
    """Whether a column declared as JSON has it as text, which may be no JSON at all."""
    return found is None or (found.becomes is not None and Kind.STRING in found.becomes)
