"""Hours that wait for their connector, and tasks that go back into the queue."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "waits",
        sa.Column("export_id", sa.String(length=36), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proven_since", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["export_id"], ["exports.id"], name="fk_waits_export_id"),
        sa.PrimaryKeyConstraint("export_id", "hour", name="pk_waits"),
    )
    op.add_column("tasks", sa.Column("attempt", sa.Integer(), nullable=False, server_default="1"))
