"""Time passes over what a task or an export has delivered: its files expire, as by a run of retention."""

import threading
from datetime import UTC, datetime, timedelta

from export_pipeline.exports.export import Export
from export_pipeline.pipeline.beginning import place_of
from export_pipeline.pipeline.claiming import Claims
from export_pipeline.retention.expiring import expire
from export_pipeline.retention.removing import Remover
from export_pipeline.store.database import reading, writing
from export_pipeline.store.expiry import Deadlines, kept_exports
from export_pipeline.store.exports import get_export
from export_pipeline.store.schema import HOURS, TASKS
from export_pipeline.store.tasks import end_task, get_task, start_task
from export_pipeline_tests.installations import Installation


def expire_task(installation: Installation, id_: str) -> datetime:
    """End a task whose hours are delivered, and let what it delivered expire; when that was."""
    with writing(installation.deployment.control) as connection:
        end_task(connection, id_, start_task(connection, id_).attempt)
        export = get_export(connection, get_task(connection, id_).export_id)
    return expire_export(installation, export)


def expire_export(installation: Installation, export: Export) -> datetime:
    """Let all that was delivered of one export expire, and of no other that the installation has."""
    deployment, now = installation.deployment, datetime.now(UTC)
    with writing(deployment.control) as connection:
        ago = now - timedelta(days=8)
        connection.execute(HOURS.update().where(HOURS.c.export_id == export.id).values(proven_at=ago))
        ended = TASKS.c.export_id == export.id, TASKS.c.ended_at.is_not(None)
        moments = {"requested_at": ago, "started_at": ago, "ended_at": ago}
        connection.execute(TASKS.update().where(*ended).values(moments))
    deadlines = Deadlines(found=now - timedelta(days=7), deleted=now - timedelta(days=30))
    with reading(deployment.control) as connection:
        (kept,) = [one for one in kept_exports(connection, deadlines) if one.id == export.id]
    config = deployment.connector(export.connector_id)
    expire(deployment.control, kept, deadlines, place_of(config, kept.id), now)
    claims = Claims(deployment.control, "retention-1", deployment.claim_lease, threading.Event())
    removed = Remover(claims, kept, config.open(), at_once=4).remove()
    assert (removed.left, removed.problems) == (0, ())
    return now
