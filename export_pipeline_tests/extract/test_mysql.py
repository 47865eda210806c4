"""What is particular to MySQL and MariaDB. MariaDB is what is tested."""

import gc
import secrets
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.errors import PermanentFailure, TransientFailure
from export_pipeline.extract.mysql import MysqlSnapshot
from export_pipeline.extract.query import rows_of_hour
from export_pipeline.extract.schema import arrow_schema
from export_pipeline.extract.source import Source
from export_pipeline.extract.sources import open_source
from export_pipeline.filters.text import filter_from
from export_pipeline.filters.tree import EVERY_ROW
from export_pipeline_tests.builders import a_column, an_hour
from export_pipeline_tests.extract.test_every_reader import KEYS, SEEN, a_table, read
from export_pipeline_tests.servers.certificates import Certificates, certificates
from export_pipeline_tests.servers.mariadb import (
    fresh_mariadb_database,
    mariadb_is_here,
    run_sql,
    running_mariadb,
    set_globally,
)
from export_pipeline_tests.servers.ports import free_port


@pytest.mark.parametrize("dialect", ["mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql"])
def test_the_family_has_one_reader_whatever_the_url_calls_it(mariadb_database: str, dialect: str) -> None:
    run_sql(mariadb_database, "create table events (id bigint, seen datetime(6))")
    run_sql(mariadb_database, "insert into events values (1, '2013-01-01 00:30:00')")
    url = sa.make_url(mariadb_database).set(drivername=dialect).render_as_string(hide_password=False)
    with closing(open_source(url)) as source, source.snapshot() as snapshot:
        assert snapshot.mechanism == "MariaDB consistent snapshot, READ ONLY"
        assert read(snapshot, a_table()).column("seen").to_pylist() == [SEEN]


def test_texts_that_differ_behind_what_is_sorted_by_come_in_one_order_however_they_lie(
    mariadb_database: str,
) -> None:
    columns = [a_column(name) for name in ("a", "b", "c")]
    table = a_table(*columns, order_by=("a", "b", "c"))
    orders = []
    for ends in ("dbacfe", "efcabd"):
        run_sql(mariadb_database, "drop table if exists events")
        run_sql(
            mariadb_database,
            "create table events (id bigint, seen datetime(6), a longtext, b longtext, c longtext)",
            *(
                "insert into events select seq, '2013-01-01 00:30:00', concat(repeat('x', 70000), seq mod 7),"
                f" repeat('y', 70000), concat(repeat('z', 70000), '{end}') from seq_1_to_7"
                for end in ends
            ),
        )
        with closing(open_source(mariadb_database)) as source, source.snapshot() as snapshot:
            rows = read(snapshot, table).to_pylist()
        orders.append([(row["a"][-1], row["c"][-1]) for row in rows])
    assert orders[0] == orders[1]


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        # As UTF-8 it is longer than the 16 MB that the server puts together.
        ("longtext character set latin1", "repeat(_latin1 X'E9', 9 * 1024 * 1024)"),
        ("text character set ascii", "_ascii X'61FF'"),
        ("point", "point(1, 2)"),
    ],
)
def test_what_is_no_text_or_too_long_a_one_is_neither_found_nor_excluded(
    mariadb_database: str, type_: str, value: str
) -> None:
    run_sql(
        mariadb_database, f"create table events (id bigint, seen datetime(6), word {type_}, tenant {type_})"
    )
    run_sql(mariadb_database, f"insert into events values (1, '2013-01-01 00:30:00', {value}, {value})")
    table = a_table(a_column("word"), a_column("tenant"))
    filters = [filter_from(text, table) for text in ("word =@ 'é'", "word !@ 'é'", "word != 'a?'")]
    selects = [rows_of_hour(table, KEYS, an_hour(), filter_, None) for filter_ in filters]
    shared = replace(table, tenant_column="tenant")
    selects.append(rows_of_hour(shared, KEYS, an_hour(), EVERY_ROW, "a?"))
    with closing(open_source(mariadb_database)) as source, source.snapshot() as snapshot:
        for rows in selects:
            with pytest.raises(
                PermanentFailure,
                match=r"^events\.(word|tenant), by which rows .* max_allowed_packet, or bytes that are no",
            ):
                snapshot.count(rows)


