"""What is particular to databases behind SQLAlchemy: what others write meanwhile; the floor."""

from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from export_pipeline.dataset.types import Kind
from export_pipeline.errors import PermanentFailure
from export_pipeline.extract.query import rows_of_hour
from export_pipeline.extract.schema import arrow_schema
from export_pipeline.extract.sqlalchemy import SqlalchemySource
from export_pipeline.filters.tree import EVERY_ROW
from export_pipeline_tests.builders import a_column, an_hour
from export_pipeline_tests.extract.engines import Engine
from export_pipeline_tests.extract.engines.mariadb import MARIADB
from export_pipeline_tests.extract.test_every_reader import (
    DECLARED,
    SEEN,
    VALUES,
    a_table,
    load,
    read,
    rows_read,
)

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


# Of a FLOAT the server writes six digits, and a TIME is a length of time to the driver.
TYPES = {**MARIADB.types, Kind.FLOAT32: "double", Kind.TIME: "text"}


@pytest.mark.parametrize("kind", Kind)
def test_the_floor_reads_every_kind_of_value(
    kind: Kind, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A database without a reader of its own is read like this; MariaDB stands in for one."""
    values = [*filter(MARIADB.holds, VALUES[kind]), None]
    table = a_table(a_column("value", DECLARED[kind]))
    with MARIADB.opened(request, tmp_path) as engine:
        load(engine, [(n, SEEN, value) for n, value in enumerate(values)], value=TYPES[kind])
        with (
            closing(SqlalchemySource(sa.make_url(engine.url), timedelta(minutes=1))) as source,
            source.snapshot() as snapshot,
        ):
            assert snapshot.mechanism == "none"
            got = read(snapshot, table)
    assert got.schema.equals(arrow_schema(table.columns), check_metadata=True)
    assert got.column("value").to_pylist() == values


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
