"""What servers and roles are set to, and sessions are not."""

import threading
import time
from contextlib import closing

import pytest
import sqlalchemy as sa

from export_pipeline.extract.query import rows_of_hour
from export_pipeline.extract.sources import open_source
from export_pipeline.filters.tree import EVERY_ROW
from export_pipeline_tests.builders import a_column, an_hour
from export_pipeline_tests.extract.test_every_reader import KEYS, SEEN, a_table, read
from export_pipeline_tests.servers.mariadb import fresh_mariadb_database, run_sql, set_globally

FILL = "select seq as id, timestamp '2013-01-01 00:30:00' as seen from seq_1_to_9"


@pytest.mark.parametrize(
    "setting",
    [
        "time_zone = '+05:45'",
        "sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH'",
        "sql_mode = 'ORACLE,EMPTY_STRING_IS_NULL'",
        "character_set_results = latin1",
        "sql_select_limit = 0",
        "max_join_size = 1",
        "sql_quote_show_create = 0",
        "completion_type = 2",
        "system_versioning_asof = '2001-01-01'",
    ],
)
def test_a_server_with_settings_of_its_own_is_read_alike(mariadb_url: str, setting: str) -> None:
    with fresh_mariadb_database(mariadb_url) as url:
        run_sql(
            url,
            "create table events (id bigint, seen timestamp(6) null, `Order` char(9), note text)"
            " with system versioning",
        )
        run_sql(
            url, "set time_zone = '+00:00'", "insert into events values (1, '2013-01-01 00:30:00', 'é\"', '')"
        )
        with (
            set_globally(mariadb_url, setting),
            closing(open_source(url)) as source,
            source.snapshot() as snapshot,
        ):
            (row,) = read(snapshot, a_table(a_column("Order"), a_column("note"))).to_pylist()
    assert (row["seen"], row["Order"], row["note"]) == (SEEN, 'é"', "")


@pytest.mark.parametrize(
    "limit",
    [
        "max_statement_time",
        "lock_wait_timeout",
        "wait_timeout",
        "idle_transaction_timeout",
        "idle_readonly_transaction_timeout",
    ],
)
def test_a_limit_of_the_servers_ends_no_hour(mariadb_url: str, limit: str) -> None:
    with fresh_mariadb_database(mariadb_url) as url:
        run_sql(url, f"create table raw as {FILL}")
        run_sql(url, "create view events as select id, seen from raw where id = 1 and sleep(1.5) = 0")
        locking = sa.create_engine(url, poolclass=sa.NullPool)
        with (
            locking.connect() as connection,
            set_globally(mariadb_url, f"{limit} = 1"),
            closing(open_source(url)) as source,
        ):
            connection.exec_driver_sql("lock tables raw write")
            unlock = threading.Timer(1.5, connection.exec_driver_sql, ("unlock tables",))
            unlock.start()
            try:
                with source.snapshot() as snapshot:
                    counted = snapshot.count(rows_of_hour(a_table(), KEYS, an_hour(), EVERY_ROW, None))
                    time.sleep(1.5)
                    assert read(snapshot, a_table()).num_rows == counted == 1
            finally:
                unlock.join()


# What a view has, by a server's settings.
FUNCTIONS = {
    "group_concat_max_len = 4": (
        "(select group_concat(seq) from seq_1_to_2000)",
        ",".join(map(str, range(1, 2001))),
    ),
    "max_recursive_iterations = 3": (
        "(with recursive n as (select 1 as k union all select k + 1 from n where k < 2000)"
        " select count(*) from n)",
        "2000",
    ),
    "div_precision_increment = 0": ("1 / 3", "0.3333"),
    "default_week_format = 3": ("week('2013-01-01')", "0"),
    "lc_time_names = 'de_DE'": ("dayname('2013-01-01')", "Tuesday"),
    "default_regex_flags = 'DOTALL'": ("'a\\nb' regexp 'a.b'", "0"),
}


@pytest.mark.parametrize("setting", FUNCTIONS)
def test_a_view_has_what_it_has_on_a_server_that_was_set_to_nothing(mariadb_url: str, setting: str) -> None:
    function, value = FUNCTIONS[setting]
    with fresh_mariadb_database(mariadb_url) as url:
        run_sql(url, f"create table raw as {FILL}")
        run_sql(
            url, f"create view events as select id, seen, concat({function}) as word from raw where id = 1"
        )
        with (
            set_globally(mariadb_url, setting),
            closing(open_source(url)) as source,
            source.snapshot() as snapshot,
        ):
            assert read(snapshot, a_table(a_column("word"))).column("word").to_pylist() == [value]
