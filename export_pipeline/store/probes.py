"""The probes that checks of connectors write: which may still lie at a store, and which a check has in hands.

A probe is known before it is written, and until it is known to be gone. The next check takes it over, writes
over it and deletes it, so that they do not add up where deleting fails now and then, or always.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from export_pipeline.connectors.probing import probe_key
from export_pipeline.store.schema import PROBES

# Longer than any check takes: its twenty-five requests are given minutes each, and few take any. A check
# that was killed, or that nobody awaited to its end, never lets go.
HELD_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldProbe:
    """A probe in the hands of one check; `stays` says that an earlier one may have left it."""

    connector_id: str
    key: str
    held_until: datetime
    stays: bool


def hold_probe(connection: sa.Connection, connector_id: str, *, now: datetime) -> HeldProbe:
    """A probe that no other check holds: one that may be there already, or else a new one."""
    until = now + HELD_FOR
    ours = PROBES.c.connector_id == connector_id
    free = sa.select(PROBES.c.key).where(ours, PROBES.c.held_until <= now).order_by(PROBES.c.key)
    for key in connection.scalars(free).all():
        # Another check may have taken it since we looked.
        still_free = ours, PROBES.c.key == key, PROBES.c.held_until <= now
        if connection.execute(PROBES.update().where(*still_free).values(held_until=until)).rowcount:
            return HeldProbe(connector_id=connector_id, key=key, held_until=until, stays=True)
    key = probe_key()
    connection.execute(
        PROBES.insert().values({"connector_id": connector_id, "key": key, "held_until": until})
    )
    return HeldProbe(connector_id=connector_id, key=key, held_until=until, stays=False)


def let_go(connection: sa.Connection, probe: HeldProbe, *, gone: bool, now: datetime) -> None:
    """Forget a probe that is `gone`, and leave any other to the next check.

    One that lapsed and is another check's by now is that one's to tell of.
    """
    held = (
        PROBES.c.connector_id == probe.connector_id,
        PROBES.c.key == probe.key,
        PROBES.c.held_until == probe.held_until,
    )
    connection.execute(
        PROBES.delete().where(*held) if gone else PROBES.update().where(*held).values(held_until=now)
    )


def forget_probes(connection: sa.Connection, connector_id: str) -> None:
    """Forget all probes of a connector: nobody checks it any more."""
    connection.execute(PROBES.delete().where(PROBES.c.connector_id == connector_id))
