"""An export's coverage: what is delivered, what failed, and what waits."""

from datetime import UTC, datetime
from pathlib import Path

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.control.coverage import coverage_of
from export_pipeline.store.database import reading, writing
from export_pipeline.store.ledger import HourFailure, write_failure
from export_pipeline_tests.cli.deliveries import deliver, fail, move
from export_pipeline_tests.installations import ROWS_PER_HOUR, an_installation, hours


def test_delivered_and_failed_hours_are_told_apart(tmp_path: Path) -> None:
    with an_installation(tmp_path) as installation:
        export = installation.export()
        deliver(installation, export, hours(0, 1))
        fail(installation, export, hours(5, 6))
        with reading(installation.deployment.control) as connection:
            coverage = coverage_of(connection, export)

    assert (coverage.delivered.hours, coverage.delivered.rows) == (2, 2 * ROWS_PER_HOUR)
    assert [failure.hour for failure in coverage.failures] == [window.start for window in hours(5, 6)]


def test_an_hour_that_was_delivered_after_all_failed_no_more(tmp_path: Path) -> None:
    with an_installation(tmp_path) as installation:
        export = installation.export()
        fail(installation, export, hours(5, 5))
        deliver(installation, export, hours(5, 5))
        with reading(installation.deployment.control) as connection:
            coverage = coverage_of(connection, export)

    assert coverage.failures == ()


def test_a_failure_of_the_last_hour_there_is_counts(tmp_path: Path) -> None:
    with an_installation(tmp_path) as installation:
        export = installation.export(until=None)
        failure = HourFailure(
            export_id=export.id,
            hour=datetime(9999, 12, 31, 22, tzinfo=UTC),
            stage="extract",
            kind="retry",
            message="the source does not answer",
            run_id="a run",
            failed_at=datetime.now(UTC),
        )
        with writing(installation.deployment.control) as connection:
            write_failure(connection, failure)
        with reading(installation.deployment.control) as connection:
            coverage = coverage_of(connection, export)

    assert coverage.failures == (failure,)


def test_hours_that_wait_are_told_with_what_they_wait_for(tmp_path: Path) -> None:
    with an_installation(tmp_path) as installation:
        export = installation.export()
        move(installation, export, ConnectorState.STOPPED, "So be it.")
        deliver(installation, export, hours(2, 3))
        with reading(installation.deployment.control) as connection:
            coverage = coverage_of(connection, export)
        move(installation, export, ConnectorState.RUNNING, "It is back.")
        with reading(installation.deployment.control) as connection:
            back = coverage_of(connection, export)

    assert [wait.hour for wait in coverage.waiting] == [window.start for window in hours(2, 3)]
    assert coverage.waits_for == "connector 'direct_download', which is STOPPED: So be it."
    assert (back.waiting, back.waits_for) == (coverage.waiting, None)
