"""Networks that break off, or fall silent, below a reader: every wait ends, and no row is lost or made up."""

import gc
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from export_pipeline.errors import TransientFailure
from export_pipeline.extract.lines import SECONDS_OF_SILENCE
from export_pipeline.extract.query import rows_of_hour
from export_pipeline.extract.schema import arrow_schema
from export_pipeline.extract.source import Snapshot, Source
from export_pipeline.extract.sources import STATEMENT_LIMIT, open_source
from export_pipeline.extract.sqlalchemy import SqlalchemySource
from export_pipeline.filters.tree import EVERY_ROW
from export_pipeline_tests.builders import a_column, an_hour
from export_pipeline_tests.extract.test_every_reader import a_table
from export_pipeline_tests.servers.line_proxy import Breaking, LineProxy, line_proxy

TABLE = a_table(a_column("word"))
ROWS = rows_of_hour(TABLE, TABLE.columns, an_hour(), EVERY_ROW, None)
SHORT = timedelta(seconds=0.5)

TABLES = {
    "postgres_database": (
        "create table events (id bigint, seen timestamptz, word text)",
        "insert into events select i, '2013-01-01 00:30:00+00', repeat('x', {width})"
        " from generate_series(1, {rows}) i",
    ),
    "mariadb_database": (
        "create table events (id bigint, seen datetime(6), word text)",
        "insert into events select seq, '2013-01-01 00:30:00', repeat('x', {width}) from seq_1_to_{rows}",
    ),
}


class Line:
    """A database that is reached through a proxy."""

    def __init__(self, name: str, url: str, proxy: LineProxy) -> None:
        self.proxy = proxy
        self._name = name
        self._direct = url
        self._url = sa.make_url(url).set(port=proxy.port)

    def load(self, rows: int, width: int = 1) -> None:
        database = sa.create_engine(self._direct, poolclass=sa.NullPool)
        with database.begin() as connection:
            for statement in TABLES[self._name]:
                connection.exec_driver_sql(statement.format(rows=rows, width=width))
        database.dispose()

    @contextmanager
    def source(self, limit: timedelta = STATEMENT_LIMIT, **options: str) -> Iterator[Source]:
        url = self._url.update_query_dict(options)
        with closing(open_source(url.render_as_string(hide_password=False), limit)) as source:
            yield source


@pytest.fixture(params=TABLES)
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    url = request.getfixturevalue(request.param)
    port = sa.make_url(url).port
    assert port is not None
    with line_proxy(port) as proxy:
        yield Line(request.param, url, proxy)


def hour(source: Source, stop: threading.Event | None = None) -> int:
    """As extraction reads one: its number of rows."""
    with source.snapshot(stop, (ROWS,)) as snapshot:
        return rows_in(snapshot)


def rows_in(snapshot: Snapshot) -> int:
    assert snapshot.found(ROWS)
    count = snapshot.count(ROWS)
    with closing(snapshot.batches(ROWS, arrow_schema(TABLE.columns))) as batches:
        assert sum(batch.num_rows for batch in batches) == count
    return count


