"""A source's URL, right and wrong. None of the messages shows a password."""

import traceback

import pytest

from export_pipeline.errors import PermanentFailure
from export_pipeline.extract.duckdb import DuckdbSource
from export_pipeline.extract.mysql import MysqlSource
from export_pipeline.extract.postgresql import PostgresqlSource
from export_pipeline.extract.sources import open_source
from export_pipeline.extract.sqlite import SqliteSource


@pytest.mark.parametrize(
    "url",
    [
        "nonsense hunter2",
        "postgresql://me:hun@ter2@host/db",
        "postgresql://me:hunter2@host:port/db",
        "nosuch://me:hunter2@host/db",
        "mysql+nosuch://me:hunter2@host/db",
        "oracle+cx_oracle://me:hunter2@host/db",
    ],
)
def test_a_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(PermanentFailure, match="URL") as failure:
        open_source(url)
    logged = "".join(traceback.format_exception(failure.value))
    assert "hunter2" not in logged
    assert "ter2@" not in logged


@pytest.mark.parametrize(
    ("url", "reader"),
    [
        ("duckdb:///somewhere.duckdb", DuckdbSource),
        ("sqlite:///somewhere.sqlite", SqliteSource),
        ("postgresql://host/db", PostgresqlSource),
        ("postgres://host/db", PostgresqlSource),
        ("postgresql+psycopg://host/db", PostgresqlSource),
        ("mysql://host/db", MysqlSource),
        ("mariadb+pymysql://host/db", MysqlSource),
    ],
)
def test_each_database_has_its_best_reader(url: str, reader: type) -> None:
    assert isinstance(open_source(url), reader)


@pytest.mark.parametrize("file", ["duckdb:////nowhere/x.duckdb", "sqlite:////nowhere/x.sqlite"])
def test_a_missing_file_is_not_made_but_named(file: str) -> None:
    with pytest.raises(PermanentFailure, match=r"file x\.") as told, open_source(file).snapshot():
        pass

    assert "nowhere" not in str(told.value)  # customers read it
