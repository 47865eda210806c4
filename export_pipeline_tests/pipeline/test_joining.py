"""The hours of a range in one file: the rows of hourly files one after the other, and each hour's count."""

import gzip
import json
import threading
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from export_pipeline.connectors.direct_download import DirectDownloadConfig
from export_pipeline.connectors.folder import FolderConfig
from export_pipeline.deployment import open_deployment
from export_pipeline.errors import PermanentFailure, TransientFailure
from export_pipeline.exports.export import Export
from export_pipeline.exports.plan import plan_of
from export_pipeline.extract.sources import open_source
from export_pipeline.formats.file_format import FileFormat, every_format
from export_pipeline.pipeline.chunk import Worker
from export_pipeline.pipeline.extracting import extract_hour
from export_pipeline.pipeline.hours import DeliveredHour, StagedHour
from export_pipeline.pipeline.joining import extract_range
from export_pipeline.pipeline.progress import Cancelled, Progress
from export_pipeline.pipeline.staging import read_rows
from export_pipeline.receipts.receipt import digest_of
from export_pipeline.receipts.verifying import verify
from export_pipeline.store.database import reading
from export_pipeline.store.ledger import failures_between
from export_pipeline.windows import ONE_HOUR, HourRange, HourWindow
from export_pipeline_tests.installations import FIRST, ROWS_PER_HOUR, Installation, hours
from export_pipeline_tests.runs import a_run, deliver, ledger

COLUMNS = "{'happened_at': 'VARCHAR', 'id': 'BIGINT', 'kind': 'VARCHAR', 'amount': 'VARCHAR'}"

READERS = {
    "csv": f"read_csv(PATH, header = true, auto_detect = false, columns = {COLUMNS})",
    "jsonl": f"read_json(PATH, format = 'newline_delimited', columns = {COLUMNS})",
    "json": f"read_json(PATH, format = 'array', columns = {COLUMNS})",
    "parquet": "read_parquet(PATH)",
}


