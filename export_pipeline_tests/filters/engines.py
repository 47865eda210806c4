"""The engines that must agree on what a filter means. A new one: a function here and a line in ENGINES."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import duckdb
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialects

from export_pipeline.dataset.types import Kind
from export_pipeline_tests.filters.tables import EVENTS, KINDS
from export_pipeline_tests.servers.mariadb import fresh_mariadb_database
from export_pipeline_tests.servers.postgres import fresh_database

Row: TypeAlias = Mapping[str, Any]

# SQLAlchemy leaves the constructors of its dialects untyped.
DUCKDB_DIALECT = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
POSTGRES_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
SQLITE_DIALECT = sqlite_dialects.dialect()
MYSQL_DIALECT = mysql.dialect()
DIALECTS: Sequence[sa.Dialect] = (SQLITE_DIALECT, POSTGRES_DIALECT, DUCKDB_DIALECT, MYSQL_DIALECT)

# What the filters are compiled against: names and no types, as a source declares nothing by itself.
SOURCE = sa.table("events", *(sa.column(column.name) for column in EVENTS.columns))


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A database with an empty table `events`.

    `as_held` is a row as this engine can hold it; `replace` makes those rows the only ones; `run` gives the
    first column of a query's rows.
    """

    name: str
    as_held: Callable[[Row], Row]
    replace: Callable[[Sequence[Row]], None]
    run: Callable[[sa.Select[Any]], list[Any]]

    def selected(self, clause: sa.ColumnElement[bool]) -> set[int]:
        """The ids of the rows of `events` that the clause is true for."""
        return set(self.run(sa.select(SOURCE.c.id).where(clause)))


# The collations of the test: they ignore case, and the one of MariaDB also accents and spaces at the end, and
# it holds all characters beyond U+FFFF for one.
_CITY = (
    sa.Text()
    .with_variant(sa.Text(collation="NOCASE"), "sqlite")
    .with_variant(mysql.VARCHAR(200, charset="utf8mb4", collation="utf8mb4_general_ci"), "mysql")
)

# SQLite and MySQL keep UUIDs as hex.
_SQL_TYPES: Mapping[Kind, sa.types.TypeEngine[Any]] = {
    Kind.BOOLEAN: sa.Boolean(),
    Kind.INT16: sa.SmallInteger(),
    Kind.INT32: sa.Integer(),
    Kind.INT64: sa.BigInteger(),
    Kind.UINT64: sa.Numeric(20, 0)
    .with_variant(sa.BigInteger(), "sqlite")
    .with_variant(mysql.BIGINT(unsigned=True), "mysql"),
    Kind.FLOAT32: sa.REAL().with_variant(mysql.FLOAT(), "mysql"),
    Kind.FLOAT64: sa.Double(),
    Kind.DECIMAL: sa.Numeric(12, 2),
    Kind.STRING: _CITY,
    Kind.BYTES: sa.LargeBinary(),
    Kind.DATE: sa.Date(),
    Kind.TIME: sa.Time().with_variant(mysql.TIME(fsp=6), "mysql"),
    Kind.TIMESTAMP: sa.DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6), "mysql"),
    Kind.TIMESTAMP_LOCAL: sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql"),
    Kind.UUID: sa.Uuid(as_uuid=False),
    Kind.JSON: sa.Text().with_variant(mysql.LONGTEXT(), "mysql"),
    Kind.INTERVAL: sa.Text(),
}

_DUCKDB_TYPES: Mapping[Kind, str] = {
    Kind.BOOLEAN: "boolean",
    Kind.INT16: "smallint",
    Kind.INT32: "integer",
    Kind.INT64: "bigint",
    Kind.UINT64: "ubigint",
    Kind.FLOAT32: "float",
    Kind.FLOAT64: "double",
    Kind.DECIMAL: "decimal(12,2)",
    Kind.STRING: "varchar collate nocase",
    Kind.BYTES: "blob",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.TIMESTAMP: "timestamptz",
    Kind.TIMESTAMP_LOCAL: "timestamp",
    Kind.UUID: "uuid",
    Kind.JSON: "varchar",
    Kind.INTERVAL: "varchar",
}


@contextmanager
def sqlite(_: pytest.FixtureRequest) -> Iterator[Engine]:
    with _sqlalchemy(sa.create_engine("sqlite://"), _as_sqlite_holds) as engine:
        yield engine


@contextmanager
def postgres(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with fresh_database(request.getfixturevalue("postgres_url")) as url:
        database = sa.create_engine(url)
        with _sqlalchemy(database, lambda row: row) as engine:
            yield engine


@contextmanager
def duck(_: pytest.FixtureRequest) -> Iterator[Engine]:
    columns = ", ".join(f'"{name}" {_DUCKDB_TYPES[kind]}' for name, kind in KINDS.items())
    places = ", ".join(f"${number}" for number in range(1, len(KINDS) + 1))
    with duckdb.connect() as connection:
        connection.execute(f"create table events ({columns})")

        def replace(rows: Sequence[Row]) -> None:
            connection.execute("delete from events")
            for row in rows:
                connection.execute(f"insert into events values ({places})", [row[name] for name in KINDS])

        def run(query: sa.Select[Any]) -> list[Any]:
            compiled = query.compile(dialect=DUCKDB_DIALECT, compile_kwargs={"render_postcompile": True})
            by_name = compiled.params
            values = [by_name[name] for name in compiled.positiontup or ()]
            return [row[0] for row in connection.execute(str(compiled), values).fetchall()]

        yield Engine(name="duckdb", as_held=lambda row: row, replace=replace, run=run)


@contextmanager
def mariadb(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with fresh_mariadb_database(request.getfixturevalue("mariadb_url")) as url:
        database = sa.create_engine(url)
        with _sqlalchemy(database, _as_mariadb_holds) as engine:
            yield engine


ENGINES: Mapping[str, Callable[[pytest.FixtureRequest], AbstractContextManager[Engine]]] = {
    "sqlite": sqlite,
    "duckdb": duck,
    "postgres": postgres,
    "mariadb": mariadb,
}


@contextmanager
def _sqlalchemy(database: sa.Engine, as_held: Callable[[Row], Row]) -> Iterator[Engine]:
    table = sa.Table(
        "events", sa.MetaData(), *(sa.Column(name, _SQL_TYPES[kind]) for name, kind in KINDS.items())
    )
    try:
        with database.connect() as connection:
            table.create(connection)

            def replace(rows: Sequence[Row]) -> None:
                connection.execute(sa.delete(table))
                if rows:
                    connection.execute(sa.insert(table), [dict(row) for row in rows])

            def run(query: sa.Select[Any]) -> list[Any]:
                return list(connection.execute(query).scalars())

            yield Engine(name=database.dialect.name, as_held=as_held, replace=replace, run=run)
    finally:
        database.dispose()


def _as_sqlite_holds(row: Row) -> Row:
    """SQLite stores NaN as null, and its integers end at 2**63 - 1."""
    return {
        name: None
        if isinstance(value, float) and math.isnan(value)
        else value % 2**63
        if KINDS[name] is Kind.UINT64 and value is not None
        else value
        for name, value in row.items()
    }


def _as_mariadb_holds(row: Row) -> Row:
    """MariaDB has neither NaN nor infinities."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }
