"""What every reader does, on every engine."""

import math
import re
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from export_pipeline.dataset.reflection import check_against
from export_pipeline.dataset.tables import Column, Dataset, Table
from export_pipeline.dataset.types import Kind
from export_pipeline.errors import PermanentFailure, TransientFailure
from export_pipeline.extract.query import relation_of, rows_of_hour
from export_pipeline.extract.schema import arrow_schema
from export_pipeline.extract.shapes import check_shape, undeclared
from export_pipeline.extract.source import Snapshot
from export_pipeline.filters.checking import OPERATORS, check
from export_pipeline.filters.tree import EVERY_ROW, Comparison, Filter, OneOf
from export_pipeline.windows import HourWindow
from export_pipeline_tests.builders import a_column, an_hour, moment
from export_pipeline_tests.extract.engines import ENGINES, Engine, EngineKind, Native, Refused

SEEN = moment("2013-01-01 00:30")
TEXTS = [
    "",
    " ",
    " both ends ",
    '"',
    '"quoted", and "again"',
    "it's",
    "back\\slash\\",
    "\\N",
    "\\.",
    "NULL",
    "comma, semicolon; tab\t",
    "carriage\rreturn",
    "line\nfeed\r\n",
    "nul\0inside",
    "\x01\x1f\x1f\x7f\x85\u2028\ufeff\x1f",
    "\x1f",
    "emoji 😀 and 👩‍👩‍👧",
    "שלום עולם",
    "e\u0301 and é",
    "%s %(name)s :name $1 ?",
    "long " * 20_000,
]
VALUES: Mapping[Kind, Sequence[Any]] = {
    Kind.BOOLEAN: [True, False],
    Kind.INT16: [7, -(2**15), 2**15 - 1],
    Kind.INT32: [7, -(2**31), 2**31 - 1],
    Kind.INT64: [7, -(2**63), 2**63 - 1],
    Kind.UINT64: [7, 0, 2**64 - 1],
    Kind.FLOAT32: [
        1.5,
        0.10000000149011612,
        16777215.0,
        245503392.0,  # or 245503400, or 2.4550339e+08: all are nearest to it
        -(2.0**127),
        math.inf,
        -math.inf,
        math.nan,
    ],
    Kind.FLOAT64: [0.1, -0.0, 1 / 3, 5e-324, -1.7976931348623157e308, math.inf, -math.inf, math.nan],
    Kind.DECIMAL: [
        Decimal("12.5"),
        Decimal("-0.0000000001"),
        Decimal("0"),
        Decimal("9999999999999999999999999999.9999999999"),
        Decimal("-9999999999999999999999999999.9999999999"),
    ],
    Kind.STRING: TEXTS,
    Kind.BYTES: [b"", b"ab", bytes(range(256)), b"\0\0\0", b'"\r\n,'],
    Kind.DATE: [date(2013, 1, 1), date(1, 1, 1), date(1969, 12, 31), date(2263, 1, 1), date(9999, 12, 31)],
    Kind.TIME: [time(5, 30), time(0), time(23, 59, 59, 999_999)],
    Kind.TIMESTAMP: [
        SEEN,
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2300, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
    Kind.TIMESTAMP_LOCAL: [
        datetime(2013, 1, 1),  # noqa: DTZ001  # a wall clock's readings have no zone
        datetime(1, 1, 1),  # noqa: DTZ001
        datetime(1900, 1, 1, 1, 1, 1, 1),  # noqa: DTZ001
        datetime(2300, 1, 1),  # noqa: DTZ001
        datetime(9999, 12, 31, 23, 59, 59, 999_999),  # noqa: DTZ001
    ],
    Kind.INTERVAL: ["PT0S", "P1D", "P1Y2M-3DT4H5M6.5S", "P-1Y-2M", "PT-4H-30M-0.000001S", "P30D", "P1M"],
    Kind.UUID: ["01234567-89ab-cdef-0123-456789abcdef", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
    Kind.JSON: [
        '{"a": 1, "b": [1.50, null, "\\"\\u00e9😀"]}',
        "[1, 2]",
        "null",
        '"text"',
        "12345678901234567890",
    ],
}
DECLARED = {kind: "decimal(38,10)" if kind is Kind.DECIMAL else kind.value for kind in Kind}
KEYS = (a_column("id", "int64", nullable=False), a_column("seen", "timestamp", nullable=False))


def a_table(*columns: Column, **changes: Any) -> Table:
    complete: dict[str, Any] = {"time_column": "seen", "order_by": ("id",)} | changes
    return Table(name="events", relation="events", columns=KEYS + columns, **complete)


def load(engine: Engine, rows: Sequence[tuple[Any, ...]], **columns: str) -> None:
    keys = {"id": engine.types[Kind.INT64], "seen": engine.types[Kind.TIMESTAMP]}
    engine.load(keys | columns, rows)


def read(
    snapshot: Snapshot,
    table: Table,
    window: HourWindow | None = None,
    tenant: str | None = None,
    filter_: Filter = EVERY_ROW,
) -> pa.Table:
    rows = rows_of_hour(table, table.columns, window or an_hour(), filter_, tenant)
    schema = arrow_schema(table.columns)
    got = pa.Table.from_batches(snapshot.batches(rows, schema), schema)
    assert snapshot.count(rows) == got.num_rows
    return got


def rows_read(engine: Engine, table: Table, **options: Any) -> list[dict[str, Any]]:
    with engine.source() as source, source.snapshot() as snapshot:
        return read(snapshot, table, **options).to_pylist()


@pytest.mark.parametrize("kind", Kind)
def test_a_value_of_every_kind_arrives_equal_and_with_the_declared_schema(engine: Engine, kind: Kind) -> None:
    values = [*filter(engine.kind.holds, VALUES[kind]), None]
    load(engine, [(n, SEEN, value) for n, value in enumerate(values)], value=engine.types[kind])
    table = a_table(a_column("value", DECLARED[kind]))
    with engine.source() as source, source.snapshot() as snapshot:
        got = read(snapshot, table)
    assert got.schema.equals(arrow_schema(table.columns), check_metadata=True)
    assert list(map(_shown, got.column("value").to_pylist())) == list(map(_shown, values))


@pytest.mark.parametrize("text", ["\ufeff", "\ufeff and more", '\ufeff"', ""])
def test_a_text_arrives_equal_where_it_is_the_first_of_all(engine: Engine, text: str) -> None:
    """A parser may hold the first character that it is given for a mark of the encoding."""
    load(engine, [(1, SEEN, text), (2, SEEN, "x")], word=engine.types[Kind.STRING])
    table = a_table(a_column("word"))
    chosen = table.select(["word"])
    rows = rows_of_hour(table, chosen, an_hour(), EVERY_ROW, None)
    with engine.source() as source, source.snapshot() as snapshot:
        (batch,) = snapshot.batches(rows, arrow_schema(chosen))
    assert batch.column(0).to_pylist() == [text, "x"]


OWN_TYPES = [
    pytest.param(kind, native, id=f"{kind.name}: {native}")
    for kind in ENGINES.values()
    for native in kind.natives
]


@pytest.mark.parametrize(("kind", "native"), OWN_TYPES)
def test_what_a_type_of_an_engines_own_becomes(
    kind: EngineKind, native: Native, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    table = a_table(a_column("value", native.declared))
    with kind.opened(request, tmp_path) as engine:
        for statement in native.before:
            engine.run(statement, [])
        load(engine, [], value=native.type)
        engine.run(f"insert into events values (1, '2013-01-01 00:30:00', {native.value})", [])
        if isinstance(native.arrives, Refused):
            with pytest.raises(PermanentFailure, match="(?i)" + re.escape(native.arrives.says)) as failure:
                rows_read(engine, table)
            assert "events" in str(failure.value) or "refused" in str(failure.value)
        else:
            (row,) = rows_read(engine, table)
            assert _shown(row["value"]) == _shown(native.arrives)


@pytest.mark.parametrize("kind", Kind)
def test_a_column_that_is_read_is_right_in_the_eyes_of_the_check_as_well(engine: Engine, kind: Kind) -> None:
    load(engine, [], value=engine.types[kind])
    table = a_table(a_column("value", DECLARED[kind]))
    problems = check_against(Dataset(url_variable="EVENTS_URL", tables={table.name: table}), engine.url)
    assert [problem.message for problem in problems if problem.path.endswith("columns[2].type")] == []


def test_bounds_are_half_open_to_the_microsecond(engine: Engine) -> None:
    hour, tick = an_hour(), timedelta(microseconds=1)
    moments = [hour.since - tick, hour.since, hour.since + tick, hour.until - tick, hour.until]
    load(engine, list(enumerate(moments)))
    assert [row["id"] for row in rows_read(engine, a_table())] == [1, 2, 3]


def test_a_clipped_hour_has_only_its_part(engine: Engine) -> None:
    hour = an_hour()
    clipped = HourWindow(hour.start, hour.start + timedelta(minutes=30), hour.start + timedelta(minutes=31))
    load(engine, [(n, hour.start + timedelta(minutes=n)) for n in range(60)])
    assert [row["id"] for row in rows_read(engine, a_table(), window=clipped)] == [30]


@pytest.mark.parametrize("ignoring_case", [False, True])
def test_the_order_is_that_of_code_points_with_nulls_last_however_rows_came(
    engine: Engine, ignoring_case: bool
) -> None:
    texts = ["b", None, "a", "B", "é", "Z", "😀", ""]
    type_ = engine.kind.ignoring_case if ignoring_case else "text"
    load(engine, [(n, SEEN, text) for n, text in enumerate(texts)], word=type_)
    got = rows_read(engine, a_table(a_column("word"), order_by=("word", "id")))
    assert [row["word"] for row in got] == ["", "B", "Z", "a", "b", "é", "😀", None]


def test_the_order_is_that_of_whole_texts(engine: Engine) -> None:
    texts = ["x" * length + end for length in (1_100, 60_000) for end in "dbacfe"]
    load(engine, [(n, SEEN, text) for n, text in enumerate(texts)], word=engine.types[Kind.STRING])
    got = rows_read(engine, a_table(a_column("word"), order_by=("word",)))
    assert [row["word"] for row in got] == sorted(texts)


@pytest.mark.parametrize("kind", [kind for kind in Kind if "==" in OPERATORS[kind]])
def test_a_value_is_found_by_the_filter_that_names_it(engine: Engine, kind: Kind) -> None:
    values = [value for value in filter(engine.kind.holds, VALUES[kind]) if value == value]  # not NaN
    load(engine, [(n, SEEN, value) for n, value in enumerate([*values, None])], value=engine.types[kind])
    table = a_table(a_column("value", DECLARED[kind]))
    for value in values:
        if isinstance(value, float) and math.isinf(value):  # which no filter can name
            continue
        found = rows_read(engine, table, filter_=check(Comparison("value", "==", value), table))
        assert list(map(_shown, (row["value"] for row in found))) == [_shown(value)]


@pytest.mark.parametrize("kind", [Kind.DECIMAL, Kind.UINT64])
def test_numbers_are_compared_and_ordered_as_numbers_however_they_are_kept(
    engine: Engine, kind: Kind
) -> None:
    numbers = [100, 9, 10, 0, 2**64 - 1, 12345678901234567]
    made = Decimal if kind is Kind.DECIMAL else int
    load(engine, [(n, SEEN, made(number)) for n, number in enumerate(numbers)], value=engine.types[kind])
    table = a_table(a_column("value", DECLARED[kind]), order_by=("value", "id"))
    filters: Mapping[Filter, Callable[[int], bool]] = {
        Comparison("value", ">", 9): lambda n: n > 9,
        Comparison("value", "<=", 10): lambda n: n <= 10,
        Comparison("value", "!=", 100): lambda n: n != 100,
        OneOf("value", (9, 12345678901234567)): lambda n: n in (9, 12345678901234567),
    }
    for filter_, holds in filters.items():
        found = [row["value"] for row in rows_read(engine, table, filter_=check(filter_, table))]
        assert found == sorted(filter(holds, numbers)), filter_


def test_a_tenant_gets_its_own_rows_and_not_those_of_one_spelled_alike(engine: Engine) -> None:
    rows = [(1, SEEN, "acme"), (2, SEEN, "ACME"), (3, SEEN, None)]
    load(engine, rows, owner=engine.kind.ignoring_case)
    table = a_table(a_column("owner"), tenant_column="owner")
    assert [row["id"] for row in rows_read(engine, table, tenant="acme")] == [1]


@pytest.mark.parametrize("tenant", ["ABCDEF00-0000-0000-0000-00000000000F", "abcdef00" + "0" * 23 + "f"])
def test_a_tenant_is_a_uuid_however_it_is_written(engine: Engine, tenant: str) -> None:
    owner = "abcdef00-0000-0000-0000-00000000000f"
    load(engine, [(1, SEEN, owner), (2, SEEN, owner[:-1] + "e")], owner=engine.types[Kind.UUID])
    table = a_table(a_column("owner", "uuid"), tenant_column="owner")
    assert [row["id"] for row in rows_read(engine, table, tenant=tenant)] == [1]


def test_a_shared_table_is_not_read_without_a_tenant() -> None:
    table = a_table(a_column("owner"), tenant_column="owner")
    with pytest.raises(PermanentFailure, match="tenant"):
        rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)


def test_a_value_that_does_not_fit_is_refused_by_name_and_never_shown(engine: Engine) -> None:
    load(engine, [(1, SEEN, "top secret")], word="text")
    with pytest.raises(PermanentFailure, match=r"events.*word.* int64") as failure:
        rows_read(engine, a_table(a_column("word", "int64")))
    assert "secret" not in _logged(failure.value)


def test_null_in_a_column_declared_without_is_refused(engine: Engine) -> None:
    load(engine, [(1, SEEN, None)], word="text")
    with pytest.raises(PermanentFailure, match=r"events\.word .* NULLs"):
        rows_read(engine, a_table(a_column("word", nullable=False)))


def test_a_missing_column_is_named(engine: Engine) -> None:
    load(engine, [])
    with pytest.raises(PermanentFailure, match="elsewhere"):
        rows_read(engine, a_table(a_column("elsewhere")))


def test_a_missing_table_is_named(engine: Engine) -> None:
    with pytest.raises(PermanentFailure, match="events"):
        rows_read(engine, a_table())


def altered(table: Table, engine: Engine) -> PermanentFailure:
    """What extraction says of the table when it comes to its hour."""
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
    declared = {column.name: column.type for column in table.columns}
    with engine.source() as source, source.snapshot() as snapshot:
        found = snapshot.found(rows)
        assert found is not None
        with pytest.raises(PermanentFailure) as failure:
            check_shape(relation_of(rows), declared, found)
    return failure.value


@pytest.mark.parametrize("view", [False, True])
def test_a_column_that_disappeared_is_told_with_both_shapes(engine: Engine, view: bool) -> None:
    load(engine, [], word=engine.types[Kind.STRING], fare=engine.types[Kind.DECIMAL])
    table = a_table(a_column("word"), a_column("fare", "decimal(38,10)"))
    if view:
        engine.run("alter table events rename to raw", [])
        engine.run("create view events as select id, seen, word from raw", [])
    else:
        engine.run("alter table events drop column fare", [])
    assert "declared is fare decimal(38,10); the database has no fare;" in str(altered(table, engine))


def test_a_column_of_another_type_is_told_with_both_shapes(engine: Engine) -> None:
    load(engine, [], word=engine.types[Kind.BYTES])
    message = str(altered(a_table(a_column("word")), engine)).lower()
    assert f"declared is word string; the database has word {engine.types[Kind.BYTES]};" in message


def test_a_column_that_came_is_told_of_and_not_read(engine: Engine) -> None:
    load(engine, [(1, SEEN)])
    engine.run(f"alter table events add column extra {engine.types[Kind.STRING]}", [])
    table = a_table()
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
    with engine.source() as source, source.snapshot() as snapshot:
        found = snapshot.found(rows)
        assert found is not None
        assert undeclared(table, found) == ("extra",)
        assert read(snapshot, table).column_names == ["id", "seen"]


def test_what_cannot_be_looked_at_is_left_to_the_query(engine: Engine) -> None:
    table = a_table()
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
    with engine.source() as source, source.snapshot() as snapshot:
        assert snapshot.found(rows) is None


def test_the_receipt_is_told_what_makes_the_snapshot(engine: Engine) -> None:
    with engine.source() as source, source.snapshot() as snapshot:
        assert snapshot.mechanism == engine.kind.mechanism


def test_eight_threads_read_at_once(engine: Engine) -> None:
    load(engine, [(n, SEEN) for n in range(100)])
    together, counts = threading.Barrier(8), []
    with engine.source() as source:

        def work() -> None:
            with source.snapshot() as snapshot:
                together.wait(30)
                counts.append(read(snapshot, a_table()).num_rows)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert counts == [100] * 8


def test_a_reader_abandoned_halfway_leaves_the_source_usable(engine: Engine) -> None:
    load(engine, [(n, SEEN) for n in range(50)])
    table = a_table()
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
    with engine.source() as source:
        with suppress(ZeroDivisionError), source.snapshot() as snapshot:
            for _ in snapshot.batches(rows, arrow_schema(table.columns)):
                raise ZeroDivisionError
        with source.snapshot() as snapshot:
            assert read(snapshot, table).num_rows == 50


def test_closing_twice_is_harmless(engine: Engine) -> None:
    load(engine, [])
    with engine.source() as source:
        with source.snapshot():
            pass
        source.close()


def counted(snapshot: Snapshot) -> None:
    snapshot.count(rows_of_hour(a_table(), KEYS, an_hour(), EVERY_ROW, None))


def selected(snapshot: Snapshot) -> None:
    list(snapshot.batches(rows_of_hour(a_table(), KEYS, an_hour(), EVERY_ROW, None), arrow_schema(KEYS)))


class StoppedMeanwhile(threading.Event):
    """Once set it is so for every thread but the one that waits, which is always in the middle of that."""

    def __init__(self) -> None:
        super().__init__()
        self._waits = threading.current_thread()

    def is_set(self) -> bool:
        return super().is_set() and threading.current_thread() is not self._waits


@pytest.mark.parametrize("ask", [counted, selected])
def test_a_run_that_is_stopped_interrupts_the_query_it_waits_for(
    engine: Engine, ask: Callable[[Snapshot], None]
) -> None:
    engine.load_endless()
    stop = StoppedMeanwhile()
    with engine.source() as source, source.snapshot(stop) as snapshot:
        stop.set()
        with pytest.raises(TransientFailure, match="events: the run is being stopped"):
            ask(snapshot)


@pytest.mark.parametrize("ask", [counted, selected])
def test_a_query_that_takes_too_long_is_interrupted_and_its_relation_named(
    engine: Engine, ask: Callable[[Snapshot], None]
) -> None:
    engine.load_endless()
    with (
        engine.source(timedelta(seconds=0.5)) as source,
        source.snapshot() as snapshot,
        pytest.raises(TransientFailure, match=r"events: the source gave no answer .* index .*_SECONDS"),
    ):
        ask(snapshot)


def test_whoever_fails_while_rows_come_is_let_go_at_once(engine: Engine) -> None:
    """Staging on a full disk, say. PostgreSQL's driver waits for itself where its COPY is still open."""
    load(engine, [(n, SEEN) for n in range(3)])
    table, failed = a_table(), threading.Event()
    rows, schema = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None), arrow_schema(table.columns)

    def fail() -> None:
        with (
            suppress(ZeroDivisionError),
            engine.source() as source,
            source.snapshot() as snapshot,
            closing(snapshot.batches(rows, schema)) as batches,
        ):
            assert next(batches).num_rows > 0
            raise ZeroDivisionError
        failed.set()

    threading.Thread(target=fail, daemon=True).start()
    assert failed.wait(60)
    assert len(rows_read(engine, table)) == 3


def test_once_stopped_a_source_is_not_asked_again(engine: Engine) -> None:
    load(engine, [(1, SEEN)])
    stop = threading.Event()
    with engine.source() as source:
        with source.snapshot(stop) as snapshot:
            counted(snapshot)
            stop.set()
            with pytest.raises(TransientFailure, match="stopped"):
                counted(snapshot)
        with source.snapshot() as snapshot:
            counted(snapshot)


def test_after_an_interrupted_query_the_source_answers_others(engine: Engine) -> None:
    engine.load_endless()
    engine.run(f"create table few (id integer, seen {engine.types[Kind.TIMESTAMP]})", [])
    few = rows_of_hour(replace(a_table(), relation="few"), KEYS, an_hour(), EVERY_ROW, None)
    with engine.source(timedelta(seconds=0.5)) as source:
        for _ in range(3):
            with suppress(TransientFailure), source.snapshot() as snapshot:
                counted(snapshot)
            with source.snapshot() as snapshot:
                assert snapshot.count(few) == 0


def _shown(value: Any) -> str:
    """A text that is the same for equal values, NaN too, and different for different types."""
    if isinstance(value, Decimal):
        return f"decimal {value.normalize(Context(prec=50)):f}"
    if isinstance(value, datetime):
        return f"datetime {value.isoformat()}"
    return repr(value)


def _logged(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
