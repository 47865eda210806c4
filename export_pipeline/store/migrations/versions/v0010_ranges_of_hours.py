"""How many hours a file holds that was delivered."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("hours", sa.Column("hours", sa.Integer(), nullable=False, server_default="1"))
