"""The three stages over hours of one export, on a real source and a real destination."""

import csv
import shutil
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from export_pipeline.connectors.direct_download import DirectDownloadConfig
from export_pipeline.connectors.folder import FolderConfig
from export_pipeline.errors import InvalidRequest, PermanentFailure
from export_pipeline.exports.plan import plan_of
from export_pipeline.extract.sources import open_source
from export_pipeline.pipeline.chunk import Chunk
from export_pipeline.pipeline.hours import DeliveredHour, StagedHour
from export_pipeline.pipeline.progress import Cancelled
from export_pipeline.pipeline.run import Run
from export_pipeline.receipts.receipt import digest_of, receipt_from
from export_pipeline.receipts.verifying import verify
from export_pipeline.store.claims import claims_between
from export_pipeline.store.database import reading, writing
from export_pipeline.store.ledger import failures_between
from export_pipeline.store.schema import HOURS as HOURS_TABLE
from export_pipeline.windows import ONE_HOUR, HourWindow, floor
from export_pipeline_tests.installations import FIRST, ROWS_PER_HOUR, Installation, hours
from export_pipeline_tests.runs import a_run, deliver, ledger


def file_of(installation: Installation, hour: int) -> Path:
    return installation.downloads / f"events/2026-01-05-{hour:02}-00.csv"


def rows_of(installation: Installation, hour: int) -> list[dict[str, str]]:
    with file_of(installation, hour).open(newline="") as file:
        return list(csv.DictReader(file))


def revisions(installation: Installation) -> list[tuple[datetime, int]]:
    with reading(installation.deployment.control) as connection:
        rows = connection.execute(sa.select(HOURS_TABLE.c.hour, HOURS_TABLE.c.revision))
        return sorted((row.hour, row.revision) for row in rows)


def test_every_row_arrives_in_the_file_of_its_hour(installation: Installation) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 5))
    for hour in (0, 1, 2, 4, 5):
        rows = rows_of(installation, hour)
        assert [int(row["id"]) for row in rows] == list(
            range(hour * ROWS_PER_HOUR, (hour + 1) * ROWS_PER_HOUR)
        )
        assert {row["happened_at"][:13] for row in rows} == {f"2026-01-05T{hour:02}"}


def test_an_hour_without_rows_is_a_file_with_a_header_and_a_receipt_saying_zero(
    installation: Installation,
) -> None:
    export = installation.export()
    (delivered,) = deliver(installation, export, hours(3, 3)).done
    assert file_of(installation, 3).read_bytes() == b"happened_at,id,kind,amount\r\n"
    assert delivered.receipt.rows == 0
    assert delivered.receipt.tables[0].rows_at_source == 0


def test_columns_and_filter_decide_what_arrives(installation: Installation) -> None:
    export = installation.export(
        tables=[{"name": "events", "columns": ["id", "kind"]}], filter="kind =@ '1' AND id < 100"
    )
    deliver(installation, export, hours(0, 4))
    found = [row for hour in range(5) for row in rows_of(installation, hour)]
    expected = [
        {"id": str(i), "kind": f"kind {i % 5}"}
        for i in range(100)
        if i // ROWS_PER_HOUR != 3 and i % 3 != 0 and i % 5 == 1
    ]
    assert found == expected


def test_the_receipt_verifies_at_the_destination(installation: Installation) -> None:
    export = installation.export()
    (delivered,) = deliver(installation, export, hours(2, 2)).done
    destination = installation.deployment.connector(export.connector_id).open()
    verification = verify(destination, delivered.receipt_key)
    assert verification.ok
    assert verification.receipt == delivered.receipt
    assert delivered.receipt.files[0].rows == delivered.receipt.tables[0].rows_at_source == ROWS_PER_HOUR


def test_delivered_hours_are_left_alone(installation: Installation) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 3))
    before = file_of(installation, 1).stat()
    chunk = deliver(installation, export, hours(0, 5))
    assert [hour.window for hour in chunk.done] == hours(4, 5)
    assert chunk.found == tuple(hours(0, 3))
    assert file_of(installation, 1).stat().st_mtime_ns == before.st_mtime_ns


def test_the_same_hour_twice_is_the_same_bytes_and_one_ledger_row(installation: Installation) -> None:
    export = installation.export(format={"type": "csv", "compression": "gzip"})
    (first,) = deliver(installation, export, hours(6, 6)).done
    path = installation.downloads / first.files[0].key
    before, receipt = path.read_bytes(), (installation.downloads / first.receipt_key).read_bytes()
    path.unlink()  # so that it really is written again
    (second,) = deliver(installation, export, hours(6, 6), proven_since=datetime.now(UTC)).done
    assert path.read_bytes() == before
    assert (installation.downloads / second.receipt_key).read_bytes() == receipt
    assert not second.changed
    assert revisions(installation) == [(hours(6, 6)[0].start, 1)]