@pytest.mark.parametrize("type_", ["blob", "varbinary(100)", "json"])
def test_json_in_bytes_is_compared_as_the_text_that_arrives(mariadb_database: str, type_: str) -> None:
    run_sql(mariadb_database, f"create table events (id bigint, seen datetime(6), value {type_})")
    for number, value in enumerate(['{"b": "É"}', '{"a": 1}', None]):
        text = "null" if value is None else f"'{value}'"
        run_sql(mariadb_database, f"insert into events values ({number}, '2013-01-01 00:30:00', {text})")
    table = a_table(a_column("value", "json"), order_by=("value", "id"))
    with closing(open_source(mariadb_database)) as source, source.snapshot() as snapshot:
        assert read(snapshot, table).column("id").to_pylist() == [1, 0, 2]
        for text, ids in [("value =@ 'é'", [0]), ("value !@ 'é'", [1, 2])]:
            found = read(snapshot, table, filter_=filter_from(text, table))
            assert found.column("id").to_pylist() == ids


def test_a_row_that_the_server_will_not_put_together_is_refused_and_no_null(mariadb_url: str) -> None:
    """What is longer than its max_allowed_packet, its functions make NULL of."""
    with fresh_mariadb_database(mariadb_url) as url:
        run_sql(url, "create table events (id bigint, seen datetime(6), a longtext, b longtext)")
        run_sql(
            url,
            "insert into events values (1, '2013-01-01 00:30:00', repeat('a', 900000), repeat('\"', 900000))",
        )
        table = a_table(a_column("a"), a_column("b"))
        with (
            set_globally(mariadb_url, "max_allowed_packet = 1048576"),
            closing(open_source(url)) as source,
            source.snapshot() as snapshot,
            pytest.raises(PermanentFailure, match=r"events: a row is larger .* max_allowed_packet"),
        ):
            read(snapshot, table)
        with closing(open_source(url)) as source, source.snapshot() as snapshot:
            (row,) = read(snapshot, table).to_pylist()
            assert (len(row["a"]), row["b"]) == (900_000, '"' * 900_000)


FILL = "select seq as id, timestamp '2013-01-01 00:30:00' as seen from seq_1_to_9"


@pytest.mark.parametrize(
    "replacing",
    [
        ["truncate table events", f"insert into events {FILL}"],
        [f"create table made as {FILL}", "rename table events to gone, made to events"],
        ["drop table events", f"create table events as {FILL}"],
    ],
    ids=["emptied", "swapped", "made anew"],
)
def test_a_table_that_was_replaced_since_it_was_looked_at_is_read_again(
    mariadb_database: str, replacing: Sequence[str]
) -> None:
    """The server says so by itself; PostgreSQL does not (see `test_postgresql_relations.py`)."""
    run_sql(mariadb_database, f"create table events as {FILL}")
    table = a_table()
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
    with closing(open_source(mariadb_database)) as source:
        with source.snapshot() as snapshot:
            assert snapshot.found(rows)
            run_sql(mariadb_database, *replacing)
            with pytest.raises(TransientFailure, match="definition has changed"):
                snapshot.count(rows)
        with source.snapshot() as snapshot:
            assert read(snapshot, table).num_rows == 9


