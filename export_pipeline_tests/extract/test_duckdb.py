"""What is particular to DuckDB files."""

import dataclasses
import shutil
import subprocess
import sys
import traceback
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from export_pipeline.dataset.reflection import check_against
from export_pipeline.dataset.tables import Dataset
from export_pipeline.errors import PermanentFailure, TransientFailure
from export_pipeline.extract.query import rows_of_hour
from export_pipeline.extract.schema import arrow_schema
from export_pipeline.extract.sources import open_source
from export_pipeline.filters.text import filter_from
from export_pipeline.filters.tree import EVERY_ROW, Comparison
from export_pipeline_tests.builders import a_column, an_hour, moment
from export_pipeline_tests.extract.test_every_reader import a_table, read

OPEN = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "source.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create type mood as enum ('good', 'bad')")
        connection.execute("create table raw (id bigint, seen timestamptz, word text, mood mood)")
        connection.execute("insert into raw values (1, '2013-01-01 00:30:00+00', 'top secret', 'bad')")
        connection.execute("create view events as select id, seen, word::int as word, mood from raw")
    return path


def of_another_mood(file: Path) -> Path:
    """A file to put in its place, with the same rows in a good mood."""
    new = file.with_suffix(".new")
    shutil.copy(file, new)
    with duckdb.connect(str(new)) as connection:
        connection.execute("update raw set mood = 'good'")
    return new


def test_an_enum_arrives_as_text(file: Path) -> None:
    with closing(open_source(f"duckdb:///{file}")) as source, source.snapshot() as snapshot:
        assert read(snapshot, a_table(a_column("mood"))).column("mood").to_pylist() == ["bad"]


@pytest.mark.parametrize("name", ["qualify", "pivot", "summarize", "show", "lambda", "Mixed Case"])
def test_a_table_may_be_called_like_a_word_of_duckdb(tmp_path: Path, name: str) -> None:
    path = tmp_path / "source.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f'create table "{name}" (id bigint, seen timestamptz, "{name}" text)')
        connection.execute(f"insert into \"{name}\" values (1, '2013-01-01 00:30:00+00', 'here')")
    table = dataclasses.replace(a_table(a_column(name)), relation=name)
    with closing(open_source(f"duckdb:///{path}")) as source, source.snapshot() as snapshot:
        assert read(snapshot, table).column(name).to_pylist() == ["here"]


@pytest.mark.parametrize(
    ("value", "declared"),
    [
        ("time with time zone '05:00:00+02'", "time"),
        ("'10101'::bit", "bytes"),
        ("340282366920938463463374607431768211455::uhugeint", "decimal(38,0)"),
        ("170141183460469231731687303715884105727::hugeint", "decimal(38,0)"),
    ],
    ids=["a zone", "bits", "beyond 127 bits", "39 digits"],
)
def test_what_arrow_would_change_is_refused(file: Path, value: str, declared: str) -> None:
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"create or replace view events as select id, seen, {value} as it from raw")
    with (
        closing(open_source(f"duckdb:///{file}")) as source,
        source.snapshot() as snapshot,
        pytest.raises(PermanentFailure, match=r"events\.it is declared"),
    ):
        read(snapshot, a_table(a_column("it", declared)))


def test_what_a_view_stumbles_over_is_not_shown(file: Path) -> None:
    with closing(open_source(f"duckdb:///{file}")) as source, source.snapshot() as snapshot:
        with pytest.raises(PermanentFailure, match="could not answer") as failure:
            read(snapshot, a_table(a_column("word", "int32")))
        assert "secret" not in "".join(traceback.format_exception(failure.value))


