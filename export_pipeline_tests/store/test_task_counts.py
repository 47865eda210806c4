"""How far a task is, in every constellation of ledger, failures and claims."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.exports.export import Export
from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.exports.task import ExportTask, TaskCounts, TaskStatus, progress_of, status_of
from export_pipeline.store.claims import claim, note_progress
from export_pipeline.store.database import reading, writing
from export_pipeline.store.ledger import write_entry, write_failure
from export_pipeline.store.schema import HOURS
from export_pipeline.store.task_counts import STAGES, counts_of
from export_pipeline_tests.builders import a_failure, a_ledger_entry, a_task, an_hour
from export_pipeline_tests.control_databases import stored_connector, stored_export

REQUESTED = a_task().requested_at
BEFORE = REQUESTED - timedelta(hours=1)
AFTER = REQUESTED + timedelta(hours=1)


@pytest.fixture
def export(control: sa.Engine) -> Export:
    return stored_export(control)


def of(export: Export, **changes: Any) -> ExportTask:
    """A task for the four hours from the second on."""
    asked = {"since": an_hour(1).start, "until": an_hour(5).start, "started_at": AFTER}
    return a_task(export_id=export.id, **asked | changes)


def delivered(control: sa.Engine, export: Export, *hours: int, **changes: Any) -> None:
    with writing(control) as connection:
        for hour in hours:
            write_entry(connection, a_ledger_entry(export_id=export.id, hour=an_hour(hour).start, **changes))


def failed(control: sa.Engine, export: Export, *hours: int, **changes: Any) -> None:
    with writing(control) as connection:
        for hour in hours:
            write_failure(connection, a_failure(export_id=export.id, hour=an_hour(hour).start, **changes))


def under_way(
    control: sa.Engine,
    export: Export,
    hour: int,
    stage: str,
    done: int,
    total: int,
    seconds_left: float = 60.0,
) -> None:
    now = datetime.now(UTC)
    with writing(control) as connection:
        start = an_hour(hour).start
        claim(
            connection, export.id, start, "run-1", now=now, expires_at=now + timedelta(seconds=seconds_left)
        )
        note_progress(connection, export.id, start, "run-1", stage=stage, done=done, total=total)


def counts(control: sa.Engine, task: ExportTask) -> TaskCounts:
    with reading(control) as connection:
        return counts_of(connection, task)


def test_nothing_done_yet(control: sa.Engine, export: Export) -> None:
    assert counts(control, of(export)) == TaskCounts(hours=4, delivered=0, failed=0)


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [(0, 60, 1), (30, 60, 1), (30, 61, 2), (30, 90, 2), (0, 120, 2), (59, 61, 2), (59, 121, 3)],
)
def test_hours_are_counted_whole_and_in_part(
    control: sa.Engine, export: Export, since: int, until: int, hours: int
) -> None:
    start = an_hour().start
    task = of(export, since=start + timedelta(minutes=since), until=start + timedelta(minutes=until))

    assert counts(control, task).hours == hours == len(task.windows(FileLayout.HOURLY))


def test_hours_outside_of_the_task_do_not_count(control: sa.Engine, export: Export) -> None:
    delivered(control, export, 0, 5)
    failed(control, export, 6, failed_at=AFTER)
    under_way(control, export, 7, "upload", 1, 1)

    assert counts(control, of(export)) == TaskCounts(hours=4, delivered=0, failed=0)


def test_the_clipped_first_and_last_hours_count(control: sa.Engine, export: Export) -> None:
    task = of(
        export, since=an_hour(1).start + timedelta(minutes=30), until=an_hour(4).start + timedelta(minutes=1)
    )
    delivered(control, export, 1, 4)

    assert counts(control, task) == TaskCounts(hours=4, delivered=2, failed=0)


def test_hours_of_another_export_do_not_count(control: sa.Engine, export: Export) -> None:
    other = stored_export(control, stored_connector(control, name="other"), slug="other")
    delivered(control, other, 1)
    failed(control, other, 2, failed_at=AFTER)
    under_way(control, other, 3, "upload", 1, 1)

    assert counts(control, of(export)) == TaskCounts(hours=4, delivered=0, failed=0)


def test_hours_delivered_before_the_request_count(control: sa.Engine, export: Export) -> None:
    delivered(control, export, 1, 2, proven_at=BEFORE)

    assert counts(control, of(export)).delivered == 2


def test_a_forced_task_counts_only_what_was_proven_since_its_request(
    control: sa.Engine, export: Export
) -> None:
    delivered(control, export, 1, 2, proven_at=BEFORE)
    delivered(control, export, 3, proven_at=AFTER)

    assert counts(control, of(export, force=True)).delivered == 1


def test_failures_from_before_the_request_do_not_count(control: sa.Engine, export: Export) -> None:
    failed(control, export, 1, failed_at=BEFORE)
    failed(control, export, 2, failed_at=AFTER)

    assert counts(control, of(export)).failed == 1


def test_an_hour_is_either_delivered_or_failed(control: sa.Engine, export: Export) -> None:
    # Another run tried to deliver the hour once more, and failed; it lies there all the same.
    delivered(control, export, 1)
    failed(control, export, 1, failed_at=AFTER)
    failed(control, export, 2, 3, failed_at=AFTER)

    found = counts(control, of(export))

    assert found == TaskCounts(hours=4, delivered=1, failed=2)
    assert status_of(of(export), found) is TaskStatus.STARTED


def test_a_forced_task_fails_on_an_hour_that_was_delivered_before(control: sa.Engine, export: Export) -> None:
    delivered(control, export, 1, 2, 3, 4, proven_at=BEFORE)
    failed(control, export, 1, 2, 3, 4, failed_at=AFTER)

    task = of(export, force=True)
    found = counts(control, task)

    assert found == TaskCounts(hours=4, delivered=0, failed=4)
    assert status_of(task, found) is TaskStatus.ERROR


@pytest.mark.parametrize(
    ("stage", "done", "total", "fraction"),
    [
        ("queued", 0, 0, 0.0),
        ("extract", 0, 10, 0.0),
        ("extract", 5, 10, 0.225),
        ("extract", 10, 10, 0.45),
        ("extract", 20, 10, 0.45),  # an estimate of the rows was too low
        ("extract", 5, 0, 0.0),
        ("format", 0, 10, 0.45),
        ("format", 10, 10, 0.8),
        ("upload", 5, 10, 0.9),
        ("upload", 10, 10, 1.0),
    ],
)
def test_an_hour_under_way_counts_in_part(
    control: sa.Engine, export: Export, stage: str, done: int, total: int, fraction: float
) -> None:
    under_way(control, export, 1, stage, done, total)

    assert counts(control, of(export)).under_way == pytest.approx(fraction)


def test_hours_under_way_add_up(control: sa.Engine, export: Export) -> None:
    delivered(control, export, 1)
    under_way(control, export, 2, "extract", 10, 10)
    under_way(control, export, 3, "upload", 0, 10)

    found = counts(control, of(export))

    assert found.under_way == pytest.approx(1.25)
    assert progress_of(found) == 56


def test_stages_follow_each_other_without_a_gap() -> None:
    assert list(STAGES) == ["queued", "extract", "format", "upload"]
    ends = [begin + share for begin, share in STAGES.values()]
    begins = [begin for begin, _ in STAGES.values()]

    assert begins == pytest.approx([0.0, *ends[:-1]])
    assert ends[-1] == pytest.approx(1.0)


def test_everything_delivered_is_finished(control: sa.Engine, export: Export) -> None:
    delivered(control, export, 1, 2, 3, 4)

    found = counts(control, of(export))

    assert status_of(of(export), found) is TaskStatus.FINISHED
    assert progress_of(found) == 100


def test_an_hour_whose_run_was_killed_is_not_under_way(control: sa.Engine, export: Export) -> None:
    under_way(control, export, 1, "format", 5, 10, seconds_left=-1)

    assert counts(control, of(export)).under_way == 0


@pytest.fixture
def single(control: sa.Engine) -> Export:
    """One whose file holds all hours of a task, named by the first."""
    return stored_export(control, slug="single", standing=False, layout="single")


def test_the_hours_of_a_range_are_delivered_together(control: sa.Engine, single: Export) -> None:
    assert counts(control, of(single)) == TaskCounts(hours=4, delivered=0, failed=0)
    delivered(control, single, 1, until=an_hour(5).start, hours=4)

    assert counts(control, of(single)) == TaskCounts(hours=4, delivered=4, failed=0)
    assert counts(control, of(single, force=True)).delivered == 4
    assert counts(control, of(single, force=True, requested_at=AFTER)).delivered == 0


def test_the_hours_of_a_range_fail_together(control: sa.Engine, single: Export) -> None:
    failed(control, single, 1, failed_at=AFTER)

    assert counts(control, of(single)) == TaskCounts(hours=4, delivered=0, failed=4)
    assert status_of(of(single), counts(control, of(single))) is TaskStatus.ERROR


def test_half_of_a_range_is_half_of_its_hours(control: sa.Engine, single: Export) -> None:
    under_way(control, single, 1, "upload", 50, 100)

    assert counts(control, of(single)).under_way == pytest.approx(0.9 * 4)
    assert progress_of(counts(control, of(single))) == 90


def test_another_range_that_begins_in_the_middle_is_none_of_the_tasks(
    control: sa.Engine, single: Export
) -> None:
    delivered(control, single, 2, until=an_hour(6).start, hours=4)
    failed(control, single, 3, failed_at=AFTER)
    under_way(control, single, 4, "upload", 1, 1)

    assert counts(control, of(single)) == TaskCounts(hours=4, delivered=0, failed=0)


def test_expired_hours_are_delivered_for_tasks_that_began_before_and_not_for_later_ones(
    control: sa.Engine, export: Export
) -> None:
    delivered(control, export, 1, 2, 3, 4)
    with writing(control) as connection:
        connection.execute(HOURS.update().values(expired_at=AFTER))

    assert counts(control, of(export, started_at=REQUESTED)).delivered == 4
    assert counts(control, of(export, started_at=None, requested_at=AFTER)).delivered == 0
    again = of(export, started_at=AFTER)  # asked for long before, and tried again since
    assert counts(control, again).delivered == 0
