"""Schedules of exports; what people call a named filter."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("named_filters", sa.Column("display_name", sa.Text(), nullable=True))
    op.add_column(
        "named_filters",
        sa.Column("purpose", sa.String(length=16), nullable=False, server_default="reporting"),
    )
    op.create_table(
        "schedules",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization", sa.String(length=63), nullable=False),
        sa.Column("author", sa.String(length=100), nullable=False),
        sa.Column("wanted", sa.JSON(), nullable=False),
        sa.Column("emails", sa.JSON(), nullable=False),
        sa.Column("frequency", sa.String(length=16), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("day_of_week", sa.String(length=16), nullable=False),
        sa.Column("next_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organization"], ["organizations.id"], name="fk_schedules_organization"),
        sa.PrimaryKeyConstraint("id", name="pk_schedules"),
    )
    op.create_index("ix_schedules_organization", "schedules", ["organization"])
    op.create_index("ix_schedules_next_until", "schedules", ["next_until"])