def rows_in(path: Path, file_format: FileFormat) -> list[tuple[Any, ...]]:
    """The file's rows, in its order, as DuckDB reads them."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute("FROM " + READERS[file_format.type].replace("PATH", f"'{path}'")).fetchall()


def a_range(first: int, last: int) -> HourRange:
    """The hours `first` to `last` of the day, both included, as one."""
    return HourRange.between(FIRST + first * ONE_HOUR, FIRST + (last + 1) * ONE_HOUR)


def joined(installation: Installation, slug: str = "events", **changes: Any) -> Export:
    """An export of all events whose file holds all hours of a task."""
    return installation.export(slug, standing=False, layout="single", **changes)


def delivered(
    installation: Installation, export: Export, window: HourWindow, **changes: Any
) -> DeliveredHour:
    chunk = deliver(installation, export, [window], **changes)
    assert not chunk.failed, chunk.failed
    (hour,) = chunk.done
    return hour


def ids(installation: Installation, hour: DeliveredHour) -> list[int]:
    (file,) = hour.files
    return [row[1] for row in rows_in(installation.downloads / file.key, CSV)]


CSV = next(one for one in every_format() if one.type == "csv" and one.compression == "none")


@pytest.mark.parametrize("file_format", every_format(), ids=lambda one: f"{one.type}-{one.compression}")
def test_the_joined_file_holds_the_rows_of_the_hourly_files_in_their_order(
    installation: Installation, file_format: FileFormat
) -> None:
    chosen = file_format.model_dump()
    single, hourly = joined(installation, format=chosen), installation.export("hourly", format=chosen)

    whole = delivered(installation, single, a_range(0, 5))  # hour 3 has no rows
    parts = deliver(installation, hourly, hours(0, 5)).done

    (file,) = whole.files
    assert file.key == f"events/data.{file_format.extension}"
    expected = [
        row for hour in parts for row in rows_in(installation.downloads / hour.files[0].key, file_format)
    ]
    assert rows_in(installation.downloads / file.key, file_format) == expected
    assert len(expected) == file.rows == 5 * ROWS_PER_HOUR


def test_the_header_stands_once_at_the_top(installation: Installation) -> None:
    whole = delivered(installation, joined(installation), a_range(0, 5))
    lines = (installation.downloads / whole.files[0].key).read_bytes().splitlines()
    assert (lines[0], lines.count(lines[0])) == (b"happened_at,id,kind,amount", 1)


def test_the_receipt_closes_the_count_of_every_hour(installation: Installation) -> None:
    export = joined(installation)
    whole = delivered(installation, export, a_range(1, 4))

    receipt = whole.receipt
    counted = [(one.hour, one.rows_at_source, one.rows) for one in receipt.hours]
    assert counted == [
        (window.start, {"events": rows}, {"events": rows})
        for window, rows in zip(hours(1, 4), [ROWS_PER_HOUR, ROWS_PER_HOUR, 0, ROWS_PER_HOUR], strict=True)
    ]
    assert (receipt.hour, receipt.since, receipt.until) == (
        FIRST + ONE_HOUR,
        FIRST + ONE_HOUR,
        FIRST + 5 * ONE_HOUR,
    )
    assert receipt.tables[0].rows_at_source == receipt.files[0].rows == 3 * ROWS_PER_HOUR
    assert receipt.unreconciled == ()
    assert receipt.read_at == receipt.hours[0].read_at
    destination = installation.deployment.connector(export.connector_id).open()
    assert verify(destination, whole.receipt_key).ok


def test_the_ledger_has_one_entry_for_the_range(installation: Installation) -> None:
    export = joined(installation)
    whole = delivered(installation, export, a_range(2, 7))
    (entry,) = ledger(installation, export)
    assert (entry.hour, entry.since, entry.until, entry.hours) == (
        FIRST + 2 * ONE_HOUR,
        FIRST + 2 * ONE_HOUR,
        FIRST + 8 * ONE_HOUR,
        6,
    )
    assert (entry.rows, entry.receipt) == (5 * ROWS_PER_HOUR, whole.receipt_text)


def test_a_range_that_begins_and_ends_within_an_hour_holds_that_part(installation: Installation) -> None:
    since, until = FIRST + timedelta(minutes=30), FIRST + timedelta(hours=2, minutes=3)
    whole = delivered(installation, joined(installation), HourRange.between(since, until))
    assert ids(installation, whole) == [*range(10, 41)]
    assert [one.rows["events"] for one in whole.receipt.hours] == [10, 20, 1]


def test_a_range_without_rows_is_a_file_with_a_header_and_a_receipt_saying_zero(
    installation: Installation,
) -> None:
    whole = delivered(installation, joined(installation), a_range(3, 3))
    assert (installation.downloads / whole.files[0].key).read_bytes() == b"happened_at,id,kind,amount\r\n"
    assert (whole.receipt.rows, whole.receipt.hours[0].rows) == (0, {"events": 0})


def test_hour_variables_are_those_of_the_first_hour(installation: Installation) -> None:
    export = joined(installation, filename="$date-$hour-$table.$extension")
    assert delivered(installation, export, a_range(4, 9)).files[0].key == "events/2026-01-05-04-events.csv"


def test_nothing_is_left_of_what_was_staged(installation: Installation) -> None:
    delivered(installation, joined(installation), a_range(0, 5))
    assert not [path for path in (installation.folder / "staging").rglob("*") if path.is_file()]


def test_the_same_rows_again_are_the_same_revision_and_other_rows_the_next(
    installation: Installation,
) -> None:
    export = joined(installation, format={"type": "csv", "compression": "gzip"})
    first = delivered(installation, export, a_range(0, 5))
    path = installation.downloads / first.files[0].key
    before = path.read_bytes()
    assert deliver(installation, export, [a_range(0, 5)]).found == (a_range(0, 5),)

    path.unlink()
    again = delivered(installation, export, a_range(0, 5), proven_since=datetime.now(UTC))
    assert (again.changed, path.read_bytes()) == (False, before)

    installation.change_source("UPDATE events SET amount = 999 WHERE id = 25")
    other = delivered(installation, export, a_range(0, 5), proven_since=datetime.now(UTC))
    assert (other.receipt.revision, other.receipt.supersedes) == (2, digest_of(first.receipt_text.encode()))
    assert b"999.00" in gzip.decompress(path.read_bytes())


def test_rows_that_went_to_another_hour_are_told_though_the_file_is_the_same(
    installation: Installation,
) -> None:
    """Its bytes do not show it, as the time is not among its columns: the old counts would stand."""
    export = joined(installation, tables=[{"name": "events", "columns": ["id"]}])
    first = delivered(installation, export, a_range(0, 1))
    installation.change_source("UPDATE events SET happened_at = '2026-01-05 01:00:00Z' WHERE id = 19")
    second = delivered(installation, export, a_range(0, 1), proven_since=datetime.now(UTC))
    assert first.files[0].sha256 == second.files[0].sha256
    assert [one.rows["events"] for one in second.receipt.hours] == [19, 21]
    assert (second.receipt.revision, second.receipt.unreconciled) == (2, ())


def test_no_more_than_the_first_rows_are_taken_and_all_are_counted(installation: Installation) -> None:
    export = joined(installation, row_limit=50)
    whole = delivered(installation, export, a_range(0, 5))
    assert ids(installation, whole) == [*range(50)]
    assert [one.rows["events"] for one in whole.receipt.hours] == [20, 20, 10, 0, 0, 0]
    assert [one.rows_at_source["events"] for one in whole.receipt.hours] == [20, 20, 20, 0, 20, 20]
    assert (whole.receipt.row_limit, whole.receipt.rows, whole.receipt.unreconciled) == (50, 50, ())
    assert whole.receipt.tables[0].rows_at_source == 100
    destination = installation.deployment.connector(export.connector_id).open()
    assert verify(destination, whole.receipt_key).ok


@pytest.mark.parametrize(("row_limit", "rows"), [(20, 20), (40, 40), (1, 1), (1_000, 100)])
def test_a_row_limit_may_fall_anywhere(installation: Installation, row_limit: int, rows: int) -> None:
    whole = delivered(installation, joined(installation, row_limit=row_limit), a_range(0, 5))
    assert len(ids(installation, whole)) == whole.receipt.rows == rows
    assert whole.receipt.unreconciled == ()


def with_limit(installation: Installation, export: Export, row_limit: int) -> Any:
    """What the first stage comes to where the connector takes so many rows in a file."""
    small = DirectDownloadConfig(store=FolderConfig(path=installation.downloads), row_limit=row_limit)
    run = replace(a_run(installation, export), connector=small)
    source = open_source(installation.deployment.source_url)
    try:
        plans = plan_of(export.definition, installation.deployment.dataset)
        return run.extract(source, plans, [a_range(0, 5)])
    finally:
        source.close()


def test_more_rows_than_the_connector_takes_in_a_file_are_refused(installation: Installation) -> None:
    (failure,) = with_limit(installation, joined(installation), 99).failed
    assert failure.kind == "configure"
    assert failure.message == (
        "2026-01-05-00:00 to 2026-01-05-06:00: more rows in events than the 99 that this connector takes in a"
        " file: ask for a shorter range, narrow the filter, or use a connector to your own bucket"
    )


def test_as_many_rows_as_the_connector_takes_are_taken(installation: Installation) -> None:
    assert not with_limit(installation, joined(installation), 100).failed
    # One hour alone has more than that, and no more than the first are wanted.
    assert not with_limit(installation, joined(installation, "few", row_limit=10), 10).failed


def staged(
    installation: Installation,
    folder: Path,
    window: HourRange,
    progress: Progress,
    *,
    at_once: int = 1,
    waits: tuple[float, ...] = (),
    before: Any = lambda _hour: None,
) -> StagedHour:
    """The first stage alone; `before` hears of each hour before it is read."""
    export = joined(installation)
    stop = threading.Event()
    source = open_source(installation.deployment.source_url)
    plans = plan_of(export.definition, installation.deployment.dataset)
    worker = Worker(export.id, "run-1", at_once, stop, lambda *_: None, waits)

    def read(
        hour: HourWindow, below: Path, *, progress: Progress, wanted: Mapping[str, int] | None
    ) -> StagedHour:
        before(hour)
        return extract_hour(
            source, plans, hour, below, row_limit=None, progress=progress, stop=stop, wanted=wanted
        )

    try:
        return extract_range(
            window, folder, ["events"], read, worker, row_limit=None, first_rows=None, progress=progress
        )
    finally:
        source.close()


def unnoted(done: int, total: int) -> None:
    """Progress nobody looks at."""


def test_progress_is_told_of_the_range_as_a_whole(installation: Installation, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    staged(installation, tmp_path, a_range(0, 9), lambda done, total: told.append((done, total)))
    assert {total for _, total in told} == {1000}
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (1000, 1000)
    assert len({done for done, _ in told}) >= 10


def test_hours_that_are_read_at_once_are_staged_in_their_order(
    installation: Installation, tmp_path: Path
) -> None:
    found = staged(installation, tmp_path, a_range(0, 23), unnoted, at_once=8)
    rows = []
    for path in found.tables[0].paths:
        with read_rows(path) as (_, batches):
            rows += [row["id"] for batch in batches for row in batch.to_pylist()]
    assert rows == sorted(rows)
    assert len(rows) == found.tables[0].rows == 23 * ROWS_PER_HOUR


def test_a_table_that_changes_between_two_hours_fails_the_range_and_names_the_hour(
    installation: Installation, tmp_path: Path
) -> None:
    behind = tmp_path / "events.parquet"
    installation.change_source(f"COPY events TO '{behind}'")
    installation.change_source("DROP TABLE events")
    installation.change_source(f"CREATE VIEW events AS FROM '{behind}'")

    def lose_a_column(hour: HourWindow) -> None:
        if hour == hours(2, 2)[0]:
            table = pq.read_table(behind)
            pq.write_table(table.drop_columns("amount"), behind)

    with pytest.raises(PermanentFailure, match=r"^2026-01-05-02:00: .*amount"):
        staged(installation, tmp_path, a_range(0, 5), unnoted, before=lose_a_column)


def test_a_range_is_of_no_moment_if_one_of_its_hours_is_not(
    installation: Installation, tmp_path: Path
) -> None:
    plans = plan_of(joined(installation).definition, installation.deployment.dataset)
    stop = threading.Event()
    behind = tmp_path / "events.parquet"

    def read(
        hour: HourWindow, below: Path, *, progress: Progress, wanted: Mapping[str, int] | None
    ) -> StagedHour:
        if hour == hours(2, 2)[0]:
            installation.change_source(f"COPY events TO '{behind}'")
            installation.change_source("DROP TABLE events")
            installation.change_source(f"CREATE VIEW events AS FROM '{behind}'")
        with closing(open_source(installation.deployment.source_url)) as source:
            return extract_hour(
                source, plans, hour, below, row_limit=None, progress=progress, stop=stop, wanted=wanted
            )

    worker = Worker("events", "run-1", 1, stop, lambda *_: None, ())
    found = [
        extract_range(
            window, tmp_path, ["events"], read, worker, row_limit=None, first_rows=None, progress=unnoted
        ).snapshot
        for window in (a_range(0, 1), a_range(1, 3), a_range(3, 4))
    ]
    assert found == ["DuckDB transaction snapshot", "none", "none"]


def test_an_hour_is_tried_again_and_those_before_it_are_not(
    installation: Installation, tmp_path: Path
) -> None:
    tried: list[HourWindow] = []

    def fail_once(hour: HourWindow) -> None:
        tried.append(hour)
        if tried.count(hour) == 1 and hour == hours(2, 2)[0]:
            raise TransientFailure("the source did not answer")

    found = staged(installation, tmp_path, a_range(0, 3), unnoted, waits=(0.0,), before=fail_once)
    assert tried == [*hours(0, 2), *hours(2, 3)]
    assert found.tables[0].rows == 3 * ROWS_PER_HOUR


def test_no_hour_is_begun_after_one_that_failed(installation: Installation, tmp_path: Path) -> None:
    tried: list[HourWindow] = []

    def fail(hour: HourWindow) -> None:
        tried.append(hour)
        raise TransientFailure("the source did not answer")

    with pytest.raises(TransientFailure, match=r"^2026-01-05-00:00: the source did not answer"):
        staged(installation, tmp_path, a_range(0, 23), unnoted, before=fail)
    assert len(tried) <= 2


def test_a_range_is_left_between_two_hours_when_it_is_cancelled(
    installation: Installation, tmp_path: Path
) -> None:
    tried: list[HourWindow] = []

    def cancel(done: int, total: int) -> None:
        if done >= total // 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        staged(installation, tmp_path, a_range(0, 23), cancel, before=tried.append)
    assert len(tried) < 24


def test_a_range_that_failed_is_noted_at_its_first_hour_and_leaves_nothing_behind(
    installation: Installation,
) -> None:
    export = joined(installation)
    installation.change_source("ALTER TABLE events RENAME amount TO price")
    (failure,) = deliver(installation, export, [a_range(4, 9)]).failed
    assert (failure.hour, failure.stage, failure.kind) == (FIRST + 4 * ONE_HOUR, "extract", "configure")
    with reading(installation.deployment.control) as connection:
        assert failures_between(connection, export.id, FIRST, FIRST + 24 * ONE_HOUR) == [failure]
    assert not [path for path in (installation.folder / "staging").rglob("*") if path.is_file()]
    assert not [*installation.downloads.rglob("*.csv")]


def test_several_tables_are_a_file_each(installation: Installation) -> None:
    """Named after their tables: the same table twice would not do, so another one is declared."""
    installation.change_source("CREATE TABLE visits AS SELECT happened_at, id FROM events WHERE id % 2 = 0")
    declaration = installation.folder / "dataset.toml"
    declaration.write_text(
        declaration.read_text()
        + """
