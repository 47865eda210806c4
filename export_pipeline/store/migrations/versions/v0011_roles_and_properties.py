"""The external ids of organizations' roles."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("organizations", sa.Column("external_id", sa.String(length=64), nullable=True))
