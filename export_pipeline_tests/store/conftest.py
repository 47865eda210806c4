"""A control database of either engine: a test that takes `control` or `control_url` runs on both."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from export_pipeline_tests.control_databases import control_database, emptied, migrated, sqlite_url
from export_pipeline_tests.servers.postgres import fresh_database

ENGINES = ["sqlite", "postgresql"]


@pytest.fixture(scope="session")
def shared_postgres(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    with ExitStack() as opened:
        url = opened.enter_context(fresh_database(request.getfixturevalue("postgres_url")))
        yield opened.enter_context(control_database(url))


@pytest.fixture(params=ENGINES)
def control(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """An upgraded control database without a row."""
    if request.param == "postgresql":
        yield emptied(request.getfixturevalue("shared_postgres"))
        return
    (tmp_path / "control.db").write_bytes(migrated())
    with control_database(sqlite_url(tmp_path)) as engine:
        yield engine


@pytest.fixture(params=ENGINES)
def control_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database in which there is nothing yet."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgres_database")
        return url
    return sqlite_url(tmp_path)
