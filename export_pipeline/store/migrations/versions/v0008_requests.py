"""One-off requests: exports that they make, what a task keeps for whoever asked, how it was ended."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("exports", sa.Column("generated", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("exports", sa.Column("key_head", sa.Text(), nullable=True))
    op.add_column("tasks", sa.Column("origin", sa.String(length=32), nullable=True))
    op.add_column("tasks", sa.Column("name", sa.Text(), nullable=True))
    op.add_column("tasks", sa.Column("properties", sa.JSON(), nullable=False, server_default="{}"))
    for name in ("cancel_requested_at", "ended_at", "deleted_at", "expired_at"):
        op.add_column("tasks", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("tasks", sa.Column("cancelled_by", sa.Text(), nullable=True))
    op.create_index("ix_tasks_organization_requested_at", "tasks", ["organization", "requested_at"])
