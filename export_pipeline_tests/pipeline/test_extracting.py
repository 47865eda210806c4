"""An hour's rows into staging: in one snapshot, counted before and after, never more than are wanted."""

import errno
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from export_pipeline.dataset.tables import Table
from export_pipeline.dataset.types import Kind
from export_pipeline.errors import PermanentFailure, TransientFailure
from export_pipeline.exports.plan import TablePlan, plan_of
from export_pipeline.extract.sources import open_source
from export_pipeline.filters.named import NamedFilters
from export_pipeline.filters.tree import EVERY_ROW
from export_pipeline.pipeline.extracting import extract_hour
from export_pipeline.pipeline.hours import StagedHour, undeclared_columns
from export_pipeline.pipeline.progress import Cancelled, Progress
from export_pipeline.pipeline.staging import read_rows
from export_pipeline_tests.builders import a_column, a_dataset, a_definition, an_hour, moment
from export_pipeline_tests.extract.engines import ENGINES
from export_pipeline_tests.installations import ROWS_PER_HOUR, Installation, hours


@dataclass
class Snapshot:
    """It counts as it is told to, whatever it holds."""

    counts: dict[str, int]
    batch_sizes: dict[str, tuple[int, ...]]
    read: list[str] = field(default_factory=list)

    mechanism = "none"

    def found(self, rows: sa.Select[Any]) -> None:
        """It cannot say what columns it has."""

    def count(self, rows: sa.Select[Any]) -> int:
        return self.counts[_table(rows)]

    def batches(self, rows: sa.Select[Any], schema: pa.Schema) -> Generator[pa.RecordBatch, None, None]:
        self.read.append(_table(rows))
        for size in self.batch_sizes[_table(rows)]:
            columns = [
                pa.nulls(size, column.type) if column.nullable else pa.array([0] * size).cast(column.type)
                for column in schema
            ]
            yield pa.record_batch(columns, schema=schema)


@dataclass
class Source:
    """A source whose rows change while they are read."""

    holds: Snapshot
    open: int = 0
    opened: int = 0
    stop: threading.Event | None = None
    told_of: tuple[str, ...] = ()

    @contextmanager
    def snapshot(
        self, stop: threading.Event | None = None, selects: Sequence[sa.Select[Any]] = ()
    ) -> Iterator[Snapshot]:
        self.stop = stop
        self.told_of = tuple(map(_table, selects))
        self.open += 1
        self.opened += 1
        try:
            yield self.holds
        finally:
            self.open -= 1

    def close(self) -> None:
        """There is nothing to let go of."""


def _table(rows: sa.Select[Any]) -> str:
    (table,) = rows.get_final_froms()
    assert isinstance(table, sa.TableClause)
    return str(table.name)


def a_source(flights: int = 5, weather: int = 4, flights_in: tuple[int, ...] = (3, 2)) -> Source:
    """A source that counts so many rows, and then gives the flights in batches of these sizes."""
    return Source(
        Snapshot({"flights": flights, "weather": weather}, {"flights": flights_in, "weather": (4,)})
    )


def plans(*tables: str, filter_: str = "") -> tuple[TablePlan, ...]:
    definition = a_definition(tables=[{"name": table} for table in tables], filter=filter_)
    return plan_of(definition, a_dataset(), NamedFilters({"HUBS": "ORIGIN IN ['JFK', 'LGA']"}))


def unnoted(done: int, total: int) -> None:
    """Progress nobody looks at."""


def extract(
    source: Source,
    folder: Path,
    *tables: str,
    row_limit: int | None = None,
    filter_: str = "",
    progress: Progress = unnoted,
    stop: threading.Event | None = None,
) -> StagedHour:
    return extract_hour(
        source,
        plans(*(tables or ("flights", "weather")), filter_=filter_),
        an_hour(),
        folder,
        row_limit=row_limit,
        progress=progress,
        stop=stop or threading.Event(),
    )