@pytest.mark.parametrize(
    ("making", "replacing"),
    [
        (["create table events like fresh"], ["rename table events to gone, fresh to events"]),
        (
            ["create table first like fresh", "create view events as select * from first"],
            ["create or replace view events as select * from fresh"],
        ),
    ],
    ids=["swapped", "view"],
)
def test_a_table_that_was_there_before_takes_no_place_while_an_hour_is_read(
    mariadb_database: str, making: Sequence[str], replacing: Sequence[str]
) -> None:
    """Of one that is filled after the snapshot began it sees no row, and the server says nothing."""
    run_sql(mariadb_database, "create table fresh (id bigint, seen datetime(6)) engine = innodb", *making)
    run_sql(mariadb_database, f"insert into {'first' if len(making) > 1 else 'events'} {FILL}")
    table = a_table()
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
    with closing(open_source(mariadb_database)) as source, ThreadPoolExecutor(1) as pool:
        with source.snapshot(selects=[rows]) as snapshot:
            replaced = pool.submit(run_sql, mariadb_database, f"insert into fresh {FILL}", *replacing)
            with pytest.raises(TimeoutError):
                replaced.result(2)
            assert snapshot.count(rows) == 9
            assert read(snapshot, table).num_rows == 9
        replaced.result(60)
        with source.snapshot(selects=[rows]) as snapshot:
            assert snapshot.count(rows) == 9


def test_a_snapshot_does_not_wait_for_who_waits_for_the_hour_itself(mariadb_database: str) -> None:
    run_sql(
        mariadb_database, "create table fresh (id bigint, seen datetime(6))", "create table events like fresh"
    )
    table = a_table()
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
    with closing(open_source(mariadb_database)) as source, ThreadPoolExecutor(1) as pool:
        with source.snapshot(selects=[rows]):
            swap = "rename table events to gone, fresh to events"
            replaced = pool.submit(run_sql, mariadb_database, swap)
            with pytest.raises(TimeoutError):
                replaced.result(2)
            with source.snapshot() as another:
                assert isinstance(another, MysqlSnapshot)
                another.selects = [rows]
                with pytest.raises(TransientFailure, match="events: it is just being replaced"):
                    another.hold(1)
        replaced.result(60)


def test_who_waits_for_the_hour_itself_while_the_hour_waits_for_them_lets_it_be_tried_again(
    mariadb_database: str,
) -> None:
    run_sql(
        mariadb_database, *(f"create table {name} (id bigint, seen datetime(6))" for name in ("one", "two"))
    )
    one, two = (_select_of(name) for name in ("one", "two"))
    with closing(open_source(mariadb_database)) as source, ThreadPoolExecutor(1) as pool:
        with source.snapshot(selects=[two]) as snapshot:
            assert isinstance(snapshot, MysqlSnapshot)
            # It locks them by their names.
            replaced = pool.submit(run_sql, mariadb_database, "rename table one to a, two to b")
            _wait_for_locks(mariadb_database, 1)
            snapshot.selects = [one]
            with pytest.raises(TransientFailure, match="one: it is just being replaced"):
                snapshot.hold()
        replaced.result(60)


def test_a_wait_for_a_table_that_is_ended_by_the_server_ends_the_hour(mariadb_database: str) -> None:
    """Without the lock it would read whatever is put there meanwhile."""
    run_sql(mariadb_database, f"create table events as {FILL}")
    with (
        closing(open_source(mariadb_database)) as source,
        _locked(mariadb_database, "events"),
        ThreadPoolExecutor(1) as pool,
    ):
        hour = pool.submit(_counted, source, "events")
        (id_,) = _wait_for_locks(mariadb_database, 1)
        run_sql(mariadb_database, f"kill query {id_}")
        with pytest.raises(TransientFailure, match="could not be read: Query execution was interrupted"):
            hour.result(60)


