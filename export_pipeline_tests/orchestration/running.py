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