def test_wherever_a_line_is_cut_the_rows_are_whole_or_read_again(
    line: Line, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    line.load(300)
    with line.source() as source:
        line.proxy.break_after(None, Breaking.HANGS_UP)
        assert hour(source) == 300
        full = line.proxy.came_back
    whole = 0
    for limit in (*range(0, full - 80, 811), *range(full - 80, full, 5)):
        line.proxy.break_after(limit, Breaking.HANGS_UP)
        # Of the source. Anything else would be taken for the control database's.
        with line.source() as source, suppress(TransientFailure):
            assert hour(source) == 300
            whole += 1
        gc.collect()
    assert whole > 0  # when all rows had come, and only the transaction's end was not heard of
    assert capfd.readouterr().err == ""
    assert [record.getMessage() for record in caplog.records if record.name.startswith("export_")] == []


def test_a_line_that_is_cut_amid_the_first_rows_leaves_nothing_that_prints_a_traceback(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", printed.append)
    line.load(300)
    for limit in range(100, 300, 8):
        with line.source() as source:
            line.proxy.break_after(None, Breaking.HANGS_UP)
            with suppress(TransientFailure), source.snapshot(selects=(ROWS,)) as snapshot:
                snapshot.count(ROWS)
                line.proxy.break_after(limit, Breaking.HANGS_UP)
                rows_in(snapshot)
        gc.collect()
    assert printed == []


def test_a_connection_that_is_lost_after_the_last_row_costs_none(line: Line) -> None:
    line.load(300)
    with line.source() as source:
        with source.snapshot(selects=(ROWS,)) as snapshot:
            count = rows_in(snapshot)
            line.proxy.break_after(0, Breaking.HANGS_UP)
        assert count == 300
        line.proxy.break_after(None, Breaking.HANGS_UP)
        assert hour(source) == 300


def test_a_network_that_is_silent_after_the_last_row_costs_none(line: Line) -> None:
    line.load(300)
    with line.source() as source:
        with source.snapshot(selects=(ROWS,)) as snapshot:
            count = rows_in(snapshot)
            line.proxy.silence()
        assert count == 300
        assert hour(source) == 300


def test_a_server_that_says_nothing_when_it_is_connected_to_is_not_waited_for(line: Line) -> None:
    """For longer than it takes to begin, and what the URL allows for connecting: of which PostgreSQL's driver
    knows by itself."""
    line.proxy.break_after(0, Breaking.FALLS_SILENT)
    told = r"database test_\w+(: it did not answer within 17 s| could not be read: .*timeout)"
    with line.source(connect_timeout="2") as source, pytest.raises(TransientFailure, match=told):
        hour(source)


def test_a_network_that_falls_silent_amid_rows_is_not_waited_for(line: Line) -> None:
    line.load(20_000, 1000)
    with line.source(SHORT) as source:
        line.proxy.break_after(10_000_000, Breaking.FALLS_SILENT)
        with pytest.raises(TransientFailure, match="events: the source gave no answer, and none when it was"):
            hour(source)
        line.proxy.break_after(None, Breaking.HANGS_UP)
        assert hour(source) == 20_000


def test_a_run_that_is_stopped_does_not_wait_for_a_silent_network(line: Line) -> None:
    line.load(20_000, 1000)
    stop = threading.Event()
    with line.source() as source:
        line.proxy.break_after(10_000_000, Breaking.FALLS_SILENT)
        threading.Timer(1, stop.set).start()
        with pytest.raises(TransientFailure, match="events: the run is being stopped"):
            hour(source, stop)


def test_connections_that_fell_silent_while_nobody_used_them_cost_one_try(line: Line) -> None:
    line.load(300)
    with line.source() as source:
        with source.snapshot(), source.snapshot(), source.snapshot():
            pass
        line.proxy.silence()
        with pytest.raises(TransientFailure, match=r"database test_\w+: it did not answer within \d+ s when"):
            hour(source)
        assert hour(source) == 300
        with source.snapshot(), source.snapshot():
            assert hour(source) == 300


def test_a_connection_that_was_hung_up_while_nobody_used_it_is_made_anew(line: Line) -> None:
    line.load(300)
    with line.source() as source:
        assert hour(source) == 300
        line.proxy.break_after(0, Breaking.HANGS_UP)
        with pytest.raises(TransientFailure):
            hour(source)
        line.proxy.break_after(None, Breaking.HANGS_UP)
        assert hour(source) == 300


def test_any_number_of_snapshots_may_be_open_at_once(line: Line) -> None:
    """SQLAlchemy's pool by itself lends fifteen connections, and lets the next wait for half a minute."""
    line.load(3)
    with line.source() as source:

        def nested(depth: int) -> None:
            with source.snapshot(selects=(ROWS,)) as snapshot:
                if depth:
                    nested(depth - 1)
                assert rows_in(snapshot) == 3

        nested(20)


def test_the_operating_system_misses_a_server_that_is_gone(line: Line) -> None:
    line.load(3)
    with line.source() as source, source.snapshot() as snapshot:
        assert isinstance(source, SqlalchemySource)
        connection: sa.Connection = vars(snapshot)["connection"]
        number = source.number_of(connection.connection.driver_connection)
        assert number is not None
        with socket.fromfd(number, socket.AF_INET, socket.SOCK_STREAM) as seen:
            option = partial(seen.getsockopt, socket.IPPROTO_TCP)
            assert seen.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert option(socket.TCP_KEEPIDLE) == SECONDS_OF_SILENCE
