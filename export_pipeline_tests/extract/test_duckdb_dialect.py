"""What is compiled for DuckDB, DuckDB runs."""

import duckdb
import pytest
import sqlalchemy as sa

from export_pipeline.extract.duckdb_dialect import compiled, in_microseconds


def test_names_may_be_reserved_words_and_values_are_bound_in_their_order() -> None:
    table = sa.table("select", sa.column("qualify"), sa.column("from"))
    query = sa.select(table.c.qualify).where(table.c["from"].in_(["a", "it's"]), table.c.qualify > 1)
    with duckdb.connect() as connection:
        connection.execute('create table "select" as select 1 as "qualify", \'a\' as "from"')
        connection.execute("""insert into "select" values (2, 'it''s'), (3, 'b')""")
        sql, values = compiled(query)
        assert connection.execute(sql, values).fetchall() == [(2,)]
    assert not any(repr(value) in sql for value in ["a", "it's"])


@pytest.mark.parametrize(
    ("moment", "is_before"),
    [
        ("2013-01-01 00:59:59.999999999", True),
        ("2013-01-01 01:00:00", False),
        ("1969-12-31 23:59:59.999999999", True),
    ],
)
def test_nanoseconds_are_cut_and_never_rounded(moment: str, is_before: bool) -> None:
    table = sa.table("events", sa.column("seen"))
    hour = (
        f"{moment[:11]}{int(moment[11:13]) + is_before:02}:00:00" if moment[11:13] != "23" else "1970-01-01"
    )
    query = sa.select(table.c.seen).where(table.c.seen < sa.cast(hour, sa.DateTime()))
    with duckdb.connect() as connection:
        connection.execute(f"create table events as select timestamp_ns '{moment}' as seen")
        found = connection.execute(*compiled(in_microseconds(query, {"seen"}))).fetchall()
    assert bool(found) is is_before
