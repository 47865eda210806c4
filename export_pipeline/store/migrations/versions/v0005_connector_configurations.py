"""Which configuration of a connector a run has read."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("connectors", sa.Column("configuration", sa.Integer(), nullable=False, server_default="1"))
