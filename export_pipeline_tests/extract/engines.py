"""The databases that readers read, each with the same logical table. A new reader needs one opener here."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pytest
import sqlalchemy as sa

from export_pipeline.dataset.types import Kind
from export_pipeline.extract.source import Source
from export_pipeline.extract.sources import STATEMENT_LIMIT, open_source
from export_pipeline_tests.servers.postgres import fresh_database

Row: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A database of one kind, and how tests write to it. A `load` is done when the source is not open."""

    name: str
    url: str
    types: Mapping[Kind, str]
    run: Callable[[str, Sequence[Row]], None]
    endless: str  # to select from: more rows than can be counted, each with a number `n`

    def load(self, columns: Mapping[str, str], rows: Sequence[Row]) -> None:
        """A new table `events` of these columns (their types in this database's SQL) and rows."""
        self.run("drop table if exists events", [])
        self.run(f"create table events ({', '.join(f'{n} {t}' for n, t in columns.items())})", [])
        places = ", ".join(f":{name}" for name in columns)
        if rows:
            self.run(f"insert into events values ({places})", rows)

    def load_endless(self) -> None:
        """A view `events` in which the database looks for rows of the first hour of 2013, and never ends."""
        seen = "case n & 1 when 0 then '2013-02-01 00:30:00Z' else '2013-03-01 00:30:00Z' end"
        self.run(
            f"create view events as select n as id, cast({seen} as {self.types[Kind.TIMESTAMP]}) as seen"
            f" from {self.endless}",
            [],
        )

    @contextmanager
    def source(self, limit: timedelta = STATEMENT_LIMIT) -> Iterator[Source]:
        with closing(open_source(self.url, limit)) as source:
            yield source


_TYPES: Mapping[Kind, str] = {
    Kind.BOOLEAN: "boolean",
    Kind.INT16: "smallint",
    Kind.INT32: "integer",
    Kind.INT64: "bigint",
    Kind.UINT64: "numeric(20,0)",
    Kind.FLOAT32: "real",
    Kind.FLOAT64: "double precision",
    Kind.DECIMAL: "numeric(38,10)",
    Kind.STRING: "text",
    Kind.BYTES: "bytea",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.TIMESTAMP: "timestamptz",
    Kind.TIMESTAMP_LOCAL: "timestamp",
    Kind.UUID: "uuid",
    Kind.JSON: "jsonb",
}
_DUCKDB: Mapping[Kind, str] = {
    **_TYPES,
    Kind.UINT64: "ubigint",
    Kind.BYTES: "blob",
    Kind.JSON: "json",
}
# What has more digits than a float is kept as text there.
_SQLITE: Mapping[Kind, str] = dict.fromkeys(Kind, "text") | {
    Kind.BOOLEAN: "integer",
    Kind.INT16: "integer",
    Kind.INT32: "integer",
    Kind.INT64: "integer",
    Kind.FLOAT32: "real",
    Kind.FLOAT64: "real",
    Kind.BYTES: "blob",
}

# In little memory, and without a temporary file.
_DUCKDB_ENDLESS = "(select a.range + b.range as n from range(1000000000) a, range(1000000000) b) as numbers"
_SQLITE_ENDLESS = "(with recursive r(n) as (select 1 union all select n + 1 from r) select n from r)"
_POSTGRES_ENDLESS = (
    "(select a::bigint + b as n from generate_series(1, 9999) a, generate_series(1, 9999) b,"
    " generate_series(1, 9999)) as numbers"
)


@contextmanager
def duck(_: pytest.FixtureRequest, folder: Path) -> Iterator[Engine]:
    file = folder / "source.duckdb"

    def run(statement: str, rows: Sequence[Row]) -> None:
        with duckdb.connect(str(file)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            for row in rows:
                values = [_text_of(value) for value in row]
                connection.execute(_with_marks(statement, "?"), values)
            if not rows:
                connection.execute(statement)

    run("select 1", [])
    yield Engine(name="duckdb", url=f"duckdb:///{file}", types=_DUCKDB, run=run, endless=_DUCKDB_ENDLESS)


@contextmanager
def sqlite(_: pytest.FixtureRequest, folder: Path) -> Iterator[Engine]:
    url = f"sqlite:///{folder / 'source.sqlite'}"
    with _driven(url, lambda value: value if isinstance(value, (float, bytes)) else _text_of(value)) as run:
        run("pragma journal_mode = wal", [])
        yield Engine(name="sqlite", url=url, types=_SQLITE, run=run, endless=_SQLITE_ENDLESS)


@contextmanager
def postgres(request: pytest.FixtureRequest, _: Path) -> Iterator[Engine]:
    with fresh_database(request.getfixturevalue("postgres_url")) as url, _driven(url, lambda v: v) as run:
        yield Engine(name="postgresql", url=url, types=_TYPES, run=run, endless=_POSTGRES_ENDLESS)


ENGINES: Mapping[str, Callable[[pytest.FixtureRequest, Path], AbstractContextManager[Engine]]] = {
    "duckdb": duck,
    "sqlite": sqlite,
    "postgresql": postgres,
}


@contextmanager
def _driven(url: str, held: Callable[[Any], Any]) -> Iterator[Callable[[str, Sequence[Row]], None]]:
    database = sa.create_engine(url, poolclass=sa.NullPool)
    mark = "?" if database.dialect.name == "sqlite" else "%s"

    def run(statement: str, rows: Sequence[Row]) -> None:
        with database.begin() as connection:
            if rows:
                held_rows = [tuple(held(value) for value in row) for row in rows]
                connection.exec_driver_sql(_with_marks(statement, mark), held_rows)
            else:
                connection.exec_driver_sql(statement)

    try:
        yield run
    finally:
        database.dispose()


def _with_marks(statement: str, mark: str) -> str:
    head, separator, tail = statement.partition("values (")
    return head + separator + ", ".join(mark for _ in tail.split(",")) + (")" if separator else "")


def _text_of(value: Any) -> Any:
    if isinstance(value, datetime):
        aware = value.tzinfo is not None
        return (value.astimezone(UTC).replace(tzinfo=None) if aware else value).isoformat(" ") + "Z" * aware
    if value is None or isinstance(value, (bool, bytes, float, str)):
        return value
    if isinstance(value, int):
        return value if value < 2**63 else str(value)
    return format(value, "f") if isinstance(value, Decimal) else str(value)
