"""The states of connectors. Those that are there are running, as they were."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for column in (
        sa.Column("state", sa.String(length=16), nullable=False, server_default="RUNNING"),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_checks", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("check_steps", sa.Text(), nullable=True),
    ):
        op.add_column("connectors", column)
