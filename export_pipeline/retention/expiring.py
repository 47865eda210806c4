"""The first step of expiry: tasks and hours whose time is over are marked, with an entry in the audit log.

From then on links lead nowhere, and whoever wants the hours has them delivered anew. No file is deleted yet.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from export_pipeline.control.audit import note_change
from export_pipeline.store.database import reading, writing
from export_pipeline.store.expiry import (
    Deadlines,
    KeptExport,
    SomeHours,
    due_hours,
    due_tasks,
    expire_hours,
    expire_tasks,
    hours_to_remove,
    lock_kept,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """What expires of an export: tasks, and hours with the bytes of their files.

    `waiting` are hours that were marked before, whose files are still there.
    """

    tasks: int
    hours: SomeHours
    waiting: SomeHours


def expiring(control: sa.Engine, export: KeptExport, deadlines: Deadlines, place: str) -> Expired:
    """What `expire` would mark now; nothing is changed."""
    with reading(control) as connection:
        return Expired(
            tasks=len(due_tasks(connection, export, deadlines, place)),
            hours=due_hours(connection, export, deadlines, place),
            waiting=hours_to_remove(connection, export.id),
        )


def expire(
    control: sa.Engine, export: KeptExport, deadlines: Deadlines, place: str, now: datetime
) -> Expired:
    """Mark what is due of an export whose files lie in `place`; one transaction."""
    with writing(control) as connection:
        lock_kept(connection, export)
        waiting = hours_to_remove(connection, export.id)
        tasks = expire_tasks(connection, export, deadlines, place, now)
        hours = expire_hours(connection, export, deadlines, place, now)
        if tasks or hours.hours:
            note_change(
                connection,
                "export.expire",
                organization=export.organization,
                subject=export.slug,
                before={
                    "tasks": len(tasks),
                    "hours": hours.hours,
                    "bytes": hours.bytes,
                    "first_hour": hours.first_hour and hours.first_hour.isoformat(),
                    "until": hours.until and hours.until.isoformat(),
                },
            )
    return Expired(tasks=len(tasks), hours=hours, waiting=waiting)
