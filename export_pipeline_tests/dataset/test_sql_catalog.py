from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from export_pipeline.dataset.catalog import Unreachable, Unreadable
from export_pipeline.dataset.sql_catalog import open_sql
from export_pipeline.dataset.types import Kind


def test_the_columns_of_an_index_come_in_its_order(tmp_path: Path) -> None:
    url = sa.make_url(f"sqlite:///{tmp_path / 'flights.db'}")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE flights (origin TEXT, hour DATETIME)")
        connection.exec_driver_sql("CREATE INDEX by_hour ON flights (hour, origin)")
    with open_sql(url) as catalog:
        found = catalog.table(None, "flights")
    assert (found.keys, found.indexes) == ((), (("hour", "origin"),))


def test_a_domain_is_what_it_is_made_of(postgres_database: str) -> None:
    url = sa.make_url(postgres_database)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE DOMAIN minutes AS SMALLINT CHECK (VALUE >= 0)")
        connection.exec_driver_sql("CREATE TABLE flights (delay minutes)")
    with open_sql(url) as catalog:
        (delay,) = catalog.table(None, "flights").columns
    assert Kind.INT16 in (delay.becomes or ())


def test_a_driver_that_is_not_installed_is_named() -> None:
    with (
        pytest.raises(Unreachable, match="'oracel', for which no driver"),
        open_sql(sa.make_url("oracel://h/d")),
    ):
        pass


class Silent(SQLiteDialect_pysqlite):
    """A driver's dialect that can read and not describe, as SQLAlchemy lets it."""

    supports_statement_cache = True

    def get_table_names(self, *_given: object, **_named: object) -> list[str]:
        raise NotImplementedError


def test_a_dialect_that_cannot_describe_is_told_in_a_sentence(tmp_path: Path) -> None:
    registry.impls["silent"] = lambda: Silent
    try:
        with (
            open_sql(sa.make_url(f"silent:///{tmp_path / 'source.db'}")) as catalog,
            pytest.raises(Unreadable, match="dialect of SQLAlchemy cannot tell what the database holds"),
        ):
            catalog.relations(None)
    finally:
        del registry.impls["silent"]
