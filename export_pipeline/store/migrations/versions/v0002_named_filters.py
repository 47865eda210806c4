"""Named filters."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "named_filters",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization"], ["organizations.id"], name="fk_named_filters_organization"),
        sa.PrimaryKeyConstraint("id", name="pk_named_filters"),
        sa.UniqueConstraint("organization", "name", name="uq_named_filters_organization_name"),
    )
