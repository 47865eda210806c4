"""The four states of a task and its progress."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.exports.task import TaskCounts, TaskStatus, progress_of, status_of
from export_pipeline_tests.builders import FIRST_HOUR, a_task, moment

STARTED = {"started_at": moment("2013-01-02 00:31")}
FAILED = {"error": "run 1 failed"}


@pytest.mark.parametrize(
    ("changes", "delivered", "failed", "status"),
    [
        # nothing has happened
        ({}, 0, 0, TaskStatus.QUEUED),
        # hours that other runs delivered do not start a task, unless they were all there were
        ({}, 2, 0, TaskStatus.QUEUED),
        ({}, 3, 0, TaskStatus.FINISHED),
        # under way
        (STARTED, 0, 0, TaskStatus.STARTED),
        (STARTED, 2, 0, TaskStatus.STARTED),
        (STARTED, 3, 0, TaskStatus.FINISHED),
        # a failed hour ends the task only when no other is left to do
        (STARTED, 0, 1, TaskStatus.STARTED),
        (STARTED, 1, 1, TaskStatus.STARTED),
        (STARTED, 2, 1, TaskStatus.ERROR),
        (STARTED, 0, 3, TaskStatus.ERROR),
        # the run is over and hours are left
        (STARTED | FAILED, 0, 0, TaskStatus.ERROR),
        (STARTED | FAILED, 2, 0, TaskStatus.ERROR),
        (FAILED, 0, 0, TaskStatus.ERROR),
        # everything is there, whatever went wrong on the way
        (STARTED | FAILED, 3, 0, TaskStatus.FINISHED),
    ],
)
def test_status(changes: dict[str, Any], delivered: int, failed: int, status: TaskStatus) -> None:
    counts = TaskCounts(hours=3, delivered=delivered, failed=failed)

    assert status_of(a_task(**changes), counts) is status


@pytest.mark.parametrize(
    ("delivered", "under_way", "progress"),
    [
        (0, 0.0, 0),
        (0, 0.5, 16),
        (1, 0.0, 33),
        (1, 1.999, 99),
        (2, 1.0, 99),
        (2, 5.0, 99),
        (3, 0.0, 100),
    ],
)
def test_progress(delivered: int, under_way: float, progress: int) -> None:
    assert progress_of(TaskCounts(hours=3, delivered=delivered, failed=0, under_way=under_way)) == progress


@settings(deadline=None)
@given(hours=st.integers(1, 9000), data=st.data())
def test_progress_is_100_only_when_every_hour_is_delivered(hours: int, data: st.DataObject) -> None:
    delivered = data.draw(st.integers(0, hours))
    under_way = data.draw(st.floats(0, hours))

    progress = progress_of(TaskCounts(hours=hours, delivered=delivered, failed=0, under_way=under_way))

    assert 0 <= progress <= 100
    assert (progress == 100) == (delivered == hours)


def test_a_task_knows_its_hours_clipped_to_its_range() -> None:
    task = a_task(since=FIRST_HOUR + timedelta(minutes=30), until=FIRST_HOUR + timedelta(hours=2, minutes=15))

    first, second, third = task.windows(FileLayout.HOURLY)
    assert (first.start, first.since) == (FIRST_HOUR, task.since)
    assert second.whole
    assert (third.key, third.until) == ("2013-01-01-02:00", task.until)


def test_of_a_single_file_a_tasks_hours_are_one_range_told_at_its_first() -> None:
    task = a_task(since=FIRST_HOUR + timedelta(minutes=30), until=FIRST_HOUR + timedelta(hours=2, minutes=15))

    (whole,) = task.windows(FileLayout.SINGLE)
    assert (whole.since, whole.until, len(whole.hours)) == (task.since, task.until, 3)
    assert task.ledger_hours(FileLayout.SINGLE) == (FIRST_HOUR, FIRST_HOUR + timedelta(hours=1))
    assert task.ledger_hours(FileLayout.HOURLY) == (FIRST_HOUR, task.until)
