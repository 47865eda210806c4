"""How far a task is: counted in the ledger, the failures and the claims."""

from datetime import UTC, datetime

import sqlalchemy as sa

from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.exports.task import ExportTask, TaskCounts
from export_pipeline.store.claims import Claim, claims_between
from export_pipeline.store.exports import layout_of
from export_pipeline.store.ledger import count_delivered, count_failed
from export_pipeline.windows import ONE_HOUR

# How much of an hour's work is behind it when a stage begins, and how much the stage is.
STAGES = {"queued": (0.0, 0.0), "extract": (0.0, 0.45), "format": (0.45, 0.35), "upload": (0.8, 0.2)}


def counts_of(connection: sa.Connection, task: ExportTask) -> TaskCounts:
    """The task's hours by outcome. An hour that failed before the task was requested is not failed yet; one
    that is delivered is not failed, whatever else was tried with it. One whose files had expired when the
    task began has to be delivered anew.
    """
    layout = layout_of(connection, task.export_id)
    first, end = task.ledger_hours(layout)
    hours = -((first - task.until) // ONE_HOUR)
    each = hours if layout is FileLayout.SINGLE else 1  # hours that stand and fall together
    proven_since = task.requested_at if task.force else None
    wanted_at = task.started_at or task.requested_at
    delivered = count_delivered(
        connection, task.export_id, first, end, proven_since=proven_since, wanted_at=wanted_at
    )
    failed = count_failed(
        connection,
        task.export_id,
        first,
        end,
        failed_since=task.requested_at,
        proven_since=proven_since,
        wanted_at=wanted_at,
    )
    now = datetime.now(UTC)
    claims = [
        claim
        for claim in claims_between(connection, task.export_id, first, end)
        if claim.expires_at > now  # what a run left behind that was killed is not under way
    ]
    return TaskCounts(
        hours=hours,
        delivered=delivered * each,
        failed=failed * each,
        under_way=sum(map(_fraction, claims)) * each,
    )


def _fraction(claim: Claim) -> float:
    begun, share = STAGES[claim.stage]
    return begun + share * (min(claim.done / claim.total, 1.0) if claim.total else 0.0)