def test_a_table_that_is_replaced_while_the_hours_others_are_held_already_is_of_their_moment(
    mariadb_database: str,
) -> None:
    run_sql(mariadb_database, f"create table one as {FILL}")
    run_sql(
        mariadb_database, *(f"create table {name} (id bigint, seen datetime(6))" for name in ("fresh", "two"))
    )
    swap = "rename table two to gone, fresh to two"
    with closing(open_source(mariadb_database)) as source, ThreadPoolExecutor(2) as pool:
        with _locked(mariadb_database, "two"):
            hour = pool.submit(_counted, source, "one", "two")
            _wait_for_locks(mariadb_database, 1)
            run_sql(mariadb_database, f"insert into fresh {FILL}", f"insert into one {FILL}")
            swapped = pool.submit(run_sql, mariadb_database, swap)
            _wait_for_locks(mariadb_database, 2)
        swapped.result(60)
        assert hour.result(60) == [18, 9]


def test_a_table_is_not_replaced_while_another_of_the_hour_is_read(mariadb_database: str) -> None:
    run_sql(mariadb_database, f"create table one as {FILL}", f"create table two as {FILL}")
    run_sql(mariadb_database, "create table fresh (id bigint, seen datetime(6))")
    one, two = (_select_of(name) for name in ("one", "two"))
    with closing(open_source(mariadb_database)) as source, ThreadPoolExecutor(1) as pool:
        with source.snapshot(selects=[one, two]) as snapshot:
            with closing(snapshot.batches(one, arrow_schema(a_table().columns))) as batches:
                assert next(batches).num_rows == 9
                swap = "rename table two to gone, fresh to two"
                replaced = pool.submit(run_sql, mariadb_database, swap)
                _wait_for_locks(mariadb_database, 1)
                assert list(batches) == []
            assert snapshot.count(two) == 9
            assert not replaced.done()
        replaced.result(60)


@pytest.mark.parametrize("what", ["connection", "query"])
def test_an_hour_that_is_ended_by_the_server_while_rows_come_is_read_again(
    mariadb_database: str, what: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    run_sql(
        mariadb_database,
        "create table events as select seq as id, timestamp '2013-01-01 00:30:00' as seen,"
        " repeat('x', 1000) as word from seq_1_to_60000",
    )
    table = a_table(a_column("word"))
    rows, schema = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None), arrow_schema(table.columns)

    def read_while_it_is_ended(source: Source) -> None:
        with source.snapshot() as snapshot:
            connection: sa.Connection = vars(snapshot)["connection"]
            id_ = connection.exec_driver_sql("select connection_id()").scalar_one()
            for _ in snapshot.batches(rows, schema):
                run_sql(mariadb_database, f"kill {what} {id_}")

    with closing(open_source(mariadb_database)) as source:
        with pytest.raises(TransientFailure, match="mysql database"):
            read_while_it_is_ended(source)
        with source.snapshot() as snapshot:
            assert read(snapshot, table).num_rows == snapshot.count(rows) == 60_000
    gc.collect()
    assert [record.getMessage() for record in caplog.records] == []
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("change", ["drop column word", "rename column word to other", "drop primary key"])
def test_a_column_that_goes_between_the_look_and_the_read_fails_the_hour(
    mariadb_database: str, change: str
) -> None:
    run_sql(
        mariadb_database,
        "create table events (id bigint primary key, seen datetime(6), word text)",
        "insert into events values (1, '2013-01-01 00:30:00', 'w')",
    )
    table = a_table(a_column("word"))
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
    with closing(open_source(mariadb_database)) as source, source.snapshot() as snapshot:
        assert snapshot.found(rows)
        run_sql(mariadb_database, f"alter table events {change}")
        with pytest.raises(
            (TransientFailure, PermanentFailure), match=r"Unknown column|definition has changed"
        ):
            read(snapshot, table)


def test_an_hour_that_is_abandoned_is_not_read_to_its_end(mariadb_database: str) -> None:
    """The driver by itself would read a billion rows before it lets go."""
    run_sql(
        mariadb_database,
        "create view events as select seq as id, timestamp '2013-01-01 00:30:00' as seen"
        " from seq_1_to_9999999999",
    )
    table = a_table()
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None).order_by(None)
    with closing(open_source(mariadb_database)) as source:
        for _ in range(2):
            with suppress(ZeroDivisionError), source.snapshot() as snapshot:
                for batch in snapshot.batches(rows, arrow_schema(table.columns)):
                    assert batch.num_rows > 0
                    raise ZeroDivisionError


