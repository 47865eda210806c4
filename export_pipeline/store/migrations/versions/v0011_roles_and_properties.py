"""The external ids of organizations' roles, their tenants, and what is kept with a connector."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("organizations", sa.Column("external_id", sa.String(length=64), nullable=True))
    op.create_table(
        "tenants",
        sa.Column("tenant", sa.String(length=255), nullable=False),
        sa.Column("organization", sa.String(length=63), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization"], ["organizations.id"], name="fk_tenants_organization"),
        sa.PrimaryKeyConstraint("tenant", name="pk_tenants"),
    )
    op.create_index("ix_tenants_organization", "tenants", ["organization"])
    op.add_column("connectors", sa.Column("properties", sa.JSON(), nullable=True))
