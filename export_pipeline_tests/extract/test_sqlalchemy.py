"""What is particular to databases behind SQLAlchemy: what others write meanwhile; the floor."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from export_pipeline.dataset.types import Kind
from export_pipeline.errors import PermanentFailure
from export_pipeline.extract.query import rows_of_hour
from export_pipeline.extract.sqlalchemy import SqlalchemySource
from export_pipeline.filters.tree import EVERY_ROW
from export_pipeline_tests.builders import a_column, an_hour
from export_pipeline_tests.extract.engines import Engine
from export_pipeline_tests.extract.test_every_reader import SEEN, a_table, load, read, rows_read

INSERT = "insert into events values (99, '2013-01-01 00:59:00')"


@pytest.fixture
def server(engine: Engine) -> Engine:
    if engine.name == "duckdb":
        pytest.skip("a DuckDB file that is open for reading has no writers")
    return engine


def test_rows_committed_after_the_count_are_not_seen(server: Engine) -> None:
    load(server, [(1, SEEN)])
    table = a_table()
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
    with server.source() as source, source.snapshot() as snapshot:
        assert snapshot.count(rows) == 1
        server.run(INSERT, [])
        assert read(snapshot, table).num_rows == 1
    assert len(rows_read(server, table)) == 2


def test_nothing_can_be_written_through_a_snapshot(server: Engine) -> None:
    load(server, [])
    with server.source() as source, source.snapshot() as snapshot:
        connection: sa.Connection = vars(snapshot)["connection"]
        with pytest.raises(sa.exc.DBAPIError, match=r"(?i)read.?only"):
            connection.exec_driver_sql(INSERT)


VALUES = {
    "int64": ("bigint", 7),
    "uint64": ("bigint unsigned", 2**64 - 1),
    "decimal(38,10)": ("decimal(38,10)", Decimal("-9999999999999999999999999999.9999999999")),
    "float64": ("double", 0.1),
    "string": ("text", 'it\'s "so", 😀'),
    "bytes": ("blob", b"\0\xff"),
    "timestamp": ("datetime(6)", datetime(2013, 1, 1, 0, 30, 0, 1, tzinfo=UTC)),
    "json": ("json", '{"a": 1}'),
}


@pytest.mark.parametrize("declared", VALUES)
def test_the_floor_reads_what_a_driver_gives(mariadb_database: str, declared: str) -> None:
    """A database without a reader of its own is read like this; MariaDB stands in for one."""
    type_, value = VALUES[declared]
    floor_of(mariadb_database, type_, value)
    table = a_table(a_column("value", declared))
    with (
        closing(SqlalchemySource(sa.make_url(mariadb_database), timedelta(minutes=1))) as source,
        source.snapshot() as snapshot,
    ):
        assert snapshot.mechanism == "none"
        assert read(snapshot, table).column("value").to_pylist() == [value, None]


def test_the_floor_says_what_a_table_has_and_what_it_cannot_read(mariadb_database: str) -> None:
    floor_of(mariadb_database, "text", "top secret")
    table = a_table(a_column("value", "int64"))
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
    with (
        closing(SqlalchemySource(sa.make_url(mariadb_database), timedelta(minutes=1))) as source,
        source.snapshot() as snapshot,
    ):
        found = snapshot.found(rows)
        assert found is not None
        assert [(column.name, column.type) for column in found][-1] == ("value", "text")
        assert Kind.STRING in (found[-1].becomes or ())
        with pytest.raises(PermanentFailure, match=r"events\.value is declared int64"):
            read(snapshot, table)


def floor_of(url: str, type_: str, value: object) -> None:
    database = sa.create_engine(url, poolclass=sa.NullPool)
    held = value.replace(tzinfo=None) if isinstance(value, datetime) else value
    with database.begin() as connection:
        connection.exec_driver_sql(f"create table events (id bigint, seen datetime(6), value {type_})")
        for number, each in enumerate([held, None]):
            connection.execute(
                sa.text("insert into events values (:id, '2013-01-01 00:30:00', :value)"),
                {"id": number, "value": each},
            )
    database.dispose()
