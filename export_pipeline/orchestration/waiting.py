"""The sensor that takes up hours which waited for their connector, once that is running again."""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import (  # what define_asset_job returns
    UnresolvedAssetJobDefinition,
)
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES  # which Dagster names nowhere else

from export_pipeline.orchestration.names import (
    EXPORT_TAG,
    PROVEN_SINCE_TAG,
    RANGE_END_TAG,
    RANGE_START_TAG,
    WAITS_NEXT,
    WAITS_TAG,
)
from export_pipeline.orchestration.sensors import opened_deployment
from export_pipeline.store.database import reading
from export_pipeline.store.exports import get_export
from export_pipeline.store.waits import Ready, Wait, ready_exports, waits_of
from export_pipeline.windows import ONE_HOUR, HourWindow

SECONDS_BETWEEN_LOOKS = 10

EXPORTS_PER_TICK = 50

# Of one export: what comes after the first month is asked for when the runs over that have ended.
HOURS_PER_EXPORT = 31 * 24


def waiting_hours(jobs: Mapping[str, UnresolvedAssetJobDefinition]) -> dg.SensorDefinition:
    """The sensor for the exports with these ids, each with its job."""

    @dg.sensor(
        name="waiting_hours",
        jobs=[*jobs.values()],
        minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts runs over hours that waited for their connector, when it is running again.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        requests = list(_requests(context, {id_: job.name for id_, job in jobs.items()}))
        yield from requests
        if not requests:
            yield dg.SkipReason("no hour waits for a connector that is running")

    return sensor


def _requests(context: dg.SensorEvaluationContext, jobs: Mapping[str, str]) -> Iterator[dg.RunRequest]:
    """An export's waits are asked for again when no run of them is left.

    A run takes its waits away, hour by hour; asked for meanwhile, they would be asked for twice. What is left
    after it is another range, with a run key of its own. The same range has the same key for as long as the
    connector runs without a break: hours that a run does not take away fail with it (see `sensors`).
    """
    with opened_deployment() as deployment, reading(deployment.control) as connection:
        filters = dg.RunsFilter(statuses=NOT_FINISHED_STATUSES, tags={WAITS_TAG: sorted(jobs)})
        runs = context.instance.get_run_records(filters) if jobs else []
        busy = {record.dagster_run.tags[WAITS_TAG] for record in runs}
        for ready in ready_exports(connection, besides=busy, limit=EXPORTS_PER_TICK):
            if ready.export_id not in jobs:
                continue  # made since the definitions were loaded
            slug = get_export(connection, ready.export_id).slug
            for waits in ranges(waits_of(connection, ready.export_id, HOURS_PER_EXPORT)):
                yield _request(ready, slug, jobs[ready.export_id], waits)


def ranges(waits: Sequence[Wait]) -> Iterator[Sequence[Wait]]:
    """The hours, in order, cut where one is missing or is asked for otherwise than the one before it."""
    part: list[Wait] = []
    for wait in waits:
        if part and (wait.hour - part[-1].hour != ONE_HOUR or wait.proven_since != part[-1].proven_since):
            yield part
            part = []
        part.append(wait)
    if part:
        yield part


def _request(ready: Ready, slug: str, job: str, waits: Sequence[Wait]) -> dg.RunRequest:
    first, last = (HourWindow(wait.hour).key for wait in (waits[0], waits[-1]))
    proven_since = waits[0].proven_since
    forced = {PROVEN_SINCE_TAG: proven_since.isoformat()} if proven_since else {}
    run_key = f"{ready.export_id}/{first}...{last}/{ready.running_since.isoformat()}"
    return dg.RunRequest(
        # What is asked for by force may be so again: records of the hour were deleted once more.
        run_key=f"{run_key}/{proven_since.isoformat()}" if proven_since else run_key,
        job_name=job,
        tags={
            RANGE_START_TAG: first,
            RANGE_END_TAG: last,
            EXPORT_TAG: slug,
            WAITS_TAG: ready.export_id,
            **forced,
            **WAITS_NEXT,
        },
    )
