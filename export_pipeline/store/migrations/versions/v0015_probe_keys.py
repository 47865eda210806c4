"""Which probes of checks may still be there, by their keys; no release knew only whether there was one."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

CONNECTORS = sa.table("connectors", sa.column("id", sa.String), sa.column("probe_stays", sa.Boolean))


def upgrade() -> None:
    probes = op.create_table(
        "probes",
        sa.Column("connector_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["connector_id"], ["connectors.id"], name="fk_probes_connector_id"),
        sa.PrimaryKeyConstraint("connector_id", "key", name="pk_probes"),
    )
    assert probes is not None
    connection, now = op.get_bind(), datetime.now(UTC)
    staying = sa.select(CONNECTORS.c.id).where(CONNECTORS.c.probe_stays)
    for id_ in connection.scalars(staying).all():
        key = f"export-pipeline-check-{id_}.txt"  # as it was named for the connector
        connection.execute(probes.insert().values(connector_id=id_, key=key, held_until=now))
    op.drop_column("connectors", "probe_stays")
