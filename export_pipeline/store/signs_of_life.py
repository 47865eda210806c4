"""When something that works in the background was last seen, for those that only see the control database."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from export_pipeline.store.schema import SIGNS_OF_LIFE

# What starts runs for tasks: without it nothing that is asked for is done.
SENSORS = "sensors"


def note_life(connection: sa.Connection, name: str, now: datetime) -> None:
    """Note that it was at work just now."""
    seen = SIGNS_OF_LIFE.update().where(SIGNS_OF_LIFE.c.name == name).values(seen_at=now)
    if connection.execute(seen).rowcount:
        return
    try:
        with connection.begin_nested():
            connection.execute(SIGNS_OF_LIFE.insert().values(name=name, seen_at=now))
    except IntegrityError:  # another process noted its first sign in between
        connection.execute(seen)


def last_seen(connection: sa.Connection, name: str) -> datetime | None:
    """When it was at work last; None if it never was."""
    seen: datetime | None = connection.scalar(
        sa.select(SIGNS_OF_LIFE.c.seen_at).where(SIGNS_OF_LIFE.c.name == name)
    )
    return seen