def test_changed_rows_are_a_new_revision_that_names_the_one_before(installation: Installation) -> None:
    export = installation.export()
    (first,) = deliver(installation, export, hours(7, 7)).done
    installation.change_source("UPDATE events SET amount = 999 WHERE id = 145")
    (second,) = deliver(installation, export, hours(7, 7), proven_since=datetime.now(UTC)).done
    assert second.changed
    assert (second.receipt.revision, second.receipt.supersedes) == (2, digest_of(first.receipt.to_bytes()))
    assert [row["amount"] for row in rows_of(installation, 7) if row["id"] == "145"] == ["999.00"]
    assert revisions(installation) == [(first.window.start, 1), (first.window.start, 2)]


def test_the_receipt_in_the_ledger_is_the_one_at_the_destination(installation: Installation) -> None:
    export = installation.export()
    (delivered,) = deliver(installation, export, hours(8, 8)).done
    (entry,) = ledger(installation, export)
    assert (installation.downloads / entry.receipt_key).read_text() == entry.receipt
    assert receipt_from(entry.receipt.encode(), entry.receipt_key) == delivered.receipt


def test_a_failing_hour_does_not_stop_its_neighbours(installation: Installation) -> None:
    export = installation.export()
    file_of(installation, 2).parent.mkdir(parents=True)
    file_of(installation, 2).write_text("somebody else's")
    chunk = deliver(installation, export, hours(0, 5))
    assert [hour.window for hour in chunk.done] == hours(0, 1) + hours(3, 5)
    (failure,) = chunk.failed
    assert (failure.hour, failure.stage, failure.kind) == (hours(2, 2)[0].start, "upload", "configure")
    assert file_of(installation, 2).read_text() == "somebody else's"


def test_a_run_after_a_failure_does_only_what_is_missing(installation: Installation) -> None:
    export = installation.export()
    file_of(installation, 2).parent.mkdir(parents=True)
    file_of(installation, 2).write_text("somebody else's")
    deliver(installation, export, hours(0, 5))
    file_of(installation, 2).unlink()
    chunk = deliver(installation, export, hours(0, 5))
    assert [hour.window for hour in chunk.done] == hours(2, 2)
    assert len(ledger(installation, export)) == 6
    with reading(installation.deployment.control) as connection:
        assert not failures_between(connection, export.id, FIRST, FIRST + 6 * ONE_HOUR)


def test_more_rows_than_the_connector_takes_are_refused_before_any_is_read(
    installation: Installation,
) -> None:
    export = installation.export()
    run = a_run(installation, export)
    small = DirectDownloadConfig(store=FolderConfig(path=installation.downloads), row_limit=ROWS_PER_HOUR - 1)
    limited = type(run)(
        control=run.control,
        export=export,
        connector=small,
        staging=run.staging,
        lease=run.lease,
        hours_at_once=2,
        check=run.check,
    )
    deployment = installation.deployment
    source = open_source(deployment.source_url)
    chunk = limited.extract(source, plan_of(export.definition, deployment.dataset), hours(2, 3))
    source.close()
    assert [hour.window for hour in chunk.done] == hours(3, 3)  # the one without rows
    assert "20 rows in events; this connector takes 19" in chunk.failed[0].message
    assert chunk.failed[0].kind == "configure"


def test_two_runs_at_once_deliver_each_hour_once(installation: Installation) -> None:
    export = installation.export()
    together = threading.Barrier(2)

    def one_of_two(_: int) -> Chunk[DeliveredHour]:
        together.wait()
        return deliver(installation, export, hours(0, 7))

    with ThreadPoolExecutor(2) as pool:
        chunks = list(pool.map(one_of_two, range(2)))
    assert sum(len(chunk.done) for chunk in chunks) == 8
    assert [chunk.failed for chunk in chunks] == [(), ()]
    assert len(revisions(installation)) == 8


def test_an_hour_whose_rows_may_still_arrive_is_not_delivered(installation: Installation) -> None:
    """Delivered too early it would lack them for good: later runs find it in place."""
    now = datetime.now(UTC)
    start = floor(now) - 2 * ONE_HOUR
    export = installation.export(
        first_hour=start.isoformat(), until=(start + 2 * ONE_HOUR).isoformat(), minutes_to_settle=24 * 60
    )
    chunk = deliver(installation, export, [HourWindow(start)])
    assert not chunk.done
    assert chunk.failed[0].kind == "retry"
    assert "rows may still be arriving until" in chunk.failed[0].message


