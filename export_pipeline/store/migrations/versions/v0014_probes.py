"""Which connectors' checks may have left a probe behind; of those before, their last check tells."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

CONNECTORS = sa.table(
    "connectors",
    sa.column("id", sa.String),
    sa.column("check_steps", sa.Text),
    sa.column("probe_stays", sa.Boolean),
)


def upgrade() -> None:
    op.add_column(
        "connectors", sa.Column("probe_stays", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    connection = op.get_bind()
    known = sa.select(CONNECTORS.c.id, CONNECTORS.c.check_steps).where(CONNECTORS.c.check_steps.is_not(None))
    staying = [id_ for id_, steps in connection.execute(known) if _stays(steps)]
    for id_ in staying:
        connection.execute(CONNECTORS.update().where(CONNECTORS.c.id == id_).values(probe_stays=True))


def _stays(steps: str) -> bool:
    return any(step.get("leaves") for step in json.loads(steps))
