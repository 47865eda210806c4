"""The control database: opened, brought up to date, written and read in transactions."""

import logging
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from export_pipeline.errors import ExportPipelineError

LOG = logging.getLogger(__name__)

# A writer holds the database for milliseconds; a process that waits longer than this is in trouble.
BUSY_MILLISECONDS = 30_000

# Any number that means us: PostgreSQL's advisory locks are numbers.
MIGRATION_LOCK = 7_351_904_221

# How long PostgreSQL's machine may keep silent, unless the URL says otherwise: as long as a source's. While
# it works on a query it still acknowledges what it was sent. One that was cut off would be waited for by the
# hour.
SILENCE = {
    "connect_timeout": 10,  # seconds
    "tcp_user_timeout": 30_000,  # milliseconds
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}


def open_control_database(url: str) -> sa.Engine:
    """An engine for the control database. SQLite: its folder is made, WAL, writers wait for each other."""
    try:
        target = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise ExportPipelineError(
            "EXPORT_PIPELINE_CONTROL_URL is not a URL; write it like postgresql://user:password@host/database"
        ) from error
    if target.get_backend_name() == "sqlite":
        if target.database and target.database != ":memory:":
            Path(target.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(target)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    if target.get_backend_name() == "postgresql":
        return sa.create_engine(
            target.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            connect_args={name: most for name, most in SILENCE.items() if name not in target.query},
        )
    raise ExportPipelineError(
        f"EXPORT_PIPELINE_CONTROL_URL: {target.drivername!r} is not supported; use sqlite:/// or postgresql://"
    )


# SQLite shows a reader one moment by itself; PostgreSQL would show each statement another.
_READING: Mapping[str, Mapping[str, Any]] = {
    "sqlite": {"sqlite_begin": "DEFERRED"},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that only reads, of one moment, and so never waits for a writer."""
    with (
        engine.connect().execution_options(**_READING[engine.dialect.name]) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that may write: all of it is stored when the block ends, or none."""
    with engine.begin() as connection:
        yield connection


@contextmanager
def trying(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that may write, and of which nothing is stored: to see whether all would be taken."""
    with engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


def upgrade(engine: sa.Engine) -> str:
    """Apply the migrations that are missing. Cheap when there are none; safe when several processes start.

    Returns the version that the database is at.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    newest = scripts.get_current_head()
    assert newest is not None, "the migrations are part of the program"
    with reading(engine) as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    if present == newest:
        return newest
    if present is not None and present not in {script.revision for script in scripts.walk_revisions()}:
        raise ExportPipelineError(
            f"the control database is at version {present}, this program knows none after {newest};"
            " install the newer program that upgraded it"
        )
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    LOG.info("control database is at version %s", newest)
    return newest


def _prepare_sqlite(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
    connection.isolation_level = None  # sqlite3's own; we begin transactions ourselves
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    _write_ahead(cursor)
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # a deleted connector's credentials are overwritten
    cursor.close()


def _write_ahead(cursor: sa.engine.interfaces.DBAPICursor) -> None:
    """Readers and the writer leave each other alone from here on, in every process: the file remembers it."""
    give_up = time.monotonic() + BUSY_MILLISECONDS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # Of several who find a new file one changes it; the busy timeout does not cover the others.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that begins as a reader and then writes can be refused at once, whatever the busy timeout:
    # so a writer says from the start that it is one.
    mode = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
    connection.exec_driver_sql(f"BEGIN {mode}")
