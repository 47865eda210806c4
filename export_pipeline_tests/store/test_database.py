"""The control database: opened, upgraded by one or by many, read and written in transactions."""

import os
import socket
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine.interfaces import ReflectedIndex

from export_pipeline.errors import ExportPipelineError
from export_pipeline.store.database import (
    SILENCE,
    open_control_database,
    reading,
    trying,
    upgrade,
    writing,
)
from export_pipeline.store.organizations import ensure_organization, list_organizations
from export_pipeline.store.schema import METADATA, ORGANIZATIONS
from export_pipeline_tests.control_databases import control_database, emptied
from export_pipeline_tests.starting_together import start_together

UPGRADE = """
from export_pipeline.store.database import open_control_database, upgrade

engine = open_control_database(sys.argv[1])
ready()
print(upgrade(engine))
"""


def described(engine: sa.Engine) -> dict[str, object]:
    """Everything that the database says of its tables, but alembic's own."""
    inspector = sa.inspect(engine)
    return {
        table: {
            "columns": [
                (column["name"], repr(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(table)
            ],
            "primary key": inspector.get_pk_constraint(table),
            "foreign keys": sorted(map(repr, inspector.get_foreign_keys(table))),
            "indexes": sorted(map(_index, inspector.get_indexes(table))),
            "unique": sorted(map(repr, inspector.get_unique_constraints(table))),
        }
        for table in sorted(inspector.get_table_names())
        if table != "alembic_version"
    }


def _index(index: ReflectedIndex) -> str:
    options = {name: str(value) for name, value in index["dialect_options"].items()}
    return repr({**index, "dialect_options": options})


def test_the_migrations_make_what_the_code_expects(control: sa.Engine) -> None:
    with reading(control) as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_the_migrations_make_the_same_database_as_the_schema(control_url: str) -> None:
    # Names, conditions of partial indexes and the order of columns as well, which alembic does not compare.
    with control_database(control_url) as engine:
        migrated = described(engine)
        with writing(engine) as connection:
            METADATA.drop_all(connection)
            METADATA.create_all(connection)
        assert migrated == described(engine)
        assert migrated.keys() == METADATA.tables.keys()


def test_upgrading_again_changes_nothing(control: sa.Engine) -> None:
    with writing(control) as connection:
        ensure_organization(connection, "acme")

    first = upgrade(control)

    assert upgrade(control) == first
    with reading(control) as connection:
        assert connection.scalar(sa.select(ORGANIZATIONS.c.id)) == "acme"


def test_four_processes_that_start_at_once_upgrade_once(control_url: str) -> None:
    versions = start_together(UPGRADE, control_url)

    assert len(set(versions)) == 1
    with control_database(control_url) as engine, reading(engine) as connection:
        assert connection.execute(sa.text("select count(*) from alembic_version")).scalar() == 1
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_threads_that_start_at_once_upgrade_once(control_url: str) -> None:
    barrier = threading.Barrier(4)

    def upgraded(_number: int) -> str:
        engine = open_control_database(control_url)
        try:
            with reading(engine):
                barrier.wait(30)
            return upgrade(engine)
        finally:
            engine.dispose()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(upgraded, range(4)))) == 1


def test_a_database_of_a_newer_program_is_left_alone(control_url: str) -> None:
    with control_database(control_url) as engine:
        with writing(engine) as connection:
            connection.execute(sa.text("update alembic_version set version_num = 'from-the-future'"))

        with pytest.raises(ExportPipelineError, match=r"version from-the-future.* install the newer"):
            upgrade(engine)


def test_what_is_only_tried_is_not_stored(control: sa.Engine) -> None:
    with reading(control) as connection:
        before = list_organizations(connection)
    with trying(control) as connection:
        ensure_organization(connection, "tried")
        assert "tried" in list_organizations(connection)
    with reading(control) as connection:
        assert list_organizations(connection) == before


def test_a_migration_that_fails_leaves_nothing(control_url: str) -> None:
    engine = open_control_database(control_url)
    with writing(engine) as connection:
        connection.execute(sa.text("create table tasks (id int)"))  # in the way, of the last migrated table

    with pytest.raises(sa.exc.SQLAlchemyError):
        upgrade(engine)

    assert sa.inspect(engine).get_table_names() == ["tasks"]
    engine.dispose()


def test_the_folder_of_a_sqlite_database_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "control.db"

    with control_database(f"sqlite:///{path}"):
        assert path.is_file()


def test_a_path_with_a_per_cent_sign_is_a_path(tmp_path: Path) -> None:
    with control_database(f"sqlite:///{tmp_path / '100%s' / 'control.db'}") as engine:
        assert sa.inspect(engine).has_table("hours")


@pytest.mark.parametrize(
    "url", ["mysql://user:hidden-password@host/db", "oracle://host", "postgres://host/db"]
)
def test_other_databases_are_refused_without_showing_the_password(url: str) -> None:
    with pytest.raises(ExportPipelineError, match="use sqlite:/// or postgresql://") as caught:
        open_control_database(url)

    assert "hidden-password" not in str(caught.value)
    assert "EXPORT_PIPELINE_CONTROL_URL" in str(caught.value)