def test_a_file_open_for_writing_elsewhere_is_worth_a_retry(file: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OPEN, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"open\n"
        with (
            pytest.raises(TransientFailure, match="open for writing"),
            open_source(f"duckdb:///{file}").snapshot(),
        ):
            pass
        writer.communicate()


def test_nobody_can_write_while_the_source_is_open(file: Path) -> None:
    with closing(open_source(f"duckdb:///{file}")) as source, source.snapshot():
        done = subprocess.run(
            [sys.executable, "-c", OPEN, file], stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    assert b"Could not set lock" in done.stderr


def test_several_sources_read_one_file_at_once(file: Path) -> None:
    """Whoever is the first to end, the others read on."""
    table = a_table(a_column("mood"))
    one, another, third = (open_source(f"duckdb:///{file}") for _ in range(3))
    with closing(another), another.snapshot() as snapshot:
        with closing(one), one.snapshot() as first:
            assert read(first, table).column("mood").to_pylist() == ["bad"]
        with closing(third), third.snapshot() as last:
            assert read(snapshot, table).column("mood").to_pylist() == ["bad"]
            assert read(last, table).column("mood").to_pylist() == ["bad"]
        assert read(snapshot, table).column("mood").to_pylist() == ["bad"]


def test_a_file_is_described_while_it_is_read(file: Path) -> None:
    dataset = Dataset(url_variable="EVENTS_URL", tables={"events": a_table(a_column("mood"))})
    with closing(open_source(f"duckdb:///{file}")) as source, source.snapshot():
        problems = check_against(dataset, f"duckdb:///{file}")
    assert not [problem for problem in problems if problem.severity == "error"]


def test_what_sources_of_one_file_may_use_adds_up(file: Path) -> None:
    with (
        closing(open_source(f"duckdb:///{file}")) as source,
        closing(open_source(f"duckdb:///{file}")) as other,
        source.snapshot() as snapshot,
        other.snapshot(),
    ):
        cursor: duckdb.DuckDBPyConnection = vars(snapshot)["_cursor"]
        ((limit,),) = cursor.execute("select current_setting('memory_limit')").fetchall()
    assert limit == "286.1 MiB"


def test_a_file_that_somebody_else_opened_in_this_process_is_told_as_what_it_is(file: Path) -> None:
    with (
        duckdb.connect(str(file), read_only=True),
        pytest.raises(
            TransientFailure, match=r"open in this process otherwise than for exports.*close it there"
        ),
        open_source(f"duckdb:///{file}").snapshot(),
    ):
        pass


def test_a_file_that_was_replaced_is_read_by_the_next_snapshot(file: Path) -> None:
    """While the old one is read, those who come from elsewhere are told to try again."""
    table = a_table(a_column("mood"))
    new = of_another_mood(file)
    with closing(open_source(f"duckdb:///{file}")) as source:
        with source.snapshot() as before:
            new.rename(file)
            assert read(before, table).column("mood").to_pylist() == ["bad"]
            with (
                pytest.raises(TransientFailure, match=r"was replaced while it is read here.*try again"),
                open_source(f"duckdb:///{file}").snapshot(),
            ):
                pass
        with source.snapshot() as after:
            assert read(after, table).column("mood").to_pylist() == ["good"]


def test_nothing_begins_on_a_file_that_was_written_over_until_nobody_reads_it(file: Path) -> None:
    """Or one would always read it, and no hour were ever well."""
    table = a_table(a_column("mood"))
    new = of_another_mood(file)
    with closing(open_source(f"duckdb:///{file}")) as source:

        def read_while_others_begin() -> None:
            with source.snapshot():
                shutil.copyfile(new, file)
                with pytest.raises(TransientFailure, match="was written over"), source.snapshot():
                    pytest.fail("it began")

        with pytest.raises(TransientFailure, match="was written over"):
            read_while_others_begin()
        with source.snapshot() as after:
            assert read(after, table).column("mood").to_pylist() == ["good"]


@pytest.mark.parametrize("faulty", [False, True], ids=["rows", "an error"])
def test_what_was_read_of_a_file_that_was_written_over_does_not_count(file: Path, faulty: bool) -> None:
    """It may be partly of the old file and partly of the new one, and what is wrong with it is nobody's."""
    table = a_table(a_column("mood"))
    new = of_another_mood(file)
    with closing(open_source(f"duckdb:///{file}")) as source:

        def read_while_it_is_written_over() -> None:
            with source.snapshot() as before:
                shutil.copyfile(new, file)
                with pytest.raises(TransientFailure), open_source(f"duckdb:///{file}").snapshot():
                    pass
                if faulty:
                    raise PermanentFailure("a value is none")
                read(before, table)

        with pytest.raises(TransientFailure, match=r"was written over while it is read here; try again"):
            read_while_it_is_written_over()
        with source.snapshot() as after:
            assert read(after, table).column("mood").to_pylist() == ["good"]


def test_nothing_can_be_written_through_a_snapshot(file: Path) -> None:
    with closing(open_source(f"duckdb:///{file}")) as source, source.snapshot() as snapshot:
        cursor: duckdb.DuckDBPyConnection = vars(snapshot)["_cursor"]
        with pytest.raises(duckdb.InvalidInputException, match="read-only mode"):
            cursor.execute("insert into raw values (2, '2013-01-01 00:30:00+00', '', 'good')")


def test_a_file_that_is_none_of_duckdb_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.duckdb"
    other.write_bytes(b"x" * 20_000)
    with (
        pytest.raises(PermanentFailure, match="no DuckDB file"),
        open_source(f"duckdb:///{other}").snapshot(),
    ):
        pass


def test_moments_in_nanoseconds_say_the_hour_and_can_be_filtered_by(tmp_path: Path) -> None:
    file = tmp_path / "source.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table events (id bigint, seen timestamp_ns, other timestamp_ns)")
        for number, text in enumerate(
            ["2012-12-31 23:59:59.999999999", "2013-01-01 00:30", "2013-01-01 01:00"]
        ):
            connection.execute("insert into events values (?, ?, '2013-01-01')", [number, text])
    table = a_table(a_column("other", "timestamp"), order_by=("seen", "id"))
    for filter_, found in [(EVERY_ROW, [1]), (Comparison("other", ">", moment("2013-01-01 00:00")), [])]:
        with closing(open_source(f"duckdb:///{file}")) as source, source.snapshot() as snapshot:
            assert read(snapshot, table, filter_=filter_).column("id").to_pylist() == found


def wide(tmp_path: Path, rows: int, kilobytes: int) -> Path:
    file = tmp_path / "source.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "create table events as select (i * 7919) % $rows as id,"
            " timestamptz '2013-01-01 00:30:00+00' as seen, 'word' as word,"
            " repeat(chr((97 + i % 26)::integer), 1000 * $kilobytes) || i as body from range($rows) t(i)",
            {"rows": rows, "kilobytes": kilobytes},
        )
    return file


