"""Whether what MariaDB reads is of one moment."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
import sqlalchemy as sa

from export_pipeline.extract.mysql_relations import is_of_one_moment, tables_of
from export_pipeline.extract.query import rows_of_hour
from export_pipeline.extract.sources import open_source
from export_pipeline.filters.tree import EVERY_ROW
from export_pipeline_tests.builders import an_hour
from export_pipeline_tests.extract.test_every_reader import a_table, read
from export_pipeline_tests.servers.mariadb import fresh_mariadb_database

MECHANISM = "MariaDB consistent snapshot, READ ONLY"
COLUMNS = "(id bigint not null, seen datetime(6) not null)"

RELATIONS = [
    f"create table inno {COLUMNS} engine = innodb",
    f"create table parted {COLUMNS} engine = innodb partition by hash (id) partitions 2",
    f"create table dated {COLUMNS} engine = innodb with system versioning",
    f"create table `it's ``mine``` {COLUMNS} engine = myisam",
    f"create table aria {COLUMNS} engine = aria",
    f"create table memory {COLUMNS} engine = memory",
    f"create table csv {COLUMNS} engine = csv",
    f"create table parted_isam {COLUMNS} engine = myisam partition by hash (id) partitions 2",
    "create function counted() returns bigint return (select count(*) from aria)",
    "create view plain as select a.id, b.seen, extract(year from b.seen) as year, trim('x' from 'xa') as text"
    " from inno a join seq_1_to_9 on seq = a.id left join (select * from parted) b on b.id = a.id",
    "create view over_it as with few as (select * from plain where id in (select id from dated))"
    " select * from few",
    "create view joined as select a.id, a.seen from inno a"
    " join (aria b join dated c on b.id = c.id) on a.id = b.id",
    "create view asking as select * from inno where exists (select 1 from `it's ``mine``` where id > 1)",
    "create view either as select * from over_it union all (select id, seen, 1, 'from' from memory limit 3)",
    "create view over_that as with few as (select * from joined) select few.* from few join inno using (id)",
    "create view calling as select id, seen from inno where id < counted()",
    "create view catalogue as select table_rows as id, create_time as seen from information_schema.tables",
]


@pytest.fixture(scope="module")
def related(mariadb_url: str) -> Iterator[sa.Connection]:
    with fresh_mariadb_database(mariadb_url) as url:
        database = sa.create_engine(url, poolclass=sa.NullPool)
        with database.connect() as connection:
            for statement in RELATIONS:
                connection.exec_driver_sql(statement)
            yield connection


@pytest.mark.parametrize("name", ["inno", "parted", "dated", "plain", "over_it"])
def test_innodbs_tables_are_of_one_moment_and_so_are_views_of_no_others(
    related: sa.Connection, name: str
) -> None:
    assert is_of_one_moment(related, sa.table(name))
    assert is_of_one_moment(related, sa.table(name, schema=related.engine.url.database))


@pytest.mark.parametrize(
    "name",
    [
        *("it's `mine`", "aria", "memory", "csv", "parted_isam"),
        *("joined", "asking", "either", "over_that", "calling", "catalogue"),
        "not there",
    ],
)
def test_other_engines_tables_are_not_nor_is_what_nobody_knows_the_tables_of(
    related: sa.Connection, name: str
) -> None:
    assert not is_of_one_moment(related, sa.table(name))


@pytest.mark.parametrize(
    ("definition", "tables"),
    [
        ("select `a`.`t`.`x` AS `x` from `a`.`t`", {("a", "t")}),
        (
            "select 1 AS `1` from ((`a`.`t` `x` join `b`.`u`) straight_join `c`.`v`)",
            {("a", "t"), ("b", "u"), ("c", "v")},
        ),
        ("select 'from `a`.`t` it\\'s', 'it''s', 1 from `b`.`u`", {("b", "u")}),
        ("select extract(year from `x`.`y`),trim(both `x`.`y` from `x`.`z`) from `a`.`t` `x`", {("a", "t")}),
        ("select trim('a' from (select `b`.`u`.`x` from `b`.`u`)) from `a`.`t`", {("a", "t"), ("b", "u")}),
        ("with c as (select 1 from `a`.`t`)select 1 from `c` join `b`.`u`", {("a", "t"), ("b", "u")}),
        ("select 1 from `it's`.```from`", {("it's", "`from")}),
        ("select `f`(1) from `a`.`t`", set()),
        ("select `a`.`f`(1) from `a`.`t`", set()),
        ("", set()),
    ],
)
def test_a_views_tables_stand_where_they_are_joined(definition: str, tables: set[tuple[str, str]]) -> None:
    assert tables_of(definition) == tables


def test_rows_without_transactions_are_counted_and_read_as_they_are_then_and_the_receipt_says_so(
    mariadb_database: str,
) -> None:
    """An hour whose numbers differ is read again (see `pipeline.extracting`)."""
    table, steady = a_table(), replace(a_table(), name="steady", relation="steady")
    rows, steadily = (
        rows_of_hour(each, each.columns, an_hour(), EVERY_ROW, None) for each in (table, steady)
    )
    fill = "select 1 as id, timestamp '2013-01-01 00:30:00' as seen"
    other = sa.create_engine(mariadb_database, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with (
        other.connect() as connection,
        closing(open_source(mariadb_database)) as source,
    ):
        connection.exec_driver_sql(f"create table events engine = myisam as {fill}")
        connection.exec_driver_sql(f"create table steady engine = innodb as {fill}")
        with source.snapshot(selects=[rows, steadily]) as snapshot:
            assert snapshot.count(steadily) == 1
            assert snapshot.mechanism == MECHANISM
            assert snapshot.count(rows) == 1
            assert snapshot.mechanism == "none"
            for name in ("events", "steady"):
                connection.exec_driver_sql(f"insert into {name} {fill}")
            assert read(snapshot, steady).num_rows == 1
            assert read(snapshot, table).num_rows == 2
            # What holds it is the same lock that other tables have.
            for statement in ("truncate table events nowait", "rename table events nowait to gone"):
                with pytest.raises(sa.exc.OperationalError, match="Lock wait timeout"):
                    connection.exec_driver_sql(statement)