def test_what_is_no_url_is_refused_without_showing_it() -> None:
    with pytest.raises(ExportPipelineError, match="EXPORT_PIPELINE_CONTROL_URL is not a URL") as caught:
        open_control_database("a-password-pasted-here")

    assert "a-password-pasted-here" not in str(caught.value)


def test_a_writing_block_that_fails_stores_nothing(control: sa.Engine) -> None:
    def fail() -> None:
        with writing(control) as connection:
            ensure_organization(connection, "acme")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    with reading(control) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(ORGANIZATIONS)) == 0


def test_a_reader_does_not_wait_for_a_writer(control: sa.Engine) -> None:
    with writing(control) as writer:
        ensure_organization(writer, "acme")
        with reading(control) as reader:
            assert reader.scalar(sa.select(sa.func.count()).select_from(ORGANIZATIONS)) == 0


def test_a_reader_sees_one_moment_whatever_is_written_meanwhile(control: sa.Engine) -> None:
    with writing(control) as writer:
        ensure_organization(writer, "acme")
    with reading(control) as reader:
        before = list_organizations(reader)
        with writing(control) as writer:
            writer.execute(ORGANIZATIONS.delete())
            ensure_organization(writer, "globex")
        after = list_organizations(reader)

    assert (before, after) == (["acme"], ["acme"])
    with reading(control) as reader:
        assert list_organizations(reader) == ["globex"]


def test_on_postgresql_a_reader_cannot_write_and_its_session_can_again(shared_postgres: sa.Engine) -> None:
    engine = sa.create_engine(
        emptied(shared_postgres).url, pool_size=1, max_overflow=0
    )  # one session for all
    with pytest.raises(sa.exc.InternalError, match="read-only transaction"), reading(engine) as reader:
        ensure_organization(reader, "acme")

    with writing(engine) as writer:
        level = writer.scalar(sa.text("show transaction_isolation"))
        ensure_organization(writer, "acme")

    assert level == "read committed"
    engine.dispose()


def test_writers_wait_for_each_other(control: sa.Engine) -> None:
    numbers = range(40)

    def write(number: int) -> None:
        with writing(control) as connection:
            count = connection.scalar(sa.select(sa.func.count()).select_from(ORGANIZATIONS))
            ensure_organization(connection, f"organization-{number}-{count}")

    threads = [threading.Thread(target=write, args=[number]) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with reading(control) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(ORGANIZATIONS)) == len(numbers)


def test_sqlite_is_set_up_for_several_processes(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    with control_database(f"sqlite:///{path}") as engine, reading(engine) as connection:
        for pragma, value in [("journal_mode", "wal"), ("foreign_keys", 1), ("busy_timeout", 30_000)]:
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
    with sqlite3.connect(path) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    plain.close()


def test_what_refers_to_nothing_is_refused(control: sa.Engine) -> None:
    with pytest.raises(sa.exc.IntegrityError), writing(control) as connection:
        connection.execute(
            sa.text(
                "insert into claims (export_id, hour, owner, stage, done, total, expires_at) values"
                " ('none', '2013-01-01', 'run', 'queued', 0, 0, '2013-01-01')"
            )
        )


def test_a_process_that_finds_another_at_work_on_a_new_file_waits(tmp_path: Path) -> None:
    # SQLite refuses to change the journal at once then, whatever the busy timeout.
    path = tmp_path / "control.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.2, other.execute, ["ROLLBACK"])
    release.start()

    with control_database(f"sqlite:///{path}") as engine:
        assert sa.inspect(engine).has_table("hours")

    release.join()
    other.close()


def test_a_database_in_memory_is_one_too() -> None:
    with control_database("sqlite:///:memory:") as engine:
        assert sa.inspect(engine).has_table("hours")


def driver_of(connection: sa.Connection) -> psycopg.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def test_a_server_that_is_cut_off_is_not_waited_for_without_end(postgres_url: str) -> None:
    engine = open_control_database(postgres_url)
    with engine.connect() as connection:
        given = driver_of(connection).info.get_parameters()
        with socket.socket(fileno=os.dup(driver_of(connection).fileno())) as line:
            waits = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    engine.dispose()

    assert {name: given.get(name) for name in SILENCE} == {name: str(most) for name, most in SILENCE.items()}
    assert waits == SILENCE["tcp_user_timeout"]


def test_the_url_may_say_how_long_a_server_is_waited_for(postgres_url: str) -> None:
    """It takes the connection, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        engine = open_control_database(f"postgresql://nobody@127.0.0.1:{port}/control?connect_timeout=2")
        began = time.monotonic()
        with pytest.raises(sa.exc.OperationalError), reading(engine):
            pass
    assert time.monotonic() - began < SILENCE["connect_timeout"]

    engine = open_control_database(f"{postgres_url}?tcp_user_timeout=1234")
    with engine.connect() as connection:
        given = driver_of(connection).info.get_parameters()
    engine.dispose()
    assert (given["tcp_user_timeout"], given["keepalives_idle"]) == ("1234", "30")