def test_wide_rows_in_the_order_of_one_column_are_all_there(tmp_path: Path) -> None:
    file, table = wide(tmp_path, 1_500, 20), a_table(a_column("body"), order_by=("id",))
    with closing(open_source(f"duckdb:///{file}")) as source, source.snapshot() as snapshot:
        assert read(snapshot, table).column("id").to_pylist() == [*range(1_500)]


def test_what_is_wide_and_only_orders_has_the_memory_that_it_takes(tmp_path: Path) -> None:
    file = wide(tmp_path, 300, 1_000)
    table = a_table(a_column("word"), a_column("body"), order_by=("body", "id"))
    with closing(open_source(f"duckdb:///{file}")) as source, source.snapshot() as snapshot:
        schema = arrow_schema(table.columns[:1])
        rows = rows_of_hour(table, table.columns[:1], an_hour(), EVERY_ROW, None)
        assert sum(batch.num_rows for batch in snapshot.batches(rows, schema)) == 300


def test_files_behind_a_view_are_read_once_and_are_in_no_snapshot(tmp_path: Path) -> None:
    """They may be others a moment later: of two readings rows would be lost, and others come twice."""
    file, outside = tmp_path / "source.duckdb", tmp_path / "events.parquet"

    def write(first: int) -> None:
        new = tmp_path / "new.parquet"
        duckdb.execute(
            "copy (select $first + i as id, timestamptz '2013-01-01 00:30:00+00' as seen,"
            " repeat('x', 20000) as body from range(15000) t(i)) to $new (format parquet)",
            {"first": first, "new": str(new)},
        )
        new.replace(outside)

    write(0)
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"create view events as select * from '{outside}'")
    table = a_table(a_column("body"))
    schema = arrow_schema(table.columns)
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
    with closing(open_source(f"duckdb:///{file}")) as source, source.snapshot() as snapshot:
        assert snapshot.count(rows) == 15_000
        assert snapshot.mechanism == "none"
        batches = snapshot.batches(rows, schema)
        ids = next(batches).column("id").to_pylist()
        write(7_000)
        for batch in batches:
            ids += batch.column("id").to_pylist()
    assert ids == [*range(15_000)]