def test_an_hour_that_is_stopped_between_two_batches_prints_nothing(
    mariadb_database: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    run_sql(
        mariadb_database,
        "create view events as select seq as id, timestamp '2013-01-01 00:30:00' as seen"
        " from seq_1_to_9999999999",
    )
    table, stop = a_table(), threading.Event()
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None).order_by(None)
    with closing(open_source(mariadb_database)) as source, source.snapshot(stop) as snapshot:
        batches = snapshot.batches(rows, arrow_schema(table.columns))
        assert next(batches).num_rows > 0
        stop.set()
        with pytest.raises(TransientFailure, match="stopped"):
            next(batches)
    gc.collect()
    assert [record.getMessage() for record in caplog.records] == []
    assert capfd.readouterr().err == ""


def test_a_wrong_password_is_not_worth_a_retry_and_not_shown(mariadb_database: str) -> None:
    url = sa.make_url(mariadb_database).set(password="hunter2").render_as_string(hide_password=False)
    with (
        pytest.raises(PermanentFailure, match="cannot be opened: Access denied") as failure,
        open_source(url).snapshot(),
    ):
        pass
    assert "hunter2" not in "".join(traceback.format_exception(failure.value))


def test_a_server_that_is_down_is_worth_a_retry() -> None:
    url = f"mysql://me:hunter2@127.0.0.1:{free_port()}/db"
    with pytest.raises(TransientFailure, match="refused") as failure, open_source(url).snapshot():
        pass
    assert "hunter2" not in "".join(traceback.format_exception(failure.value))


def test_a_database_that_is_not_there_is_not_worth_a_retry(mariadb_url: str) -> None:
    url = sa.make_url(mariadb_url).set(database="nowhere").render_as_string(hide_password=False)
    with pytest.raises(PermanentFailure, match="Unknown database"), open_source(url).snapshot():
        pass


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Certificates]]:
    if not mariadb_is_here():
        pytest.skip("no mariadbd on this machine (Debian's package is mariadb-server-core)")
    made = certificates(tmp_path_factory.mktemp("certificates"))
    with running_mariadb(made) as url:
        yield url, made


def test_a_server_with_tls_is_read_as_the_url_asks(tls: tuple[str, Certificates]) -> None:
    url, made = tls
    asked = sa.make_url(url).update_query_dict({"ssl_ca": str(made.authority)})
    with (
        closing(open_source(asked.render_as_string(hide_password=False))) as source,
        source.snapshot() as snapshot,
    ):
        connection: sa.Connection = vars(snapshot)["connection"]
        status = connection.exec_driver_sql("show session status like 'Ssl_version'").one()
        assert status[1].startswith("TLS")


def test_a_certificate_of_another_authority_is_refused(tls: tuple[str, Certificates], tmp_path: Path) -> None:
    url, _ = tls
    another = certificates(tmp_path).authority
    asked = sa.make_url(url).update_query_dict({"ssl_ca": str(another)})
    with (
        pytest.raises(PermanentFailure, match="certificate"),
        open_source(asked.render_as_string(hide_password=False)).snapshot(),
    ):
        pass


@contextmanager
def _locked(url: str, name: str) -> Iterator[None]:
    """Nobody may read the table while the block runs."""
    database = sa.create_engine(url, poolclass=sa.NullPool)
    with database.connect() as connection:
        connection.exec_driver_sql(f"lock tables {name} write")
        yield


def _wait_for_locks(url: str, count: int) -> Sequence[int]:
    """The ids of the connections that wait for a table in the database, when there are so many."""
    database = sa.create_engine(url, poolclass=sa.NullPool)
    deadline = time.monotonic() + 30
    with database.connect() as connection:
        while time.monotonic() < deadline:
            ids = connection.exec_driver_sql(
                "select id from information_schema.processlist"
                " where db = database() and state = 'Waiting for table metadata lock'"
            ).scalars()
            if len(found := ids.all()) == count:
                return found
            time.sleep(0.05)
    raise AssertionError(f"{count} did not come to wait")


