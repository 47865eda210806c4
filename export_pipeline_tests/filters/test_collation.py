"""The same order of texts on every engine, whatever the collation of their column."""

import sqlalchemy as sa

from export_pipeline.filters.collation import by_code_point

TEXTS = ["Z", "a", "B", "é", "b", "", "😀", "ﬀ", "aa"]


def test_sqlite_orders_by_code_point_even_where_the_column_does_not() -> None:
    engine = sa.create_engine("sqlite://")
    table = sa.Table("t", sa.MetaData(), sa.Column("text", sa.Text(collation="NOCASE")))
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(table.insert(), [{"text": text} for text in TEXTS])
        found = connection.scalars(sa.select(table.c.text).order_by(by_code_point(table.c.text))).all()
    assert found == sorted(TEXTS)


def test_postgresql_orders_by_code_point_even_where_the_column_does_not(postgres_database: str) -> None:
    engine = sa.create_engine(postgres_database)
    with engine.begin() as connection:
        connection.execute(sa.text('CREATE TABLE t (text text COLLATE "pg_c_utf8")'))
        table = sa.table("t", sa.column("text", sa.Text))
        connection.execute(table.insert(), [{"text": text} for text in TEXTS])
        found = connection.scalars(sa.select(table.c.text).order_by(by_code_point(table.c.text))).all()
    engine.dispose()
    assert found == sorted(TEXTS)