@pytest.mark.parametrize(
    "view",
    [
        "select * from raw using sample reservoir(1500 rows)",
        "select uuid() as id, * exclude (id) from raw limit 1500",
    ],
)
def test_rows_that_are_drawn_by_lot_are_read_once(tmp_path: Path, view: str) -> None:
    """Each slice would draw others: rows would be lost, and others come twice."""
    file = wide(tmp_path, 3_000, 20)
    with duckdb.connect(str(file)) as connection:
        connection.execute("alter table events rename to raw")
        connection.execute(f"create view events as {view}")
    table = a_table(a_column("body"), order_by=("id",))
    rows = rows_of_hour(table, table.columns[2:], an_hour(), EVERY_ROW, None)
    with closing(open_source(f"duckdb:///{file}")) as source, source.snapshot() as snapshot:
        batches = snapshot.batches(rows, arrow_schema(table.columns[2:]))
        bodies = [body for batch in batches for body in batch.column("body").to_pylist()]
        assert len(bodies) == len(set(bodies)) == snapshot.count(rows) == 1_500


@pytest.mark.parametrize(
    "value", ["(select max(id) from '{outside}')", "(select min(p.id) from '{outside}' p where p.id >= t.id)"]
)
def test_a_file_is_outside_even_if_no_chosen_column_or_row_is_of_it(tmp_path: Path, value: str) -> None:
    file, outside = tmp_path / "source.duckdb", tmp_path / "events.parquet"
    duckdb.execute(f"copy (select i as id from range(5) t(i)) to '{outside}' (format parquet)")
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table inner_events as select i as id from range(5) t(i)")
        connection.execute(
            "create view events as select id, timestamptz '2013-01-01 00:30:00+00' as seen,"
            f" {value.format(outside=outside)} as other from inner_events t"
        )
    table = a_table(a_column("other", "int64"))
    rows = rows_of_hour(table, table.columns[:2], an_hour(), filter_from("other > 2", table), None)
    with closing(open_source(f"duckdb:///{file}")) as source, source.snapshot() as snapshot:
        snapshot.count(rows)
        assert snapshot.mechanism == "none"


@pytest.mark.parametrize(
    ("type_", "declared"), [("hugeint", "decimal(38,0)"), ("decimal(38,0)", "decimal(12,2)")]
)
def test_a_number_beyond_its_declared_type_is_named_where_it_is_only_compared(
    tmp_path: Path, type_: str, declared: str
) -> None:
    file = tmp_path / "source.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"create table events (id bigint, seen timestamptz, amount {type_})")
        connection.execute(
            "insert into events values (1, '2013-01-01 00:30:00+00', repeat('9', 38)::hugeint)"
        )
        if type_ == "hugeint":
            connection.execute("update events set amount = amount + 1")
    table = a_table(a_column("amount", declared))
    rows = rows_of_hour(table, table.columns[:1], an_hour(), filter_from("amount == 7", table), None)
    with (
        closing(open_source(f"duckdb:///{file}")) as source,
        source.snapshot() as snapshot,
        pytest.raises(PermanentFailure, match=r"^events\.amount, by which rows are chosen"),
    ):
        snapshot.count(rows)