[tables.visits]
time_column = "happened_at"
order_by = ["happened_at", "id"]

[[tables.visits.columns]]
name = "happened_at"
type = "timestamp"
nullable = false

[[tables.visits.columns]]
name = "id"
type = "int64"
nullable = false
"""
    )
    deployment = open_deployment(
        installation.deployment.settings, {"EVENTS_URL": installation.variables["EVENTS_URL"]}
    )
    both = Installation(installation.folder, deployment)
    try:
        export = joined(both, tables=[{"name": "events"}, {"name": "visits"}], row_limit=30)
        whole = delivered(both, export, a_range(0, 5))
    finally:
        deployment.close()
    assert [file.key for file in whole.files] == ["events/events-data.csv", "events/visits-data.csv"]
    assert [one.rows for one in whole.receipt.hours] == [
        {"events": 20, "visits": 10},
        {"events": 10, "visits": 10},
        {"events": 0, "visits": 10},
        *[{"events": 0, "visits": 0}] * 3,
    ]
    assert whole.receipt.unreconciled == ()


def test_the_receipt_is_small_and_names_each_hour_once(installation: Installation) -> None:
    whole = delivered(installation, joined(installation), a_range(0, 23))
    listed = json.loads(whole.receipt_text)["payload"]["hours"]
    assert [one["hour"][11:13] for one in listed] == [f"{hour:02}" for hour in range(24)]
    assert len(json.dumps(listed)) < 24 * 200
