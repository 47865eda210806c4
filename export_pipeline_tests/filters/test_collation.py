"""The same order of texts on every engine, whatever the collation of their column."""

import pytest
import sqlalchemy as sa

from export_pipeline.filters.collation import by_code_point, by_digits

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


def test_mariadb_orders_by_code_point_even_where_the_column_does_not(mariadb_database: str) -> None:
    engine = sa.create_engine(mariadb_database)
    texts = [*TEXTS, "a ", "\uffee"]
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (text varchar(9) COLLATE utf8mb4_unicode_ci)"))
        table = sa.table("t", sa.column("text", sa.Text))
        connection.execute(table.insert(), [{"text": text} for text in texts])
        found = connection.scalars(sa.select(table.c.text).order_by(by_code_point(table.c.text))).all()
    engine.dispose()
    assert found == sorted(texts)


UUIDS = [
    "ABCDEF00-0000-0000-0000-000000000001",
    "abcdef00000000000000000000000002",
    "0bcdef00-" + "0000-" * 3 + "0" * 12,
]


@pytest.mark.parametrize("database", ["sqlite_url", "postgres_database", "mariadb_database"])
def test_uuids_that_are_kept_as_text_are_compared_by_their_digits(
    request: pytest.FixtureRequest, database: str
) -> None:
    url = "sqlite://" if database == "sqlite_url" else request.getfixturevalue(database)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (text varchar(36))"))
        table = sa.table("t", sa.column("text", sa.Text))
        connection.execute(table.insert(), [{"text": text} for text in UUIDS])
        digits = by_digits(table.c.text)
        ordered = connection.scalars(sa.select(table.c.text).order_by(digits)).all()
        found = connection.scalars(sa.select(table.c.text).where(digits == "abcdef00" + "0" * 23 + "1")).all()
    engine.dispose()
    assert ordered == [UUIDS[2], UUIDS[0], UUIDS[1]]
    assert found == [UUIDS[0]]
