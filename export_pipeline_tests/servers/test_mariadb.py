"""The launcher itself: what the tests believe of their MariaDB."""

import pytest
import sqlalchemy as sa

from export_pipeline_tests.servers.mariadb import fresh_mariadb_database


def test_each_database_is_new_and_its_own(mariadb_url: str) -> None:
    with fresh_mariadb_database(mariadb_url) as one, fresh_mariadb_database(mariadb_url) as other:
        for url in (one, other):
            with connected(url) as connection:
                connection.execute(sa.text("create table t (id int)"))


def test_a_dropped_database_is_gone(mariadb_url: str) -> None:
    with fresh_mariadb_database(mariadb_url) as url:
        pass
    with pytest.raises(sa.exc.OperationalError, match="Unknown database"):
        connected(url)


@pytest.mark.parametrize("user", ["exporter", "root", ""])
@pytest.mark.parametrize("password", ["wrong", None])
def test_nobody_comes_in_without_the_password(mariadb_url: str, user: str, password: str | None) -> None:
    url = sa.make_url(mariadb_url)
    wrong = sa.URL.create(url.drivername, user, password, url.host, url.port)
    with pytest.raises(sa.exc.OperationalError, match="Access denied"):
        connected(wrong)


def connected(url: str | sa.URL) -> sa.Connection:
    return sa.create_engine(url, poolclass=sa.NullPool).connect()
