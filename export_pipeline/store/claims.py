"""Claims: which run works on which hour right now, and how far it is.

A claim lapses by itself when its run gives no more sign of life (killed, machine gone), so nothing has to
be cleaned up before the hour can be done again. While it holds, no other run touches the hour.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from export_pipeline.store.schema import CLAIMS, EXPORTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An hour being worked on. `done` of `total` rows or bytes of the stage."""

    export_id: str
    hour: datetime
    owner: str
    stage: str
    done: int
    total: int
    expires_at: datetime


def claim(
    connection: sa.Connection,
    export_id: str,
    hour: datetime,
    owner: str,
    *,
    now: datetime,
    expires_at: datetime,
) -> Claim:
    """Claim an hour, unless another run holds it. Returns the claim that holds: ours, or the other's.

    One that is ours already is renewed and keeps its progress.
    """
    key = _key(export_id, hour)
    ours = Claim(
        export_id=export_id, hour=hour, owner=owner, stage="queued", done=0, total=0, expires_at=expires_at
    )
    while True:
        renewed = connection.execute(
            CLAIMS.update().where(*key, CLAIMS.c.owner == owner).values(expires_at=expires_at)
        )
        if not renewed.rowcount:
            connection.execute(CLAIMS.delete().where(*key, CLAIMS.c.expires_at <= now))
            with suppress(IntegrityError), connection.begin_nested():
                connection.execute(CLAIMS.insert().values(asdict(ours)))
        row = connection.execute(sa.select(CLAIMS).where(*key)).one_or_none()
        if row is not None:
            return Claim(**row._mapping)
        # Another run held it when we tried and gave it up before we looked: it is free.


def renew_claims(connection: sa.Connection, owner: str, expires_at: datetime) -> None:
    """Give a sign of life: every claim of the run holds until then."""
    connection.execute(CLAIMS.update().where(CLAIMS.c.owner == owner).values(expires_at=expires_at))


def note_progress(
    connection: sa.Connection,
    export_id: str,
    hour: datetime,
    owner: str,
    *,
    stage: str,
    done: int,
    total: int,
) -> None:
    """Note how far the run is with the hour."""
    connection.execute(
        CLAIMS.update()
        .where(*_key(export_id, hour), CLAIMS.c.owner == owner)
        .values(stage=stage, done=done, total=total)
    )


def holds_claim(
    connection: sa.Connection, export_id: str, hour: datetime, owner: str, *, locked: bool = True
) -> bool:
    """Whether the hour is still this run's, and `locked`: stays so until the transaction ends."""
    query = sa.select(CLAIMS.c.owner).where(*_key(export_id, hour), CLAIMS.c.owner == owner)
    return connection.scalar(query.with_for_update() if locked else query) is not None


def release(connection: sa.Connection, export_id: str, hours: Sequence[datetime], owner: str) -> None:
    """Give hours up, done or failed."""
    connection.execute(
        CLAIMS.delete().where(
            CLAIMS.c.export_id == export_id, CLAIMS.c.hour.in_(hours), CLAIMS.c.owner == owner
        )
    )


def release_all(connection: sa.Connection, owner: str) -> Sequence[Claim]:
    """Give up everything a run holds that has ended, and say what that was."""
    rows = connection.execute(sa.select(CLAIMS).where(CLAIMS.c.owner == owner).order_by(CLAIMS.c.hour))
    held = [Claim(**row._mapping) for row in rows]
    connection.execute(CLAIMS.delete().where(CLAIMS.c.owner == owner))
    return held


def claims_between(
    connection: sa.Connection, export_id: str, since: datetime, until: datetime
) -> Sequence[Claim]:
    """The hours that start in `[since, until)` and are being worked on, by hour."""
    rows = connection.execute(
        sa.select(CLAIMS)
        .where(CLAIMS.c.export_id == export_id, CLAIMS.c.hour >= since, CLAIMS.c.hour < until)
        .order_by(CLAIMS.c.hour)
    )
    return [Claim(**row._mapping) for row in rows]


def in_flight(connection: sa.Connection, connector_id: str, now: datetime) -> bool:
    """Whether some run is working on an hour that goes through the connector, its export deleted or not."""
    through = EXPORTS.c.id == CLAIMS.c.export_id, EXPORTS.c.connector_id == connector_id
    claimed = sa.select(CLAIMS.c.owner).where(*through, CLAIMS.c.expires_at > now).limit(1)
    return connection.scalar(claimed) is not None


def living_runs(connection: sa.Connection, now: datetime) -> frozenset[str]:
    """The runs whose claims have not lapsed."""
    living = sa.select(CLAIMS.c.owner).where(CLAIMS.c.expires_at > now).distinct()
    return frozenset(connection.scalars(living))


def _key(export_id: str, hour: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return CLAIMS.c.export_id == export_id, CLAIMS.c.hour == hour