def _select_of(relation: str) -> sa.Select[Any]:
    table = replace(a_table(), relation=relation)
    return rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)


def _counted(source: Source, *relations: str) -> list[int]:
    """How many rows the hour has in each of them."""
    selects = [_select_of(relation) for relation in relations]
    with source.snapshot(selects=selects) as snapshot:
        return [snapshot.count(select) for select in selects]


@pytest.fixture
def reader(mariadb_database: str) -> Iterator[str]:
    """The URL of a user who may read everything, and look at no view's statement."""
    url = sa.make_url(mariadb_database)
    user = f"reader_{secrets.token_hex(4)}"
    run_sql(mariadb_database, f"create user {user}@'127.0.0.1' identified by 'secret-of-it'")
    run_sql(mariadb_database, f"grant select on {url.database}.* to {user}@'127.0.0.1'")
    yield url.set(username=user, password="secret-of-it").render_as_string(hide_password=False)
    run_sql(mariadb_database, f"drop user {user}@'127.0.0.1'")


def test_a_view_that_the_user_may_read_and_not_look_at_is_read_and_not_compared(
    mariadb_database: str, reader: str
) -> None:
    """Whether it has changed nobody can see; that is said (see `pipeline.hours.remarks_on`)."""
    run_sql(mariadb_database, "create table hidden (id bigint, seen datetime(6), made year)")
    run_sql(mariadb_database, "insert into hidden values (1, '2013-01-01 00:30:00', 2013)")
    run_sql(mariadb_database, "create view events as select * from hidden")
    table = a_table(a_column("made", "int16"))
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
    with closing(open_source(reader)) as source, source.snapshot() as snapshot:
        assert snapshot.found(rows) is None
        assert snapshot.count(rows) == 1
        # By itself the server takes 13 for the year.
        assert read(snapshot, table, filter_=filter_from("made == 13", table)).num_rows == 0
        assert read(snapshot, table, filter_=filter_from("made == 2013", table)).num_rows == 1


def test_the_receipt_claims_no_moment_of_a_view_whose_tables_the_user_may_not_see(
    mariadb_database: str, reader: str
) -> None:
    run_sql(mariadb_database, f"create table hidden as {FILL}", "create view events as select * from hidden")
    rows = _select_of("events")
    with closing(open_source(reader)) as source, source.snapshot(selects=[rows]) as snapshot:
        assert snapshot.count(rows) == 9
        assert snapshot.mechanism == "none"
    who = sa.make_url(reader)
    run_sql(mariadb_database, f"grant show view on {who.database}.* to {who.username}@'127.0.0.1'")
    with closing(open_source(reader)) as source, source.snapshot(selects=[rows]) as snapshot:
        assert snapshot.count(rows) == 9
        assert snapshot.mechanism == "MariaDB consistent snapshot, READ ONLY"


def test_such_a_view_is_of_the_moment_of_all_else_in_the_hour_and_is_not_replaced(
    mariadb_database: str, reader: str
) -> None:
    run_sql(mariadb_database, f"create table hidden as {FILL}", "create view events as select * from hidden")
    table = a_table()
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
    with closing(open_source(reader)) as source, ThreadPoolExecutor(1) as pool:
        with source.snapshot(selects=[rows]) as snapshot:
            run_sql(mariadb_database, f"insert into hidden {FILL}")
            assert snapshot.found(rows) is None
            replaced = pool.submit(
                run_sql,
                mariadb_database,
                "create or replace view events as select * from hidden where id = 1",
            )
            with pytest.raises(TimeoutError):
                replaced.result(2)
            assert snapshot.count(rows) == 9
        replaced.result(60)
