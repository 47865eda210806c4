"""One schedule per standing export: every hour, once its rows have settled."""

from datetime import UTC, datetime

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import (  # what define_asset_job returns
    UnresolvedAssetJobDefinition,
)

from export_pipeline.deployment import Deployment, open_deployment
from export_pipeline.errors import NotFound
from export_pipeline.exports.due import due_at
from export_pipeline.exports.export import Export
from export_pipeline.orchestration.names import SCHEDULED_FIRST, schedule_name
from export_pipeline.settings import Settings
from export_pipeline.store.connectors import get_connector
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import find_export
from export_pipeline.store.ledger import latest_entry
from export_pipeline.store.waits import note_wait, why_wait
from export_pipeline.windows import HourWindow


def export_schedule(export: Export, job: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """Deliver each hour `minutes_to_settle` after its end. Paused exports are skipped, with a reason.

    A plain schedule: one built from partitions costs quadratic time over many exports.
    """
    settle = export.definition.minutes_to_settle

    @dg.schedule(
        name=schedule_name(export),
        job=job,
        cron_schedule=f"{settle % 60} * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"The last whole hour of {export.slug}, {settle} minutes after it ended.",
    )
    def hourly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return _tick(context, export)

    return hourly


def _tick(context: dg.ScheduleEvaluationContext, export: Export) -> dg.RunRequest | dg.SkipReason:
    definition = export.definition
    window = due_at(definition, context.scheduled_execution_time.astimezone(UTC))
    if window.start < definition.first_hour:
        return dg.SkipReason(f"{export.slug} begins at {definition.first_hour.isoformat()}")
    if definition.until is not None and window.start >= definition.until:
        return dg.SkipReason(f"{export.slug} ended at {definition.until.isoformat()}")
    deployment = open_deployment(Settings())
    try:
        with reading(deployment.control) as connection:
            current = find_export(connection, export.organization, export.slug)
        waits_for = None if current.paused else _waits_for(deployment, current, window)
    except NotFound:
        return dg.SkipReason(f"{export.slug} was deleted; reload the code location")
    finally:
        deployment.close()
    if current.paused:
        return dg.SkipReason(f"{export.slug} is paused")
    if waits_for is not None:
        return dg.SkipReason(f"{window.key} of {export.slug} waits for {waits_for}")
    return dg.RunRequest(run_key=f"{export.id}/{window.key}", partition_key=window.key, tags=SCHEDULED_FIRST)


def _waits_for(deployment: Deployment, export: Export, window: HourWindow) -> str | None:
    """Why the hour has to wait, which is noted: no run is started for that."""
    with reading(deployment.control) as connection:
        if why_wait(get_connector(connection, export.connector_id)) is None:
            return None
    with writing(deployment.control) as connection:
        reason = why_wait(get_connector(connection, export.connector_id, locked=True))
        entry = latest_entry(connection, export.id, window.start)
        if reason is not None and (entry is None or entry.in_doubt):
            note_wait(connection, export.id, window.start, now=datetime.now(UTC))
    return reason
