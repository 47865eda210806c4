"""Readers by database: a new one is one module, and one line here."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from export_pipeline.errors import PermanentFailure
from export_pipeline.extract.duckdb import DuckdbSource
from export_pipeline.extract.mysql import MysqlSource
from export_pipeline.extract.postgresql import PostgresqlSource
from export_pipeline.extract.source import Source
from export_pipeline.extract.sqlalchemy import SqlalchemySource
from export_pipeline.extract.sqlite import SqliteSource

READERS: Mapping[str, Callable[[sa.URL, timedelta], Source]] = {
    "duckdb": DuckdbSource,
    "sqlite": SqliteSource,
    "postgresql": PostgresqlSource,
    "mysql": MysqlSource,
    "mariadb": MysqlSource,
}

# The drivers that we bring along, where the URL names none. With any other the floor reads.
DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}

# Enough for an hour's rows sorted without an index; what takes longer would delay all hours after it.
STATEMENT_LIMIT = timedelta(hours=1)


def open_source(url: str, limit: timedelta = STATEMENT_LIMIT) -> Source:
    """The source at a SQLAlchemy URL, with the best reader there is for it. Connects when first read.

    `limit` is how long it may take to answer: with a count, or with the next batch of rows.
    """
    target = _parsed(url)
    target = target.set(drivername=DRIVERS.get(target.drivername, target.drivername))
    readers = READERS if target.drivername in (*READERS, *DRIVERS.values()) else {}
    return readers.get(target.get_backend_name(), SqlalchemySource)(target, limit)


def _parsed(url: str) -> sa.URL:
    try:
        target = sa.make_url(url)
    except (ArgumentError, ValueError):  # the text of the latter may hold a part of the password
        target = None
    # An @ in the password makes its end a part of the host's name, which messages show.
    if target is None or "@" in (target.host or ""):
        raise PermanentFailure(
            "the source's URL is none; write it like postgresql+psycopg://user:password@host:5432/database,"
            " with %40 for an @ inside the password"
        )
    return target
