"""What is particular to SQLite files."""

import sqlite3
import traceback
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.errors import PermanentFailure, TransientFailure
from export_pipeline.extract.query import rows_of_hour
from export_pipeline.extract.schema import arrow_schema
from export_pipeline.extract.sources import open_source
from export_pipeline.filters.checking import check
from export_pipeline.filters.tree import EVERY_ROW, Comparison
from export_pipeline.windows import HourWindow
from export_pipeline_tests.builders import a_column, an_hour, moment
from export_pipeline_tests.extract.test_every_reader import a_table, read


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


NO_MOMENTS = [
    "2013-01-01 00:30:00+02:00",
    "2012-12-31 19:30:00-05:00",
    "2013-01-01 00:30:00.000000+02:00",
    "2013-01-01 00:30",
    "2013-01-01",
    "2013-01-01 noon",
    "2013-01-01 00:99:00",
    "2013-01-01 00:59:60",
    1356998400,
]


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


@pytest.mark.parametrize("moment", [" 2013-01-01 00:30:00", "Jan 1 2013", b"2013-01-01 00:30:00", "", 1.5])
@pytest.mark.parametrize("indexed", [False, True])
def test_what_does_not_begin_like_a_moment_fails_every_hour(
    tmp_path: Path, moment: object, indexed: bool
) -> None:
    file = _sqlite_events(tmp_path, moment)
    if indexed:
        with closing(sqlite3.connect(file)) as writer, writer:
            writer.execute("create index by_time on events (seen)")
    with (
        closing(open_source(f"sqlite:///{file}")) as source,
        source.snapshot() as snapshot,
        pytest.raises(PermanentFailure, match=r"events\.seen says which hour"),
    ):
        read(snapshot, a_table(), HourWindow.from_key("2020-06-01-05:00"))


@pytest.mark.parametrize("moment", ["2013-01-03 noon", "2012-12-30 noon", None])
def test_a_sqlite_moment_of_another_day_or_none_leaves_the_hour_alone(tmp_path: Path, moment: object) -> None:
    with closing(open_source(f"sqlite:///{_sqlite_events(tmp_path, moment)}")) as source:
        assert _count(source) == 0


@pytest.mark.parametrize(
    ("declared", "value", "odd"),
    [
        ("timestamp", moment("2013-01-01 04:00"), "2013-01-01 05:00:00+02:00"),
        ("timestamp_local", datetime(2013, 1, 1, 4), "2013-01-01 04:59:60"),  # noqa: DTZ001
        ("time", time(4), "24:00:00"),
        ("date", date(2013, 1, 1), "2013-02-30"),
        ("decimal(12,2)", Decimal(4), "1_000"),
        ("uint64", 4, " 555555"),
    ],
)
def test_what_is_no_value_is_not_compared_either(tmp_path: Path, declared: str, value: Any, odd: str) -> None:
    file = _sqlite_events(tmp_path, "2013-01-01 00:30:00")
    with closing(sqlite3.connect(file)) as writer, writer:
        writer.execute("alter table events add column other text")
        writer.execute("update events set other = ?", [odd])
    table = a_table(a_column("other", declared))
    for filter_, order in [(Comparison("other", ">", value), ("id",)), (EVERY_ROW, ("other", "id"))]:
        asked = replace(table, order_by=order)
        rows = rows_of_hour(asked, table.columns[:1], an_hour(), check(filter_, table), None)
        with (
            closing(open_source(f"sqlite:///{file}")) as source,
            source.snapshot() as snapshot,
            pytest.raises(
                PermanentFailure, match=r"events\.other.* no value of the declared type"
            ) as failure,
        ):
            list(snapshot.batches(rows, arrow_schema(table.columns[:1])))
        assert odd.strip() not in "".join(traceback.format_exception(failure.value))


def test_an_index_on_sqlite_moments_is_used(tmp_path: Path) -> None:
    file = _sqlite_events(tmp_path, "2013-01-01 00:30:00")
    with closing(sqlite3.connect(file)) as writer, writer:
        writer.execute("create index by_time on events (seen)")
    statements: list[tuple[str, Any]] = []
    with closing(open_source(f"sqlite:///{file}")) as source, source.snapshot() as snapshot:
        connection: sa.Connection = vars(snapshot)["connection"]

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


def _sqlite_events(folder: Path, moment: object) -> Path:
    file = folder / "source.sqlite"
    with closing(sqlite3.connect(file)) as writer, writer:
        writer.execute("create table events (id integer, seen datetime)")
        writer.execute("insert into events values (1, ?)", [moment])
    return file


def _count(source: Any) -> int:
    table = a_table()
    with source.snapshot() as snapshot:
        return int(snapshot.count(rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)))
