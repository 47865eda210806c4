"""`make bench-sources`: one hour of a million rows of twenty columns, read from each database into Arrow.

Per reader: rows per wall second, CPU seconds of our process, how far it grew beyond its imports. `floor` is
SQLAlchemy's reader on the same database. Machines are noisy: CPU seconds are the figures to compare.
`make bench-sources ROWS=100000` does less.
"""

import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from export_pipeline_tests.benchmarks.source import COLUMNS, make
from export_pipeline_tests.servers.mariadb import mariadb_is_here, running_mariadb
from export_pipeline_tests.servers.postgres import running_postgres

ROWS = 1_000_000
SECONDS_AT_MOST = 1800
ROWS_PER_INSERT = 10_000

POSTGRESQL_TYPES = {"int32": "integer", "int64": "bigint", "float64": "double precision", "string": "text"}
POSTGRESQL_TYPES |= {"boolean": "boolean", "timestamp": "timestamptz", "decimal(12,2)": "numeric(12,2)"}
MARIADB_TYPES = POSTGRESQL_TYPES | {"timestamp": "datetime(6)", "string": "varchar(50)", "float64": "double"}
SQLITE_TYPES = {"int32": "integer", "int64": "integer", "float64": "real", "string": "text"}
SQLITE_TYPES |= {"boolean": "integer", "timestamp": "text", "decimal(12,2)": "text"}

MOMENTS = [name for name, type_ in COLUMNS.items() if type_ == "timestamp"]
AS_TEXT = ", ".join(f"strftime({name}, '%Y-%m-%d %H:%M:%S.%f') AS {name}" for name in MOMENTS)


@contextmanager
def in_duckdb(folder: Path) -> Iterator[str]:
    yield f"duckdb:///{folder / 'rows.duckdb'}"


@contextmanager
def in_sqlite(folder: Path) -> Iterator[str]:
    file = folder / "rows.sqlite"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(_create("rows", SQLITE_TYPES))
        marks = ", ".join("?" * len(COLUMNS))
        for rows in _rows(folder):
            held = [
                [str(value) if type(value).__name__ == "Decimal" else value for value in row] for row in rows
            ]
            connection.executemany(f"insert into rows values ({marks})", held)
        connection.execute("create index by_time on rows (happened_at, id)")
    yield f"sqlite:///{file}"


@contextmanager
def in_postgresql(folder: Path) -> Iterator[str]:
    with running_postgres() as url:
        plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, options="-c timezone=UTC") as connection, connection.cursor() as cursor:
            cursor.execute(_create("rows", POSTGRESQL_TYPES).encode())
            with cursor.copy("copy rows from stdin") as copy:
                for rows in _rows(folder):
                    for row in rows:
                        copy.write_row(row)
            cursor.execute("create index on rows (happened_at, id)")
            cursor.execute("analyze rows")
        yield url


@contextmanager
def in_mariadb(folder: Path) -> Iterator[str]:
    with running_mariadb() as url:
        database = sa.create_engine(url, poolclass=sa.NullPool)
        with database.begin() as connection:
            connection.exec_driver_sql("create database benchmark")
            connection.exec_driver_sql("use benchmark")
            connection.exec_driver_sql(_create("`rows`", MARIADB_TYPES))
            marks = ", ".join(["%s"] * len(COLUMNS))
            for rows in _rows(folder):
                connection.exec_driver_sql(f"insert into `rows` values ({marks})", rows)
            connection.exec_driver_sql("create index by_time on `rows` (happened_at, id)")
        yield sa.make_url(url).set(database="benchmark").render_as_string(hide_password=False)


SOURCES: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    "duckdb": in_duckdb,
    "sqlite": in_sqlite,
    "postgresql": in_postgresql,
    "mariadb": in_mariadb,
}

# DuckDB has no dialect that SQLAlchemy brings along, and SQLite's reader is the floor itself.
WITH_A_FLOOR = ("postgresql", "mariadb")


def _create(name: str, types: dict[str, str]) -> str:
    return (
        f"create table {name} ({', '.join(f'{column} {types[type_]}' for column, type_ in COLUMNS.items())})"
    )


def _rows(folder: Path) -> Iterator[list[tuple[Any, ...]]]:
    with duckdb.connect(str(folder / "rows.duckdb"), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(f"SELECT * REPLACE ({AS_TEXT}) FROM rows")
        while rows := found.fetchmany(ROWS_PER_INSERT):
            yield rows


def _measured(url: str, reader: str) -> dict[str, float]:
    ran = subprocess.run(
        [sys.executable, "-m", "export_pipeline_tests.benchmarks.reading", url, reader],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=SECONDS_AT_MOST,
    )
    figures: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return figures


def main(rows: int) -> None:
    """Measure and print."""
    table = Table("source", "reader", "rows/s", "CPU s", "grown MB")
    with tempfile.TemporaryDirectory(prefix="export-pipeline-bench-") as name:
        folder = Path(name)
        make(folder / "rows.duckdb", rows)
        for source, made in SOURCES.items():
            if source == "mariadb" and not mariadb_is_here():
                table.add_row(source, "no mariadbd on this machine")
                continue
            with made(folder) as url:
                for reader in ("best", "floor") if source in WITH_A_FLOOR else ("best",):
                    cost = _measured(url, reader)
                    assert cost["rows"] == rows, cost
                    figures = f"{rows / cost['wall']:,.0f}", f"{cost['cpu']:.2f}", f"{cost['grown_mb']:.0f}"
                    table.add_row(source, reader, *figures)
    Console(width=110).print(f"{rows:,} rows of {len(COLUMNS)} columns", table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
