"""How far a task is: counted in the ledger, the failures and the claims."""

from datetime import UTC, datetime

import sqlalchemy as sa

from export_pipeline.exports.task import ExportTask, TaskCounts
from export_pipeline.store.claims import Claim, claims_between
from export_pipeline.store.ledger import count_delivered, count_failed
from export_pipeline.windows import ONE_HOUR, floor

# How much of an hour's work is behind it when a stage begins, and how much the stage is.
STAGES = {"queued": (0.0, 0.0), "extract": (0.0, 0.45), "format": (0.45, 0.35), "upload": (0.8, 0.2)}


def counts_of(connection: sa.Connection, task: ExportTask) -> TaskCounts:
    """The task's hours by outcome. An hour that failed before the task was requested is not failed yet; one
    that is delivered is not failed, whatever else was tried with it.
    """
    first = floor(task.since)
    hours = -((first - task.until) // ONE_HOUR)
    proven_since = task.requested_at if task.force else None
    delivered = count_delivered(connection, task.export_id, first, task.until, proven_since=proven_since)
    failed = count_failed(
        connection,
        task.export_id,
        first,
        task.until,
        failed_since=task.requested_at,
        proven_since=proven_since,
    )
    now = datetime.now(UTC)
    claims = [
        claim
        for claim in claims_between(connection, task.export_id, first, task.until)
        if claim.expires_at > now  # what a run left behind that was killed is not under way
    ]
    return TaskCounts(
        hours=hours,
        delivered=delivered,
        failed=failed,
        under_way=sum(map(_fraction, claims)),
    )


def _fraction(claim: Claim) -> float:
    begun, share = STAGES[claim.stage]
    return begun + share * (min(claim.done / claim.total, 1.0) if claim.total else 0.0)
