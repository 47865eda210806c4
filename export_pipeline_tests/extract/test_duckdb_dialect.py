"""What is compiled for DuckDB, DuckDB runs."""

import duckdb
import sqlalchemy as sa

from export_pipeline.extract.duckdb_dialect import compiled


def test_names_may_be_reserved_words_and_values_are_bound_in_their_order() -> None:
    table = sa.table("select", sa.column("qualify"), sa.column("from"))
    query = sa.select(table.c.qualify).where(table.c["from"].in_(["a", "it's"]), table.c.qualify > 1)
    with duckdb.connect() as connection:
        connection.execute('create table "select" as select 1 as "qualify", \'a\' as "from"')
        connection.execute("""insert into "select" values (2, 'it''s'), (3, 'b')""")
        sql, values = compiled(query)
        assert connection.execute(sql, values).fetchall() == [(2,)]
    assert not any(repr(value) in sql for value in ["a", "it's"])
