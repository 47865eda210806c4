"""What need not be kept any longer goes once a day."""

from collections.abc import Mapping
from datetime import UTC, datetime

import dagster as dg

from export_pipeline.orchestration.names import BEGUN_ANEW
from export_pipeline.orchestration.resources import DeploymentResource
from export_pipeline.retention.retaining import Report, retain

# At night where most of the data is from; no hour falls due at that minute as a rule.
DAILY = "23 3 * * *"


class RetentionConfig(dg.Config):
    """How a run is made."""

    dry_run: bool = False


@dg.op(tags={"kind": "retention"})
def let_go(context: dg.OpExecutionContext, config: RetentionConfig, deployment: DeploymentResource) -> None:
    """Delete files that have expired, and the rest whose time is over; receipts stay."""
    report = retain(deployment.deployment, now=datetime.now(UTC), dry_run=config.dry_run)
    for export in report.exports:
        context.log.info(
            "%s of %s: %d tasks expired, files of %d hours (%d bytes) %s, %d left",
            export.export,
            export.organization,
            export.tasks,
            export.hours,
            export.bytes,
            "would go" if report.dry_run else "deleted",
            export.left,
        )
    if report.problems:
        problems = "; ".join(report.problems[:20])
        raise dg.Failure(
            f"files could not be deleted; the next run tries again: {problems}",
            metadata=metadata_of(report),
            allow_retries=False,
        )
    context.add_output_metadata(metadata_of(report))


def metadata_of(report: Report) -> Mapping[str, int]:
    """What Dagster shows of a run."""
    leftovers = report.leftovers
    return {
        "dry run": report.dry_run,
        "tasks": sum(export.tasks for export in report.exports),
        "hours": report.hours,
        "bytes": report.bytes,
        "hours left": sum(export.left for export in report.exports),
        "answers": leftovers.answers,
        "counts of requests": leftovers.request_counts,
        "entries of the audit log": leftovers.audit_entries,
        "contributors' sessions": leftovers.sessions,
        "folders of dead runs": leftovers.staged_runs,
        "bytes of dead runs": leftovers.staged_bytes,
    }


@dg.job(description="Delete files that have expired, and the rest whose time is over.", tags=BEGUN_ANEW)
def retention() -> None:
    let_go()


retention_daily = dg.ScheduleDefinition(
    name="retention_daily",
    job=retention,
    cron_schedule=DAILY,
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Once a day, what need not be kept any longer goes, as the settings say.",
)
