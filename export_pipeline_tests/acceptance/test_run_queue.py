"""The project's dagster.yaml: how many runs there are at once, and which of those that wait begins next."""

import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.config import ConcurrencyConfig, PoolGranularity  # as Dagster reads it
from dagster._core.run_coordinator.queued_run_coordinator import RunQueueConfig

from export_pipeline.control.tasks import create_task
from export_pipeline.orchestration.names import TASK_TAG, WAITS_TAG
from export_pipeline.store.claims import claim, release_all
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import find_export
from export_pipeline.windows import ONE_HOUR, floor
from export_pipeline_tests.acceptance.commands import dagster
from export_pipeline_tests.acceptance.conftest import ROOT, Services
from export_pipeline_tests.installations import FIRST, HOURS, hours

BACKFILL_TAG = "dagster/backfill"
SCHEDULE_TAG = "dagster/schedule_name"
SOMEBODY = "a run elsewhere"


@pytest.fixture
def concurrency(tmp_path: Path) -> ConcurrencyConfig:
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        return instance.get_concurrency_config()


@pytest.fixture
def queue(concurrency: ConcurrencyConfig) -> RunQueueConfig:
    assert concurrency.run_queue_config is not None
    return concurrency.run_queue_config


def test_the_pools_do_not_limit_what_the_number_of_runs_allows(
    concurrency: ConcurrencyConfig, queue: RunQueueConfig
) -> None:
    """Every run is in both pools, and counts there as one."""
    assert concurrency.pool_config.pool_granularity is PoolGranularity.RUN
    assert concurrency.pool_config.default_pool_limit is not None
    assert concurrency.pool_config.default_pool_limit >= queue.max_concurrent_runs


def test_backfills_tasks_and_what_waited_leave_places_to_scheduled_hours(queue: RunQueueConfig) -> None:
    limits = {one["key"]: one["limit"] for one in queue.tag_concurrency_limits}
    assert set(limits) == {BACKFILL_TAG, TASK_TAG, WAITS_TAG}
    assert sum(limits.values()) < queue.max_concurrent_runs


@pytest.fixture
def runs(services: Services) -> Iterator["Runs"]:
    with dg.DagsterInstance.from_config(services.environ["DAGSTER_HOME"]) as instance:
        yield Runs(instance)


class Runs:
    """The runs of Dagster's queue, by what asked for them."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance

    def of_schedule(self) -> list[dg.DagsterRun]:
        return [run for run in self._instance.get_runs() if SCHEDULE_TAG in run.tags]

    def at_work(self) -> Counter[str]:
        """How many have begun and not ended."""
        return self._count(dg.DagsterRunStatus.STARTED)

    def waiting(self) -> list[dg.DagsterRun]:
        return list(self._instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])))

    def taken_from_queue_at(self, run: dg.DagsterRun) -> float | None:
        """When Dagster took it from the queue, in seconds; None while it waits."""
        at: float | None = self._instance.get_run_stats(run.run_id).launch_time
        return at

    def _count(self, status: dg.DagsterRunStatus) -> Counter[str]:
        found = self._instance.get_runs(dg.RunsFilter(statuses=[status]))
        return Counter(
            "backfill" if BACKFILL_TAG in run.tags else "task" if TASK_TAG in run.tags else "other"
            for run in found
        )


@pytest.mark.slow
def test_a_scheduled_hour_begins_before_all_that_waited_longer(services: Services, runs: Runs) -> None:
    """Every place is taken by runs that wait for hours another run holds, and many more runs wait for a
    place. A schedule ticks, then the hours are let go: the scheduled run is the next to begin.
    """
    control = services.installation.deployment.control
    with reading(control) as connection:
        events = find_export(connection, "default", "events")
    now = datetime.now(UTC)
    with writing(control) as connection:
        for window in hours(0, HOURS - 1):
            claim(connection, events.id, window.start, SOMEBODY, now=now, expires_at=now + ONE_HOUR)
        for _ in range(4):
            create_task(
                connection, organization="default", export="events", since=FIRST, until=FIRST + ONE_HOUR
            )
    job = ("-w", str(services.running.workspace), "-j", "deliver__events")
    day = ("--from", hours(0, 0)[0].key, "--to", hours(HOURS - 1, HOURS - 1)[0].key)
    dagster("job", "backfill", *job, *day, "--noprompt", environ=services.environ)
    services.wait(
        lambda: runs.at_work() == {"backfill": 3, "task": 3}, "backfills and tasks have their share"
    )
    for _ in range(3):
        tags = f'{{"dagster/partition": "{hours(5, 5)[0].key}"}}'
        dagster("job", "launch", *job, "--tags", tags, environ=services.environ)
    services.wait(lambda: runs.at_work() == {"backfill": 3, "task": 3, "other": 2}, "every place is taken")

    tick = datetime.now(UTC) + timedelta(seconds=150)
    services.installation.export(
        "current",
        first_hour=(floor(tick) - 3 * ONE_HOUR).isoformat(),
        until=None,
        minutes_to_settle=tick.minute,
    )
    services.webserver.reload()
    services.wait(lambda: bool(runs.of_schedule()), "the schedule has ticked")
    (scheduled,) = runs.of_schedule()
    waited_longer = [run for run in runs.waiting() if run.run_id != scheduled.run_id]
    assert len(waited_longer) == HOURS - 3 + 1 + 1
    with writing(control) as connection:
        release_all(connection, SOMEBODY)
    services.wait(lambda: runs.taken_from_queue_at(scheduled) is not None, "the scheduled run has begun")
    services.wait(lambda: len(runs.waiting()) < len(waited_longer), "others have begun")
    begun = runs.taken_from_queue_at(scheduled)
    assert begun is not None
    others = [at for run in waited_longer if (at := runs.taken_from_queue_at(run)) is not None]
    assert others
    assert begun < min(others)
