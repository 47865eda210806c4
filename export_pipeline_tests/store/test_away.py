"""Which failures of the control database are no fault of what it was asked."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from export_pipeline.store.away import is_away
from export_pipeline.store.database import open_control_database, reading, writing
from export_pipeline.store.schema import ORGANIZATIONS
from export_pipeline_tests.servers.ports import free_port


def failure(engine: sa.Engine, *statements: str) -> sa.exc.SQLAlchemyError:
    """What comes of them."""
    try:
        with reading(engine) as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    except sa.exc.SQLAlchemyError as error:
        return error
    pytest.fail("nothing came of them")


def test_a_wrong_statement_is_ours(control: sa.Engine) -> None:
    assert not is_away(failure(control, "SELECT nothing FROM nowhere"))
    assert not is_away(failure(control, "SELEC 1"))


def test_so_is_a_row_that_may_not_be(control: sa.Engine) -> None:
    with pytest.raises(IntegrityError) as caught, writing(control) as connection:
        connection.execute(ORGANIZATIONS.insert(), [{"id": None}])
    assert not is_away(caught.value)


def test_one_that_another_writes_to_is_away(tmp_path: Path) -> None:
    file = tmp_path / "control.db"
    engine = open_control_database(f"sqlite:///{file}")
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        failed = failure(engine, "PRAGMA busy_timeout = 0", "CREATE TABLE a (b)", "SELECT * FROM c")
        assert not is_away(failed)
        writer.execute("BEGIN IMMEDIATE")
        assert is_away(failure(engine, "PRAGMA busy_timeout = 0", "CREATE TABLE a (b)"))
    engine.dispose()


def test_so_is_one_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "control.db").mkdir()
    assert is_away(failure(open_control_database(f"sqlite:///{tmp_path}/control.db")))
    assert is_away(failure(open_control_database(f"postgresql://nobody@127.0.0.1:{free_port()}/control")))


def test_so_is_one_whose_connections_are_all_in_use(control: sa.Engine) -> None:
    narrow = sa.create_engine(control.url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    with narrow.connect():
        assert is_away(failure(narrow))
    narrow.dispose()


def test_one_that_ends_the_connection_is_away(postgres_url: str) -> None:
    engine = open_control_database(postgres_url)
    assert is_away(failure(engine, "SELECT pg_terminate_backend(pg_backend_pid())"))
    engine.dispose()
