"""What has hours delivered again that lost, or were given, contributed records since."""

from datetime import UTC, datetime

import dagster as dg

from export_pipeline.control.corrections import note_corrections
from export_pipeline.orchestration.sensors import opened_deployment

SECONDS_BETWEEN_LOOKS = 30


@dg.sensor(
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Has hours delivered again whose contributed records changed since they were read.",
)
def contributed_corrections(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """The hours wait, like those whose connector was away: `waiting_hours` makes runs of them."""
    since = datetime.fromisoformat(context.cursor) if context.cursor else None
    with opened_deployment() as deployment:
        hours, looked_until = note_corrections(deployment.control, since, datetime.now(UTC))
    context.update_cursor(looked_until.isoformat())
    return dg.SkipReason(f"{hours} hours are to be corrected" if hours else "no delivered hour changed")