def test_a_connector_that_cannot_be_opened_fails_each_hour_with_its_reason(
    installation: Installation,
) -> None:
    export = installation.export()
    run = a_run(installation, export)
    refused = run.refuse("upload", hours(0, 1), PermanentFailure("the bucket is gone"))
    assert [(failure.kind, failure.message) for failure in refused.failed] == [
        ("configure", "the bucket is gone"),
        ("configure", "the bucket is gone"),
    ]
    with reading(installation.deployment.control) as connection:
        assert len(failures_between(connection, export.id, FIRST, FIRST + 2 * ONE_HOUR)) == 2


def test_without_a_connector_every_hour_fails_at_any_stage_with_the_reason(
    installation: Installation,
) -> None:
    export = installation.export()
    run = a_run(installation, export)
    without = replace(run, connector=InvalidRequest("LAKE_SECRET is not set"))
    deployment = installation.deployment
    source = open_source(deployment.source_url)
    plans = plan_of(export.definition, deployment.dataset)
    unread = without.extract(source, plans, hours(0, 1))
    unsent = without.deliver(run.format(run.extract(source, plans, hours(0, 1))), print)
    source.close()
    for chunk, stage in ((unread, "extract"), (unsent, "upload")):
        assert not chunk.done
        assert [(one.stage, one.kind, one.message) for one in chunk.failed] == [
            (stage, "configure", "LAKE_SECRET is not set")
        ] * 2


def test_a_cancelled_run_delivers_nothing_more_and_blames_no_hour(installation: Installation) -> None:
    export = installation.export()
    run = a_run(installation, export)
    run.stop.set()
    deployment = installation.deployment
    source = open_source(deployment.source_url)
    with pytest.raises(Cancelled):
        run.extract(source, plan_of(export.definition, deployment.dataset), hours(0, 1))
    source.close()
    with reading(deployment.control) as connection:
        assert not failures_between(connection, export.id, FIRST, FIRST + 2 * ONE_HOUR)


class Terminated(BaseException):
    """Like what Dagster raises in the main thread when a run is to end."""


def test_a_run_cancelled_in_the_middle_of_a_query_does_not_wait_for_its_rows(
    installation: Installation,
) -> None:
    export = installation.export()
    installation.change_source("ALTER TABLE events RENAME TO few")
    installation.change_source(
        "CREATE VIEW events AS SELECT few.* FROM few, range(1000000000), range(1000000000)"
    )
    run = a_run(installation, export)
    deployment = installation.deployment
    source = open_source(deployment.source_url)

    def terminate(_signal: int, _frame: object) -> None:
        raise Terminated

    def terminate_once_hours_are_read() -> None:
        while not any(thread.name == "waiting for the source" for thread in threading.enumerate()):
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, terminate)
    try:
        threading.Thread(target=terminate_once_hours_are_read).start()
        with pytest.raises(Terminated):
            run.extract(source, plan_of(export.definition, deployment.dataset), hours(0, 7))
    finally:
        signal.signal(signal.SIGUSR1, before)
        source.close()
    with reading(deployment.control) as connection:
        assert not failures_between(connection, export.id, FIRST, FIRST + 8 * ONE_HOUR)
    assert not ledger(installation, export)
    assert not [*installation.downloads.rglob("*.csv")]


class Reader:
    """The first stage of a run, and which hours it was asked for."""

    def __init__(self, installation: Installation, run: Run) -> None:
        self.asked: list[HourWindow] = []
        self._deployment = installation.deployment
        self._run = run

    def __call__(self, windows: Sequence[HourWindow]) -> Chunk[StagedHour]:
        self.asked += windows
        source = open_source(self._deployment.source_url)
        try:
            plans = plan_of(self._run.export.definition, self._deployment.dataset)
            return self._run.extract(source, plans, windows)
        finally:
            source.close()


def unheard(_hour: DeliveredHour) -> None:
    """Nobody wants to know."""


def test_a_stage_that_finds_its_files_does_not_ask_the_source_again(installation: Installation) -> None:
    run = a_run(installation, installation.export())
    read = Reader(installation, run)
    staged = read(hours(0, 3))
    delivered = run.deliver(run.format(staged, read), unheard, read)
    assert [hour.window for hour in delivered.done] == hours(0, 3)
    assert read.asked == hours(0, 3)


def test_hours_whose_staged_files_are_gone_are_read_again_and_no_others(installation: Installation) -> None:
    export = installation.export()
    run = a_run(installation, export)
    read = Reader(installation, run)
    staged = read(hours(0, 3))
    staged.done[2].tables[0].paths[0].unlink()
    formatted = run.format(staged, read)
    assert read.asked == [*hours(0, 3), *hours(2, 2)]
    assert not run.deliver(formatted, unheard, read).failed
    assert [entry.hour for entry in ledger(installation, export)] == [window.start for window in hours(0, 3)]
    assert len(rows_of(installation, 2)) == ROWS_PER_HOUR


