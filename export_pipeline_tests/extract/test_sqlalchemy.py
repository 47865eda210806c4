"""What is particular to SQLite and PostgreSQL behind SQLAlchemy."""

import sqlite3
import traceback
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.errors import PermanentFailure, TransientFailure
from export_pipeline.extract.query import rows_of_hour
from export_pipeline.extract.sources import open_source
from export_pipeline.filters.tree import EVERY_ROW
from export_pipeline.windows import HourWindow
from export_pipeline_tests.builders import a_column, an_hour
from export_pipeline_tests.extract.engines import Engine
from export_pipeline_tests.extract.test_every_reader import SEEN, a_table, load, read, rows_read
from export_pipeline_tests.servers.ports import free_port

INSERT = "insert into events values (99, '2013-01-01 00:59:00')"


@pytest.fixture
def server(engine: Engine) -> Engine:
    if engine.name == "duckdb":
        pytest.skip("a DuckDB file that is open for reading has no writers")
    return engine


def test_rows_committed_after_the_count_are_not_seen(server: Engine) -> None:
    load(server, [(1, SEEN)])
    table = a_table()
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
    with server.source() as source, source.snapshot() as snapshot:
        assert snapshot.count(rows) == 1
        server.run(INSERT, [])
        assert read(snapshot, table).num_rows == 1
    assert len(rows_read(server, table)) == 2


def test_nothing_can_be_written_through_a_snapshot(server: Engine) -> None:
    load(server, [])
    with server.source() as source, source.snapshot() as snapshot:
        connection: sa.Connection = vars(snapshot)["_connection"]
        with pytest.raises(sa.exc.DBAPIError, match=r"read-?only"):
            connection.exec_driver_sql(INSERT)


def test_a_locked_sqlite_file_is_worth_a_retry(tmp_path: Path) -> None:
    file = tmp_path / "source.sqlite"
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("create table events (id integer, seen text)")
        writer.execute("begin exclusive")
        with (
            pytest.raises(TransientFailure, match="locked"),
            closing(open_source(f"sqlite:///{file}")) as source,
        ):
            _count(source)


@pytest.mark.parametrize(
    "form", ["2013-01-01T00:30:00Z", "2013-01-01 00:30:00.5", "2013-01-01 00:30:00+00:00"]
)
def test_sqlite_moments_are_found_in_whatever_form(tmp_path: Path, form: str) -> None:
    file = tmp_path / "source.sqlite"
    with closing(sqlite3.connect(file)) as writer, writer:
        writer.execute("create table events (id integer, seen text)")
        writer.execute("insert into events values (1, ?)", [form])
    with closing(open_source(f"sqlite:///{file}")) as source:
        assert _count(source) == 1


NO_MOMENTS = ["2013-01-01 00:30:00+02:00", "2013-01-01 00:30", "2013-01-01", "2013-01-01 noon", 1356998400]


@pytest.mark.parametrize("moment", NO_MOMENTS)
@pytest.mark.parametrize("hour", ["2013-01-01-00:00", "2013-01-01-22:00"])
def test_a_sqlite_moment_of_unknown_hour_fails_the_hours_it_may_belong_to(
    tmp_path: Path, moment: object, hour: str
) -> None:
    file = _sqlite_events(tmp_path, moment)
    table = a_table()
    only_ids = rows_of_hour(table, table.columns[:1], HourWindow.from_key(hour), EVERY_ROW, None)
    with (
        closing(open_source(f"sqlite:///{file}")) as source,
        source.snapshot() as snapshot,
        pytest.raises(PermanentFailure, match=r"events\.seen says which hour"),
    ):
        snapshot.count(only_ids)


@pytest.mark.parametrize("moment", ["2013-01-02 noon", None])
def test_a_sqlite_moment_of_another_day_or_none_leaves_the_hour_alone(tmp_path: Path, moment: object) -> None:
    with closing(open_source(f"sqlite:///{_sqlite_events(tmp_path, moment)}")) as source:
        assert _count(source) == 0


def test_an_index_on_sqlite_moments_is_used(tmp_path: Path) -> None:
    file = _sqlite_events(tmp_path, "2013-01-01 00:30:00")
    with closing(sqlite3.connect(file)) as writer, writer:
        writer.execute("create index by_time on events (seen)")
    statements: list[tuple[str, Any]] = []
    with closing(open_source(f"sqlite:///{file}")) as source, source.snapshot() as snapshot:
        connection: sa.Connection = vars(snapshot)["_connection"]

        @sa.event.listens_for(connection, "before_cursor_execute")
        def note(_c: object, _r: object, statement: str, parameters: Any, *_: object) -> None:
            statements.append((statement, parameters))

        read(snapshot, a_table())
        ((statement, parameters), *_) = statements
        plan = connection.exec_driver_sql(f"explain query plan {statement}", parameters).all()
    assert any("USING INDEX by_time" in step for *_, step in plan)