def test_every_table_is_staged_with_its_rows(tmp_path: Path) -> None:
    staged = extract(a_source(), tmp_path)
    assert [(table.table.name, table.rows) for table in staged.tables] == [("flights", 5), ("weather", 4)]
    for table in staged.tables:
        with read_rows(table.paths[0]) as (_schema, batches):
            assert sum(batch.num_rows for batch in batches) == table.rows


def test_all_tables_are_read_in_one_snapshot_which_is_closed(tmp_path: Path) -> None:
    source = a_source()
    extract(source, tmp_path)
    assert (source.opened, source.open) == (1, 0)


def test_more_rows_than_the_connector_takes_are_refused_before_any_is_read(tmp_path: Path) -> None:
    source = a_source(flights=5, weather=1_001)
    with pytest.raises(PermanentFailure, match=r"1,001 rows in weather; this connector takes 1,000 a file"):
        extract(source, tmp_path, row_limit=1_000)
    assert source.holds.read == []
    assert [*tmp_path.iterdir()] == []


def test_as_many_rows_as_the_connector_takes_are_taken(tmp_path: Path) -> None:
    assert extract(a_source(), tmp_path, row_limit=5).tables[0].rows == 5


@pytest.mark.parametrize("sizes", [(3,), (3, 3), ()], ids=["too few", "too many", "none"])
def test_other_rows_than_were_counted_may_be_right_at_the_next_try(
    tmp_path: Path, sizes: tuple[int, ...]
) -> None:
    with pytest.raises(TransientFailure, match="flights was counted at 5 rows, then"):
        extract(a_source(flights=5, flights_in=sizes), tmp_path)


def test_a_failure_closes_the_snapshot(tmp_path: Path) -> None:
    source = a_source(flights=6)
    with pytest.raises(TransientFailure):
        extract(source, tmp_path)
    assert source.open == 0


