"""What makes the exports of schedules when a period is over."""

from datetime import UTC, datetime

import dagster as dg

from export_pipeline.connectors.direct_download import DIRECT_DOWNLOAD
from export_pipeline.control.schedules import make_due
from export_pipeline.orchestration.sensors import opened_deployment

# Periods last a day at least: nobody waits for a minute.
SECONDS_BETWEEN_LOOKS = 30


@dg.sensor(
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Requests the export of every schedule whose day, week or month is over.",
)
def due_event_exports(_context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """The requests are tasks like any others: `queued_export_tasks` makes runs of them."""
    with opened_deployment() as deployment:
        if not deployment.settings.dataset_path.exists():
            return dg.SkipReason("no dataset is declared")
        made = make_due(
            deployment.control,
            deployment.secret_key,
            deployment.dataset,
            connector=DIRECT_DOWNLOAD,
            now=datetime.now(UTC),
        )
    return dg.SkipReason(f"{len(made)} exports were requested" if made else "no schedule is due")
