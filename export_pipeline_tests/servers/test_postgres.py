"""The launcher itself: what the tests believe of their PostgreSQL."""

import psycopg
import pytest
import sqlalchemy as sa

from export_pipeline_tests.servers.postgres import fresh_database


def test_each_database_is_new_and_its_own(postgres_url: str) -> None:
    with fresh_database(postgres_url) as one, fresh_database(postgres_url) as other:
        for url in (one, other):
            engine = sa.create_engine(url, poolclass=sa.NullPool)
            with engine.begin() as connection:
                connection.execute(sa.text("create table rows (id int)"))


def test_a_dropped_database_is_gone_even_with_clients_connected(postgres_url: str) -> None:
    with fresh_database(postgres_url) as url:
        plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        lingering = psycopg.connect(plain)
    lingering.close()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(plain)


def test_a_wrong_password_is_refused(postgres_url: str) -> None:
    wrong = sa.make_url(postgres_url).set(drivername="postgresql", password="wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong.render_as_string(hide_password=False))
