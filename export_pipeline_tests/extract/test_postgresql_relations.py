"""Tables that somebody replaces while an hour is read: all of their rows are read, or the hour again."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.errors import TransientFailure
from export_pipeline.extract.query import rows_of_hour
from export_pipeline.extract.schema import arrow_schema
from export_pipeline.extract.source import Snapshot
from export_pipeline.extract.sources import open_source
from export_pipeline.filters.tree import EVERY_ROW
from export_pipeline_tests.builders import a_column, an_hour
from export_pipeline_tests.extract.test_every_reader import a_table

ROWS = 100

COLUMNS = "(id bigint, seen timestamptz, word text)"
FILL = f"select i, timestamptz '2013-01-01 00:30:00+00', 'w' from generate_series(1, {ROWS}) i"
RAW = (f"create table raw {COLUMNS}", f"insert into raw {FILL}")
PARTITIONED = (
    f"create table raw {COLUMNS} partition by range (seen)",
    "create table part partition of raw for values from ('2013-01-01') to ('2013-01-02')",
    f"insert into raw {FILL}",
)
KEPT = (*RAW, "create materialized view kept as select * from raw")
RELOAD = ("truncate raw", f"insert into raw {FILL}")
SWAP_OF_PARTITIONS = (
    "alter table raw detach partition part",
    f"create table other {COLUMNS}",
    f"insert into other {FILL}",
    "alter table raw attach partition other for values from ('2013-01-01') to ('2013-01-02')",
)

# What there is, the name by which it is read, and what somebody does to it in one transaction.
HELD = {
    "a table, emptied and filled": (RAW, "raw", RELOAD),
    "a table, rewritten": (
        RAW,
        "raw",
        ("alter table raw alter id type numeric", "alter table raw alter id type bigint"),
    ),
    "a table, swapped for another": (
        RAW,
        "raw",
        (
            f"create table made {COLUMNS}",
            f"insert into made {FILL}",
            "alter table raw rename to gone",
            "alter table made rename to raw",
        ),
    ),
    "a table, dropped and made": (RAW, "raw", ("drop table raw", *RAW)),
    "a table with partitions, emptied and filled": (PARTITIONED, "raw", RELOAD),
    "a table with partitions, one of them swapped": (PARTITIONED, "raw", SWAP_OF_PARTITIONS),
    "what a view reads": ((*RAW, "create view shown as select * from raw"), "shown", RELOAD),
    "what a view of a view reads": (
        (*RAW, "create view inner_one as select * from raw", "create view shown as select * from inner_one"),
        "shown",
        RELOAD,
    ),
}
FUNCTION = "create function rows_of_raw() returns table (id bigint, seen timestamptz, word text) stable"
NOT_HELD = {
    "what a function reads that a view calls": (
        (
            *RAW,
            f"{FUNCTION} parallel safe language plpgsql as 'begin return query select * from raw; end'",
            "create view shown as select * from rows_of_raw()",
        ),
        "shown",
        RELOAD,
    ),
    "what decides which rows a view has": (
        (
            *RAW,
            "create table chosen as select * from raw",
            "create function is_chosen(bigint) returns boolean stable parallel safe language sql"
            " as 'select exists (select from chosen where id = $1)'",
            "create view shown as select * from raw where is_chosen(id)",
        ),
        "shown",
        ("truncate chosen", f"insert into chosen {FILL}"),
    ),
    "a partition, emptied and filled": (PARTITIONED, "raw", ("truncate part", f"insert into raw {FILL}")),
    "a materialized view, refreshed": (KEPT, "kept", ("refresh materialized view kept",)),
    "a materialized view that a view reads": (
        (*KEPT, "create view shown as select * from kept"),
        "shown",
        ("refresh materialized view kept",),
    ),
}


@pytest.mark.parametrize("what", HELD)
def test_what_is_being_replaced_is_read_when_it_is_whole(postgres_database: str, what: str) -> None:
    there, name, replacing = HELD[what]
    run(postgres_database, *there)
    with replaced_meanwhile(postgres_database, replacing), snapshot_of(postgres_database, name) as snapshot:
        assert rows_of(snapshot, name) == ROWS


@pytest.mark.parametrize("what", NOT_HELD)
def test_what_cannot_be_waited_for_beforehand_is_read_again(postgres_database: str, what: str) -> None:
    there, name, replacing = NOT_HELD[what]
    run(postgres_database, *there)
    with (
        replaced_meanwhile(postgres_database, replacing),
        snapshot_of(postgres_database, name) as snapshot,
        pytest.raises(TransientFailure, match=rf"^{name}: while it was being read, the table was emptied"),
    ):
        rows_of(snapshot, name)
    with snapshot_of(postgres_database, name) as snapshot:
        assert rows_of(snapshot, name) == ROWS


@pytest.mark.parametrize(("there", "replacing"), [(RAW, RELOAD), (PARTITIONED, SWAP_OF_PARTITIONS)])
def test_who_may_read_some_columns_only_reads_again(
    postgres_database: str, there: Sequence[str], replacing: Sequence[str]
) -> None:
    """PostgreSQL lets them lock nothing."""
    run(postgres_database, *there)
    with user_of(postgres_database, "select (id, seen, word) on raw") as theirs:
        with (
            replaced_meanwhile(postgres_database, replacing),
            snapshot_of(theirs, "raw") as snapshot,
            pytest.raises(TransientFailure, match=r"^raw: while it was being read"),
        ):
            rows_of(snapshot, "raw")
        with snapshot_of(theirs, "raw") as snapshot:
            assert rows_of(snapshot, "raw") == ROWS


def test_rows_that_a_policy_hides_while_it_is_reloaded_are_read_again(postgres_database: str) -> None:
    run(
        postgres_database,
        *RAW,
        "create table chosen as select * from raw",
        "alter table raw enable row level security",
        "create policy theirs on raw using (exists (select from chosen where chosen.id = raw.id))",
        "grant select on chosen to public",
    )
    with user_of(postgres_database, "select on raw") as theirs:
        with (
            replaced_meanwhile(postgres_database, ("truncate chosen", f"insert into chosen {FILL}")),
            snapshot_of(theirs, "raw") as snapshot,
            pytest.raises(TransientFailure, match=r"^raw: while it was being read"),
        ):
            rows_of(snapshot, "raw")
        with snapshot_of(theirs, "raw") as snapshot:
            assert rows_of(snapshot, "raw") == ROWS


def test_a_partition_that_the_hour_does_not_need_is_not_waited_for(postgres_database: str) -> None:
    old = "create table old partition of raw for values from ('2012-01-01') to ('2012-01-02')"
    run(postgres_database, *PARTITIONED, old)
    database = sa.create_engine(postgres_database, poolclass=sa.NullPool)
    with database.connect() as connection:
        connection.exec_driver_sql("truncate old")
        with snapshot_of(postgres_database, "raw") as snapshot:
            assert rows_of(snapshot, "raw") == ROWS


def test_who_may_read_a_view_only_waits_for_what_it_reads(postgres_database: str) -> None:
    run(postgres_database, *RAW, "create view shown as select * from raw")
    with (
        user_of(postgres_database, "select on shown") as theirs,
        replaced_meanwhile(postgres_database, RELOAD),
        snapshot_of(theirs, "shown") as snapshot,
    ):
        assert rows_of(snapshot, "shown") == ROWS


def test_a_table_is_held_until_its_hour_is_read(postgres_database: str) -> None:
    run(postgres_database, *RAW)
    with snapshot_of(postgres_database, "raw") as snapshot:
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
            run(postgres_database, "set local lock_timeout = '50ms'", *RELOAD)
        run(postgres_database, "delete from raw", f"insert into raw {FILL}")
        assert rows_of(snapshot, "raw") == ROWS
    run(postgres_database, *RELOAD)


def test_what_was_replaced_before_it_was_looked_at_and_not_held_is_noticed(postgres_database: str) -> None:
    run(postgres_database, *RAW)
    with closing(open_source(postgres_database)) as source, source.snapshot() as snapshot:
        assert snapshot.found(select_of("raw"))
        run(postgres_database, *RELOAD)
        with pytest.raises(TransientFailure, match=r"^raw: while it was being read"):
            snapshot.count(select_of("raw"))


def test_a_partition_that_came_since_the_snapshot_is_noticed(postgres_database: str) -> None:
    """Of its rows the snapshot would have those that were there by then."""
    run(postgres_database, PARTITIONED[0], f"create table part {COLUMNS}")
    attach = "alter table raw attach partition part for values from ('2013-01-01') to ('2013-01-02')"
    with closing(open_source(postgres_database)) as source, source.snapshot() as snapshot:
        assert snapshot.found(select_of("raw"))
        run(postgres_database, f"insert into part {FILL}", attach)
        with pytest.raises(TransientFailure, match=r"^raw: while it was being read"):
            snapshot.count(select_of("raw"))


def test_a_table_that_cannot_be_described_is_waited_for_all_the_same(postgres_database: str) -> None:
    """After that error the transaction is another one."""
    run(postgres_database, *RAW)
    selects = (select_of("nothing"), select_of("raw"))
    with closing(open_source(postgres_database)) as source, source.snapshot(selects=selects) as snapshot:
        assert snapshot.found(selects[0]) is None
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
            run(postgres_database, "set local lock_timeout = '50ms'", *RELOAD)
        assert rows_of(snapshot, "raw") == ROWS


@pytest.mark.parametrize("name", ['quo"te', "per%cent %(id)s", "co:lon", "select", "Größe", "x" * 63])
def test_a_table_is_held_and_known_again_whatever_its_name(postgres_database: str, name: str) -> None:
    quoted = name.replace('"', '""').replace("%", "%%")
    run(postgres_database, f'create schema "{quoted}"', f'create table "{quoted}"."{quoted}" {COLUMNS}')
    with snapshot_of(postgres_database, f"{name}.{name}") as snapshot:
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
            run(postgres_database, "set local lock_timeout = '50ms'", f'truncate "{quoted}"."{quoted}"')
        assert rows_of(snapshot, f"{name}.{name}") == 0


@pytest.mark.parametrize("name", ["far", "shown", "parted"])
def test_what_another_server_replaces_is_counted_and_read_in_two_transactions(
    postgres_database: str, name: str
) -> None:
    """So that the numbers differ: of what that server does this one knows nothing."""
    run(postgres_database, *RAW, *far_away(postgres_database))
    rows, schema = select_of(name), arrow_schema(a_table(a_column("word")).columns)
    with snapshot_of(postgres_database, name) as snapshot:
        assert snapshot.found(rows)
        with replaced_meanwhile(postgres_database, RELOAD):
            counted = snapshot.count(rows)
        came = sum(batch.num_rows for batch in snapshot.batches(rows, schema))
        assert (counted, came) == (0, ROWS)
        assert snapshot.mechanism == "none"
    with snapshot_of(postgres_database, name) as snapshot:
        assert rows_of(snapshot, name) == ROWS


def test_a_partition_on_another_server_that_the_hour_does_not_need_is_of_no_matter(
    postgres_database: str,
) -> None:
    run(postgres_database, *RAW, *far_away(postgres_database))
    here = "create table here partition of parted for values from ('2014-01-01') to ('2014-01-02')"
    run(postgres_database, here, "insert into here values (1, '2014-01-01 00:30:00+00', 'w')")
    table = replace(a_table(a_column("word")), relation="parted")
    rows = rows_of_hour(table, table.columns, an_hour(365 * 24), EVERY_ROW, None)
    with closing(open_source(postgres_database)) as source, source.snapshot(selects=(rows,)) as snapshot:
        assert snapshot.count(rows) == 1
        assert snapshot.mechanism == "PostgreSQL REPEATABLE READ, READ ONLY"


@pytest.mark.parametrize(
    "limit",
    ["lock_timeout", "statement_timeout", "transaction_timeout", "idle_in_transaction_session_timeout"],
)
def test_a_limit_of_the_roles_ends_no_hour(postgres_database: str, limit: str) -> None:
    run(postgres_database, *RAW)
    with (
        user_of(postgres_database, "select on raw", f"{limit} = '1s'") as theirs,
        replaced_meanwhile(postgres_database, RELOAD, seconds=1.5),
        snapshot_of(theirs, "raw") as snapshot,
    ):
        time.sleep(1.5)
        assert rows_of(snapshot, "raw") == ROWS


def test_a_wait_for_a_table_ends_when_the_run_is_stopped(postgres_database: str) -> None:
    run(postgres_database, *RAW)
    stop = threading.Event()
    with (
        replaced_meanwhile(postgres_database, RELOAD, instead=stop.set),
        closing(open_source(postgres_database)) as source,
        pytest.raises(TransientFailure, match="raw: the run is being stopped"),
        source.snapshot(stop, (select_of("raw"),)),
    ):
        pass


def select_of(name: str) -> sa.Select[Any]:
    table = replace(a_table(a_column("word")), relation=name)
    return rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)


def rows_of(snapshot: Snapshot, name: str) -> int:
    """As extraction does it: how many rows are counted, and come."""
    rows = select_of(name)
    assert snapshot.found(rows)
    count = snapshot.count(rows)
    schema = arrow_schema(a_table(a_column("word")).columns)
    assert sum(batch.num_rows for batch in snapshot.batches(rows, schema)) == count
    return count


def far_away(url: str) -> Sequence[str]:
    """What makes `raw` a table of another server, a view of that, and a partition."""
    at = sa.make_url(url)
    there = "server other options (table_name 'raw')"
    return (
        "create extension postgres_fdw",
        "create server other foreign data wrapper postgres_fdw"
        f" options (host '{at.host}', port '{at.port}', dbname '{at.database}')",
        f"create user mapping for current_user server other options (user '{at.username}',"
        f" password '{at.password}')",
        f"create foreign table far {COLUMNS} {there}",
        "create view shown as select * from far",
        f"create table parted {COLUMNS} partition by range (seen)",
        "create foreign table old partition of parted for values from ('2013-01-01') to ('2013-01-02')"
        f" {there}",
    )


@contextmanager
def snapshot_of(url: str, name: str) -> Iterator[Snapshot]:
    with closing(open_source(url)) as source, source.snapshot(selects=(select_of(name),)) as snapshot:
        yield snapshot


@contextmanager
def replaced_meanwhile(
    url: str, statements: Sequence[str], instead: Callable[[], object] | None = None, seconds: float = 0
) -> Iterator[None]:
    """The statements are done when the block begins, and committed once somebody waits for what they hold,
    and has done so for some seconds.

    Or `instead` is done then, and they are given up after the block.
    """
    database = sa.create_engine(url, poolclass=sa.NullPool)
    waited_for: list[bool] = []

    def watch(commit: Callable[[], object]) -> None:
        with database.connect() as connection:
            for _ in range(600):
                waits = "select count(*) from pg_locks where not granted"
                if connection.exec_driver_sql(waits).scalar_one():
                    waited_for.append(True)
                    break
                connection.rollback()
                time.sleep(0.05)
        time.sleep(seconds)
        commit()

    with database.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
        watching = threading.Thread(target=watch, args=(instead or connection.commit,))
        watching.start()
        yield
        watching.join()
    assert waited_for, "nobody waited"


@contextmanager
def user_of(url: str, right: str, *settings: str) -> Iterator[str]:
    """The URL of somebody who has this right only, and whose sessions begin with these settings."""
    name = f"reader_{secrets.token_hex(4)}"
    run(url, f"create role {name} login password 'x'", f"grant {right} to {name}")
    try:
        for setting in settings:
            run(url, f"alter role {name} set {setting}")
        yield sa.make_url(url).set(username=name, password="x").render_as_string(hide_password=False)
    finally:
        run(url, f"drop owned by {name}", f"drop role {name}")


def run(url: str, *statements: str) -> None:
    database = sa.create_engine(url, poolclass=sa.NullPool)
    with database.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    database.dispose()
