"""What is particular to MariaDB and must not show: collations, character sets, modes, types of its own."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from export_pipeline.filters.sql import where_clause
from export_pipeline.filters.text import filter_from
from export_pipeline_tests.builders import a_column, a_table

COLUMNS = {
    "id": ("int64", "bigint"),
    "city": ("string", "varchar(50) character set utf8mb4 collate utf8mb4_general_ci"),
    "latin": ("string", "varchar(50) character set latin1"),
    "wide": ("string", "varchar(50) character set utf16"),
    "fixed": ("string", "char(10)"),
    "place": ("string", "enum('Paris', 'Rome')"),
    "key": ("uuid", "uuid"),
    "payload": ("json", "json"),
    "seen": ("timestamp", "datetime"),
    "clock": ("time", "time"),
    "day": ("date", "date not null"),
    "flag": ("boolean", "bit(1)"),
    "natural": ("uint64", "bigint unsigned"),
    "amount": ("decimal(38,10)", "decimal(38,10)"),
}
TABLE = a_table(
    columns=tuple(a_column(name, type_) for name, (type_, _) in COLUMNS.items()), time_column="seen"
)
SOURCE = sa.table("t", *(sa.column(name) for name in COLUMNS))

ROWS: list[dict[str, object]] = [
    {
        "id": 1,
        "city": "Québec",
        "latin": "Québec",
        "wide": "😀",
        "fixed": "ab",
        "place": "Paris",
        "key": "123E4567-E89B-12D3-A456-426614174000",
        "payload": '{"A": "B"}',
        "seen": "2013-01-01 05:00:00",
        "clock": "05:00:00",
        "day": "2013-01-01",
        "flag": 1,
        "natural": 2**64 - 1,
        "amount": "1234567890123456789012345678.0123456789",
    },
    {
        "id": 2,
        "city": "quebec ",
        "latin": "quebec ",
        "wide": "",
        "fixed": "abc",
        "place": "Rome",
        "seen": "2013-01-01 05:00:01",
        "clock": "05:00:01",
        "day": "0000-00-00",
        "flag": 0,
        "natural": 0,
        "amount": "0",
    },
]


@pytest.fixture
def engine(mariadb_database: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(mariadb_database)
    with engine.begin() as connection:
        columns = ", ".join(f"`{name}` {type_}" for name, (_, type_) in COLUMNS.items())
        connection.exec_driver_sql(f"create table t ({columns})")
        connection.exec_driver_sql("set sql_mode = ''")  # takes dates that are none
        for row in ROWS:
            connection.execute(sa.insert(sa.table("t", *(sa.column(name) for name in row))), row)
    yield engine
    engine.dispose()


def found(connection: sa.Connection, text: str) -> set[int]:
    clause = where_clause(filter_from(text, TABLE), TABLE, SOURCE)
    return set(connection.execute(sa.select(SOURCE.c.id).where(clause)).scalars())


ANSWERS = [
    ("city == 'Québec'", {1}),
    ("city == 'Quebec'", set()),
    ("city =~ 'QUÉBEC'", {1}),
    ("city == 'quebec'", set()),
    ("city == 'quebec '", {2}),
    ("city IN ['quebec', 'québec']", set()),
    ("city < 'a'", {1}),
    ("city != 'quebec'", {1, 2}),
    ("city =@ ' '", {2}),
    (r"city != 'a\\b\'\"'", {1, 2}),
    ("latin == 'Québec'", {1}),
    ("latin =@ 'É'", {1}),
    ("latin == '😀'", set()),
    ("wide == '😀'", {1}),
    ("wide == ''", {2}),
    ("fixed == 'ab'", {1}),
    ("fixed > 'ab'", {2}),
    ("place == 'Paris'", {1}),
    ("place == 'paris'", set()),
    ("place =@ 'OM'", {2}),
    ("place < 'Q'", {1}),
    ("key == '123e4567e89b12d3a456426614174000'", {1}),
    ("key > '023e4567-e89b-12d3-a456-426614174000'", {1}),
    ("payload =@ '\"a\"'", {1}),
    ("seen > '2013-01-01T05:00:00.000001Z'", {2}),
    ("seen == '2013-01-01T05:00:00.4Z'", set()),
    ("seen IN ['2013-01-01T05:00:00.6Z', '2013-01-01T05:00:01Z']", {2}),
    ("clock == '05:00:00.4'", set()),
    ("clock > '05:00:00.000001'", {2}),
    ("day IS NULL", set()),
    ("NOT day IS NULL", {1, 2}),
    ("flag == true", {1}),
    ("flag != true", {2}),
    ("natural == 18446744073709551615", {1}),
    ("natural < 9223372036854775808", {2}),
    ("amount == 1234567890123456789012345678.0123456789", {1}),
    ("amount > 1234567890123456789012345678.0123456788", {1}),
    ("NOT (seen == '2013-01-01T05:00:00Z' AND NOT city == 'x')", {2}),
]


# Each of these changes how MariaDB reads a statement or gives a value.
MODES = [
    "",
    "ANSI_QUOTES",
    "NO_BACKSLASH_ESCAPES",
    "PIPES_AS_CONCAT",
    "HIGH_NOT_PRECEDENCE",
    "EMPTY_STRING_IS_NULL",
    "TIME_ROUND_FRACTIONAL",
    "ORACLE",
]


@pytest.mark.parametrize("mode", MODES)
def test_a_filter_means_the_same_in_every_mode(engine: sa.Engine, mode: str) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql(f"set sql_mode = '{mode}'")
        assert {text: found(connection, text) for text, _ in ANSWERS} == dict(ANSWERS)


def test_text_is_compared_whatever_the_character_set_of_the_connection(engine: sa.Engine) -> None:
    latin = sa.create_engine(engine.url.update_query_dict({"charset": "latin1"}), poolclass=sa.NullPool)
    with latin.connect() as connection:
        assert found(connection, "city =@ 'É' AND wide == '😀'") == {1}


def test_the_dialects_of_mysql_and_mariadb_say_the_same(engine: sa.Engine) -> None:
    mariadb = sa.create_engine(engine.url.set(drivername="mariadb+pymysql"), poolclass=sa.NullPool)
    with mariadb.connect() as connection:
        assert {text: found(connection, text) for text, _ in ANSWERS} == dict(ANSWERS)
