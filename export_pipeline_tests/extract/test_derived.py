"""A table that a source does not have is read as one that it has."""

import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from export_pipeline.dataset.tables import Table
from export_pipeline.extract.derived import DerivedSource
from export_pipeline.extract.query import rows_of_hour
from export_pipeline.extract.schema import arrow_schema
from export_pipeline.extract.sources import open_source
from export_pipeline.filters.tree import EVERY_ROW
from export_pipeline_tests.builders import a_column, a_table, an_hour

DERIVED = a_table(
    name="derived",
    relation="derived",
    columns=(a_column("id", "int64"), a_column("seen", "timestamp")),
    time_column="seen",
)


def test_a_derived_table_is_read_beside_the_sources_own(tmp_path: Path) -> None:
    file = tmp_path / "source.sqlite"
    with closing(sqlite3.connect(file)) as writer, writer:
        writer.execute("create table events (id integer, seen text)")
        writer.executemany("insert into events values (?, '2013-01-01 00:30:00')", [(1,), (2,)])
    events = sa.table("events", sa.column("id"), sa.column("seen"))
    doubled = sa.select((events.c.id * sa.bindparam(None, 10)).label("id"), events.c.seen).where(
        events.c.id > 1
    )

    with (
        closing(DerivedSource(open_source(f"sqlite:///{file}"), {"derived": doubled})) as source,
        source.snapshot() as snapshot,
    ):
        assert snapshot.mechanism == "SQLite read transaction"
        for table, ids in ((DERIVED, [20]), (a_table_of_events(), [1, 2])):
            rows = rows_of_hour(table, table.select(["id"]), an_hour(), EVERY_ROW, None)
            batches = snapshot.batches(rows, arrow_schema(table.select(["id"])))
            assert [row["id"] for batch in batches for row in batch.to_pylist()] == ids
            assert snapshot.count(rows) == len(ids)
            assert (snapshot.found(rows) is None) == (table is DERIVED)


def test_a_derived_table_of_postgresql_is_not_missed_where_tables_are(postgres_database: str) -> None:
    """It has a name that no table has, or one that some table has which is not read."""
    database = sa.create_engine(postgres_database, poolclass=sa.NullPool)
    with database.begin() as connection:
        connection.exec_driver_sql("create table events (id bigint, seen timestamptz)")
        connection.exec_driver_sql(
            "insert into events values (1, '2013-01-01 00:30Z'), (2, '2013-01-01 00:31Z')"
        )
    events = sa.table("events", sa.column("id"), sa.column("seen"))
    second = sa.select(events.c.id, events.c.seen).where(events.c.id > 1)
    rows = rows_of_hour(DERIVED, DERIVED.select(["id"]), an_hour(), EVERY_ROW, None)

    with (
        closing(DerivedSource(open_source(postgres_database), {"derived": second})) as source,
        source.snapshot(selects=(rows,)) as snapshot,
    ):
        assert snapshot.count(rows) == 1


def a_table_of_events() -> Table:
    return a_table(name="events", relation="events", columns=DERIVED.columns, time_column="seen")