def test_progress_goes_on_from_table_to_table(tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    extract(a_source(), tmp_path, progress=lambda *said: heard.append(said))
    assert heard == [(3, 9), (5, 9), (9, 9)]


def test_a_run_that_is_cancelled_stops_at_the_next_batch_and_closes_the_snapshot(tmp_path: Path) -> None:
    def cancel(done: int, total: int) -> None:  # noqa: ARG001 -- as a stage calls it
        raise Cancelled

    source = a_source()
    with pytest.raises(Cancelled):
        extract(source, tmp_path, "flights", progress=cancel)
    assert source.open == 0


def test_the_source_is_told_what_stops_the_run(tmp_path: Path) -> None:
    source, stop = a_source(), threading.Event()
    extract(source, tmp_path, stop=stop)
    assert source.stop is stop


def test_the_source_is_told_beforehand_of_all_that_will_be_read(tmp_path: Path) -> None:
    source = a_source()
    extract(source, tmp_path)
    assert source.told_of == ("flights", "weather")


def test_what_was_asked_of_a_table_is_written_down_for_the_receipt(tmp_path: Path) -> None:
    (table,) = extract(a_source(), tmp_path, "flights", filter_='origin == "JFK"').tables
    assert (table.table.filter, table.table.rows_at_source) == ("origin == 'JFK'", 5)
    described = [(column.name, column.type, column.nullable) for column in table.table.columns]
    assert described[:3] == [
        ("id", "int64", False),
        ("time_hour", "timestamp", False),
        ("carrier", "string", True),
    ]


ONLY_IDS = [{"name": "events", "columns": ["id"]}]


def read_from(installation: Installation, folder: Path, **changes: Any) -> StagedHour:
    deployment = installation.deployment
    chosen = plan_of(installation.export(**changes).definition, deployment.dataset)
    source = open_source(deployment.source_url)
    folder.mkdir()
    try:
        return extract_hour(
            source,
            chosen,
            hours(7, 7)[0],
            folder,
            row_limit=None,
            progress=unnoted,
            stop=threading.Event(),
        )
    finally:
        source.close()


def test_a_table_that_lost_a_column_since_is_refused_with_both_shapes(
    installation: Installation, tmp_path: Path
) -> None:
    installation.change_source("alter table events rename amount to price")
    with pytest.raises(PermanentFailure, match=r"declared is amount decimal\(12,2\); .* has no amount;"):
        read_from(installation, tmp_path / "staged")
    assert [*(tmp_path / "staged").iterdir()] == []


def test_a_column_that_only_the_filter_reads_is_looked_at_too(
    installation: Installation, tmp_path: Path
) -> None:
    installation.change_source("alter table events alter amount type varchar")
    with pytest.raises(PermanentFailure, match=r"declared is amount decimal\(12,2\); .* has amount VARCHAR;"):
        read_from(installation, tmp_path / "staged", tables=ONLY_IDS, filter="amount > 1")


def test_a_lost_column_that_the_export_does_not_read_is_no_matter(
    installation: Installation, tmp_path: Path
) -> None:
    installation.change_source("alter table events drop amount")
    assert read_from(installation, tmp_path / "staged", tables=ONLY_IDS).tables[0].rows == ROWS_PER_HOUR


def test_a_column_that_came_since_is_told_of_and_not_exported(
    installation: Installation, tmp_path: Path
) -> None:
    installation.change_source("alter table events add extra varchar default 'x'")
    staged = read_from(installation, tmp_path / "staged")
    assert undeclared_columns([staged, staged]) == ("events.extra",)
    with read_rows(staged.tables[0].paths[0]) as (schema, _):
        assert "extra" not in schema.names


def test_the_receipt_says_what_was_applied_to_which_table_and_what_names_stood_for(tmp_path: Path) -> None:
    staged = extract(a_source(), tmp_path, filter_="$HUBS and temp > 30")
    assert [table.table.filter for table in staged.tables] == [
        "",
        "origin IN ['JFK', 'LGA'] AND temp > 30.0",
    ]


def test_of_a_real_source_an_hour_is_exactly_its_rows(installation: Installation, tmp_path: Path) -> None:
    deployment = installation.deployment
    chosen = plan_of(installation.export().definition, deployment.dataset)
    (window,) = hours(7, 7)
    source = open_source(deployment.source_url)
    staged = extract_hour(
        source, chosen, window, tmp_path, row_limit=None, progress=unnoted, stop=threading.Event()
    )
    source.close()
    with read_rows(staged.tables[0].paths[0]) as (_schema, batches):
        ids = [row["id"] for batch in batches for row in batch.to_pylist()]
    assert ids == [*range(7 * ROWS_PER_HOUR, 8 * ROWS_PER_HOUR)]
    assert (staged.window, staged.snapshot) == (window, "DuckDB transaction snapshot")


@pytest.mark.parametrize("kind", ENGINES)
def test_staging_that_fails_ends_the_reading_at_once(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A full disk, say. PostgreSQL's driver would wait for itself, whose COPY is still open."""
    failed: list[BaseException] = []

    def full(done: int, total: int) -> None:  # noqa: ARG001 -- as a stage calls it
        raise OSError(errno.ENOSPC, "no space left")

    with ENGINES[kind].opened(request, tmp_path) as engine, engine.source() as source:
        engine.load(
            {"id": engine.types[Kind.INT64], "seen": engine.types[Kind.TIMESTAMP]},
            [(number, moment("2013-01-01 00:30")) for number in range(2)],
        )
        table = Table(
            name="events",
            relation="events",
            columns=(a_column("id", "int64"), a_column("seen", "timestamp")),
            time_column="seen",
            order_by=("id",),
        )
        plan = TablePlan(table=table, columns=table.columns, filter=EVERY_ROW, tenant=None)

        def extract_it() -> None:
            try:
                extract_hour(
                    source,
                    [plan],
                    an_hour(),
                    tmp_path,
                    row_limit=None,
                    progress=full,
                    stop=threading.Event(),
                )
            except OSError as error:
                failed.append(error)

        thread = threading.Thread(target=extract_it, daemon=True)
        thread.start()
        thread.join(60)
        assert not thread.is_alive()
        assert [type(error) for error in failed] == [OSError]
