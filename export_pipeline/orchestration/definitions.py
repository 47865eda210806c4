"""The code location: what Dagster loads, made from the control database each time it is loaded."""

import dagster as dg

from export_pipeline.deployment import open_deployment
from export_pipeline.orchestration.assets import export_asset, export_job
from export_pipeline.orchestration.connector_resources import connector_resources
from export_pipeline.orchestration.correcting import contributed_corrections
from export_pipeline.orchestration.handover import handover
from export_pipeline.orchestration.health import check_connectors, connector_health
from export_pipeline.orchestration.jobs import export_task
from export_pipeline.orchestration.recurring import due_event_exports
from export_pipeline.orchestration.resources import DeploymentResource
from export_pipeline.orchestration.retention import retention, retention_daily
from export_pipeline.orchestration.schedules import export_schedule
from export_pipeline.orchestration.sensors import SENSORS
from export_pipeline.orchestration.waiting import waiting_hours
from export_pipeline.settings import Settings
from export_pipeline.store.connectors import every_connector
from export_pipeline.store.database import reading
from export_pipeline.store.exports import standing_exports


@dg.definitions
def defs() -> dg.Definitions:
    """Every standing export as an asset with its job and schedule, and every connector as a resource; and
    what all of them share.
    """
    settings = Settings()
    deployment = open_deployment(settings)
    with reading(deployment.control) as connection:
        exports = standing_exports(connection)
        connectors = every_connector(connection)
    deployment.close()
    jobs = {export.id: export_job(export) for export in exports}
    return dg.Definitions(
        assets=[export_asset(export, hours_per_run=settings.hours_per_run) for export in exports],
        jobs=[*jobs.values(), export_task, check_connectors, retention],
        schedules=[*(export_schedule(export, jobs[export.id]) for export in exports), retention_daily],
        sensors=[*SENSORS, due_event_exports, connector_health, contributed_corrections, waiting_hours(jobs)],
        resources={
            "deployment": DeploymentResource.configure_at_launch(),
            "io_manager": handover,
            # The jobs of exports, the three above, and the one Dagster makes of all assets.
            **connector_resources(connectors, jobs=len(jobs) + 4),
        },
        # Starting a process per step costs more than most hours do; runs are what is spread over machines.
        executor=dg.in_process_executor,
    )