def test_text_that_is_not_utf8_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "source.sqlite"
    with closing(sqlite3.connect(file)) as writer, writer:
        writer.execute("create table events (id integer, seen text, word text)")
        writer.execute(
            "insert into events values (1, '2013-01-01 00:30:00', cast(x'736563726574ff' as text))"
        )
    with closing(open_source(f"sqlite:///{file}")) as source, source.snapshot() as snapshot:
        with pytest.raises(PermanentFailure, match=r"events\.word") as failure:
            read(snapshot, a_table(a_column("word")))
        assert "secret" not in "".join(traceback.format_exception(failure.value))


def test_a_wrong_password_is_not_worth_a_retry_and_not_shown(postgres_database: str) -> None:
    url = sa.make_url(postgres_database).set(password="hunter2").render_as_string(hide_password=False)
    with (
        pytest.raises(PermanentFailure, match="authentication failed") as failure,
        open_source(url).snapshot(),
    ):
        pass
    assert "hunter2" not in "".join(traceback.format_exception(failure.value))


def test_a_server_that_is_down_is_worth_a_retry() -> None:
    url = f"postgresql://me:hunter2@127.0.0.1:{free_port()}/db"
    with pytest.raises(TransientFailure, match="refused") as failure, open_source(url).snapshot():
        pass
    assert "hunter2" not in "".join(traceback.format_exception(failure.value))


@pytest.mark.parametrize(
    "setting", ["timezone = 'Asia/Kathmandu'", "datestyle = 'German'", "extra_float_digits = 0"]
)
def test_a_database_with_settings_of_its_own_is_read_alike(postgres_database: str, setting: str) -> None:
    _run(postgres_database, "create table events (id bigint, seen timestamptz, ratio double precision)")
    _run(postgres_database, "insert into events values (1, '2013-01-01 00:30:00+00', 0.1 + 0.2::float8)")
    name = sa.make_url(postgres_database).database
    _run(postgres_database, f"alter database {name} set {setting}")
    with closing(open_source(postgres_database)) as source, source.snapshot() as snapshot:
        (row,) = read(snapshot, a_table(a_column("ratio", "float64"))).to_pylist()
    assert (row["seen"], row["ratio"]) == (SEEN, 0.1 + 0.2)


def test_what_a_view_stumbles_over_is_not_shown(postgres_database: str) -> None:
    _run(postgres_database, "create table raw (id bigint, seen timestamptz, word text)")
    _run(postgres_database, "insert into raw values (1, '2013-01-01 00:30:00+00', 'top secret')")
    _run(postgres_database, "create view events as select id, seen, word::int from raw")
    with closing(open_source(postgres_database)) as source, source.snapshot() as snapshot:
        with pytest.raises(PermanentFailure, match="refused") as failure:
            read(snapshot, a_table(a_column("word", "int32")))
        assert "secret" not in "".join(traceback.format_exception(failure.value))


@pytest.mark.parametrize(
    ("change", "user", "option"),
    [
        (
            "create role somebody login password 'x'; revoke connect on database {} from public",
            "somebody",
            {},
        ),
        ("create role somebody password 'x'", "somebody", {}),
        ("select 1", None, {"sslmode": "require"}),
    ],
    ids=["no right to connect", "no right to log in", "no TLS"],
)
def test_what_only_a_person_can_put_right_is_not_worth_a_retry(
    postgres_database: str, change: str, user: str | None, option: Mapping[str, str]
) -> None:
    url = sa.make_url(postgres_database)
    _run(postgres_database, change.format(url.database))
    if user is not None:
        url = url.set(username=user, password="x")
    url = url.update_query_dict(option)
    try:
        with (
            pytest.raises(PermanentFailure, match="cannot be opened"),
            open_source(url.render_as_string(hide_password=False)).snapshot(),
        ):
            pass
    finally:
        _run(postgres_database, "drop role if exists somebody")


def _sqlite_events(folder: Path, moment: object) -> Path:
    file = folder / "source.sqlite"
    with closing(sqlite3.connect(file)) as writer, writer:
        writer.execute("create table events (id integer, seen datetime)")
        writer.execute("insert into events values (1, ?)", [moment])
    return file


def _run(url: str, statement: str) -> None:
    database = sa.create_engine(url, poolclass=sa.NullPool)
    with database.begin() as connection:
        connection.exec_driver_sql(statement)
    database.dispose()


def _count(source: Any) -> int:
    table = a_table()
    with source.snapshot() as snapshot:
        return int(snapshot.count(rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)))
