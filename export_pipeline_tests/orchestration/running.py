"""Runs of our definitions inside the test's process."""

import dagster as dg

from export_pipeline.orchestration.definitions import defs
from export_pipeline_tests.installations import HOURS, hours

EVENTS = dg.AssetKey(["exports", "events"])


def definitions() -> dg.Definitions:
    """The definitions as Dagster would load them now."""
    return defs()


def run_hours(
    instance: dg.DagsterInstance,
    first: int = 0,
    last: int = HOURS - 1,
    *,
    job: str = "deliver__events",
    tags: dict[str, str] | None = None,
    force: bool = False,
) -> dg.ExecuteInProcessResult:
    """One run over a range of hours, as a backfill makes it."""
    windows = hours(first, last)
    return (
        definitions()
        .resolve_job_def(job)
        .execute_in_process(
            instance=instance,
            raise_on_error=False,
            tags={
                "dagster/asset_partition_range_start": windows[0].key,
                "dagster/asset_partition_range_end": windows[-1].key,
                **(tags or {}),
            },
            run_config={"resources": {"deployment": {"config": {"force": force}}}},
        )
    )


def deliver_events() -> dg.JobDefinition:
    """The job of `events`, where Dagster finds it by name."""
    return definitions().resolve_job_def("deliver__events")


def run_task_job() -> dg.JobDefinition:
    """The job of all tasks, where Dagster finds it by name."""
    return definitions().resolve_job_def("export_task")


def run_from(
    instance: dg.DagsterInstance, run_id: str, options: dg.ReexecutionOptions
) -> dg.JobExecutionResult:
    """The run once more, not from its first op on: nothing is at hand of what its earlier ops handed on.

    Its own process is another one then, and often another machine.
    """
    run = instance.get_run_by_id(run_id)
    assert run is not None
    job = {"deliver__events": deliver_events, "export_task": run_task_job}[run.job_name]
    return dg.execute_job(
        dg.reconstructable(job),
        instance,
        run_config=run.run_config,
        tags=run.tags,
        reexecution_options=options,
        raise_on_error=False,
    )


def materializations(instance: dg.DagsterInstance, key: dg.AssetKey = EVENTS) -> list[tuple[str, int]]:
    """Every materialization of the asset: its hour and revision."""
    found = []
    for record in instance.fetch_materializations(key, limit=1000).records:
        event = record.asset_materialization
        assert event is not None
        assert event.partition is not None
        revision = event.metadata["revision"].value
        assert isinstance(revision, int)
        found.append((event.partition, revision))
    return sorted(found)
