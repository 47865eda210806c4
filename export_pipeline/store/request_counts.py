"""How many requests each key and each data connector has made in the present window, for all processes that
serve together.
"""

from datetime import datetime

import sqlalchemy as sa

from export_pipeline.store.contribution_schema import CONTRIBUTOR_REQUEST_COUNTS
from export_pipeline.store.schema import REQUEST_COUNTS


def forget_counts(connection: sa.Connection, before: datetime) -> int:
    """Forget the windows that began before then: of who asks no more. How many there were."""
    return sum(
        connection.execute(table.delete().where(table.c.window < before)).rowcount
        for table in (REQUEST_COUNTS, CONTRIBUTOR_REQUEST_COUNTS)
    )


def count_requests(
    connection: sa.Connection, api_key_id: str, window: datetime, number: int, *, limit: int
) -> int:
    """Count up to `number` requests more in the window that begins at `window`; how many are granted."""
    return _count(connection, REQUEST_COUNTS.c.api_key_id, api_key_id, window, number, limit)


def count_contributor_requests(
    connection: sa.Connection, connector: str, window: datetime, number: int, *, limit: int
) -> int:
    """The same of a data connector's."""
    return _count(connection, CONTRIBUTOR_REQUEST_COUNTS.c.connector, connector, window, number, limit)


def _count(
    connection: sa.Connection, whose: sa.Column[str], id_: str, window: datetime, number: int, limit: int
) -> int:
    table = whose.table
    assert isinstance(table, sa.Table)
    row = connection.execute(
        sa.select(table.c.window, table.c.requests).where(whose == id_).with_for_update()
    ).one_or_none()
    made = row.requests if row is not None and row.window == window else 0
    granted = max(0, min(number, limit - made))
    values = {"window": window, "requests": made + granted}
    if row is None:
        connection.execute(table.insert().values({whose.name: id_, **values}))
    elif granted:
        connection.execute(table.update().where(whose == id_).values(**values))
    return granted
