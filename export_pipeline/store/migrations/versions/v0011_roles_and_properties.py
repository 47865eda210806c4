"""The external ids of organizations' roles, and what is kept with a connector."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("organizations", sa.Column("external_id", sa.String(length=64), nullable=True))
    op.add_column("connectors", sa.Column("properties", sa.JSON(), nullable=True))
