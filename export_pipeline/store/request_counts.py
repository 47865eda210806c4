"""How many requests each key has made in the present window, for all processes that serve together."""

from datetime import datetime

import sqlalchemy as sa

from export_pipeline.store.schema import REQUEST_COUNTS


def forget_counts(connection: sa.Connection, before: datetime) -> int:
    """Forget the windows that began before then: keys that ask no more. How many there were."""
    return connection.execute(REQUEST_COUNTS.delete().where(REQUEST_COUNTS.c.window < before)).rowcount


def count_requests(
    connection: sa.Connection, api_key_id: str, window: datetime, number: int, *, limit: int
) -> int:
    """Count up to `number` requests more in the window that begins at `window`; how many are granted."""
    key = REQUEST_COUNTS.c.api_key_id == api_key_id
    row = connection.execute(
        sa.select(REQUEST_COUNTS.c.window, REQUEST_COUNTS.c.requests).where(key).with_for_update()
    ).one_or_none()
    made = row.requests if row is not None and row.window == window else 0
    granted = max(0, min(number, limit - made))
    values = {"window": window, "requests": made + granted}
    if row is None:
        connection.execute(REQUEST_COUNTS.insert().values(api_key_id=api_key_id, **values))
    elif granted:
        connection.execute(REQUEST_COUNTS.update().where(key).values(**values))
    return granted