def test_hours_whose_formatted_files_are_gone_are_read_and_formatted_again(
    installation: Installation,
) -> None:
    """As on another machine: nothing is left of what the run staged."""
    run = a_run(installation, installation.export())
    read = Reader(installation, run)
    formatted = run.format(read(hours(4, 6)), read)
    shutil.rmtree(installation.folder / "staging")
    delivered = run.deliver(formatted, unheard, read)
    assert sorted(hour.window for hour in delivered.done) == hours(4, 6)
    assert len(rows_of(installation, 5)) == ROWS_PER_HOUR


def test_hours_that_another_run_delivered_meanwhile_are_not_read_again(installation: Installation) -> None:
    """Their files are gone because they were removed once the hours were recorded."""
    export = installation.export()
    run, other = a_run(installation, export), a_run(installation, export)
    read = Reader(installation, run)
    formatted = run.format(read(hours(0, 1)), read)
    run.deliver(formatted, unheard, read)
    before = file_of(installation, 1).stat().st_mtime_ns
    again = other.deliver(formatted, unheard, Reader(installation, other))
    assert (again.done, again.found, again.failed) == ((), tuple(hours(0, 1)), ())
    assert file_of(installation, 1).stat().st_mtime_ns == before


def test_hours_that_cannot_be_read_again_fail_with_the_sources_reason(installation: Installation) -> None:
    run = a_run(installation, installation.export())
    staged = Reader(installation, run)(hours(0, 1))
    shutil.rmtree(installation.folder / "staging")
    gone = PermanentFailure("the source takes no connections")
    formatted = run.format(staged, lambda windows: run.refuse("extract", windows, gone))
    assert [(failure.stage, failure.message) for failure in formatted.failed] == [
        ("extract", "the source takes no connections")
    ] * 2


def test_an_hour_that_failed_leaves_no_files_behind(installation: Installation) -> None:
    """A year of hours for a bucket that refuses them must not fill the disk."""
    export = installation.export()
    file_of(installation, 2).parent.mkdir(parents=True)
    file_of(installation, 2).write_text("somebody else's")
    assert deliver(installation, export, hours(2, 3)).failed
    assert not [path for path in (installation.folder / "staging").rglob("*") if path.is_file()]


def test_an_hour_is_held_until_its_delivery_is_told(installation: Installation) -> None:
    """Another run that found it delivered, and free, would tell of it as well."""
    export = installation.export()
    run = a_run(installation, export)
    holders: list[list[str]] = []

    def told(hour: DeliveredHour) -> None:
        start = hour.window.start
        with reading(installation.deployment.control) as connection:
            claims = claims_between(connection, export.id, start, start + ONE_HOUR)
        holders.append([claim.owner for claim in claims])

    run.deliver(run.format(Reader(installation, run)(hours(0, 1))), told)
    assert holders == [[run.run_id], [run.run_id]]
    with reading(installation.deployment.control) as connection:
        assert not claims_between(connection, export.id, FIRST, FIRST + 2 * ONE_HOUR)


def test_an_hour_whose_replacement_failed_half_way_is_done_again_by_any_run(
    installation: Installation,
) -> None:
    export = installation.export()
    (first,) = deliver(installation, export, hours(1, 1)).done
    installation.change_source("UPDATE events SET amount = 999 WHERE id = 25")
    receipt = installation.downloads / first.receipt_key
    receipt.write_text("edited by hand")
    (failure,) = deliver(installation, export, hours(1, 1), proven_since=datetime.now(UTC)).failed
    assert "_receipts" in failure.message
    receipt.unlink()
    (again,) = deliver(installation, export, hours(1, 1)).done  # not forced
    assert (again.receipt.revision, rows_of(installation, 1)[5]["amount"]) == (2, "999.00")


def test_nothing_stays_behind_once_hours_are_delivered(installation: Installation) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 5))
    assert not [path for path in (installation.folder / "staging").rglob("*") if path.is_file()]
    with reading(installation.deployment.control) as connection:
        assert not claims_between(connection, export.id, FIRST, FIRST + 6 * ONE_HOUR)


@pytest.mark.parametrize("changed", [False, True])
def test_an_hour_whose_files_have_expired_is_delivered_by_any_run(
    installation: Installation, changed: bool
) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 1))
    file = installation.downloads / "events/2026-01-05-00-00.csv"
    with writing(installation.deployment.control) as connection:
        first = HOURS_TABLE.c.hour == FIRST
        connection.execute(HOURS_TABLE.update().where(first).values(expired_at=datetime.now(UTC)))
    file.unlink()
    if changed:
        installation.change_source("UPDATE events SET amount = 999 WHERE id = 5")

    delivered = deliver(installation, export, hours(0, 1))

    assert [hour.window for hour in delivered.done] == hours(0, 0)
    assert [(one.revision, one.expired_at) for one in ledger(installation, export)] == [
        (2 if changed else 1, None),
        (1, None),
    ]
    assert (b"999.00" in file.read_bytes()) == changed
