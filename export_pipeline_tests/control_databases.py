"""Control databases for the tests: SQLite in a file, or PostgreSQL; and what is stored in them.

A test that asks for `control` (see store/conftest.py, control/conftest.py) runs on both.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
from cryptography.fernet import Fernet

from export_pipeline.connectors.connector import config_from
from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.exports.export import Export
from export_pipeline.store.connectors import StoredConnector, add_connector
from export_pipeline.store.database import open_control_database, reading, upgrade, writing
from export_pipeline.store.encryption import SecretKey
from export_pipeline.store.exports import add_export
from export_pipeline.store.organizations import ensure_organization
from export_pipeline.store.schema import METADATA
from export_pipeline_tests.builders import ORGANIZATION, a_definition, an_s3_connector

KEY = SecretKey(Fernet.generate_key().decode())


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'control.db'}"


@contextmanager
def control_database(url: str) -> Iterator[sa.Engine]:
    """The control database at `url`, upgraded, for as long as the block runs."""
    engine = open_control_database(url)
    try:
        upgrade(engine)
        yield engine
    finally:
        engine.dispose()


@cache
def migrated() -> bytes:
    """The file of an upgraded SQLite database without a row. All its migrations take a tenth of a second."""
    with TemporaryDirectory() as folder:
        with control_database(sqlite_url(Path(folder))):
            pass
        return (Path(folder) / "control.db").read_bytes()


def emptied(engine: sa.Engine) -> sa.Engine:
    """The same database without a row: cheaper than a new one."""
    with writing(engine) as connection:
        for table in reversed(METADATA.sorted_tables):
            connection.execute(table.delete())
    return engine


def somebody_waits(control: sa.Engine) -> None:
    """Return when a transaction of this PostgreSQL database waits for another."""
    waiting = sa.text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        with reading(control) as connection:
            if connection.scalar(waiting):
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits")


def stored_connector(
    engine: sa.Engine,
    *,
    organization: str = ORGANIZATION,
    name: str = "bucket",
    state: ConnectorState = ConnectorState.STARTING,
    **changes: str,
) -> StoredConnector:
    """An S3 connector of an organization, which is made if need be; it was not checked yet."""
    with writing(engine) as connection:
        ensure_organization(connection, organization)
        config = config_from(an_s3_connector(**changes))
        return add_connector(connection, KEY, organization, name, config, state=state)


def stored_export(
    engine: sa.Engine,
    connector: StoredConnector | None = None,
    *,
    slug: str = "flights",
    standing: bool = True,
    **changes: Any,
) -> Export:
    """An export of the connector's organization; through a running one of its own when none is given."""
    connector = connector or stored_connector(engine, state=ConnectorState.RUNNING)
    with writing(engine) as connection:
        return add_export(
            connection,
            organization=connector.organization,
            slug=slug,
            connector_id=connector.id,
            definition=a_definition(**changes),
            standing=standing,
        )
