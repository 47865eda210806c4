"""Objects of ours that the ledger does not name where they are: begun, and not in it yet, or left behind.

Whoever is cut off between an object and the ledger leaves a note here that the object is ours. An hour that
is delivered elsewhere leaves one of each object at the old place: its connector may lead there again.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from export_pipeline.store.schema import BEGUN_OBJECTS


def note_begun(
    connection: sa.Connection, export_id: str, hour: datetime, place: str, key: str, *, now: datetime
) -> bool:
    """Note that an object of the hour may be in a place, as it is about to be written there, or was. False if
    that was noted before.

    IntegrityError: there is no such export.
    """
    values = {"export_id": export_id, "hour": hour, "place": place, "key": key, "begun_at": now}
    try:
        with connection.begin_nested():
            connection.execute(BEGUN_OBJECTS.insert().values(values))
    except IntegrityError:
        noted = sa.select(BEGUN_OBJECTS.c.key).where(
            *_of_hour(export_id, hour), BEGUN_OBJECTS.c.place == place, BEGUN_OBJECTS.c.key == key
        )
        if connection.scalar(noted) is None:
            raise
        return False
    return True


def withdraw_begun(connection: sa.Connection, export_id: str, hour: datetime, place: str, key: str) -> None:
    """Forget one object: nothing of ours is there."""
    connection.execute(
        BEGUN_OBJECTS.delete().where(
            *_of_hour(export_id, hour), BEGUN_OBJECTS.c.place == place, BEGUN_OBJECTS.c.key == key
        )
    )


def settle_begun(
    connection: sa.Connection, export_id: str, hour: datetime, place: str, keys: Sequence[str]
) -> None:
    """Forget those of the hour's objects that the ledger names by now, in that place.

    Others stay: one of a revision that was not recorded may be in the way of the next of that number, and
    what lies elsewhere under the same key is in the way of whoever goes back there.
    """
    connection.execute(
        BEGUN_OBJECTS.delete().where(
            *_of_hour(export_id, hour), BEGUN_OBJECTS.c.place == place, BEGUN_OBJECTS.c.key.in_(keys)
        )
    )


def forget_begun(connection: sa.Connection, export_id: str) -> None:
    """Forget all objects of an export: nobody writes them any more."""
    connection.execute(BEGUN_OBJECTS.delete().where(BEGUN_OBJECTS.c.export_id == export_id))


def _of_hour(export_id: str, hour: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return BEGUN_OBJECTS.c.export_id == export_id, BEGUN_OBJECTS.c.hour == hour
