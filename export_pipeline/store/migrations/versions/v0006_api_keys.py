"""API keys, and how often each asks."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("privileges", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organization"], ["organizations.id"], name="fk_api_keys_organization"),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
    )
    op.create_index("ix_api_keys_organization", "api_keys", ["organization"])
    op.create_table(
        "api_key_organizations",
        sa.Column("api_key_id", sa.String(length=36), nullable=False),
        sa.Column("organization", sa.String(length=63), nullable=False),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_keys.id"], name="fk_api_key_organizations_api_key_id"),
        sa.ForeignKeyConstraint(
            ["organization"], ["organizations.id"], name="fk_api_key_organizations_organization"
        ),
        sa.PrimaryKeyConstraint("api_key_id", "organization", name="pk_api_key_organizations"),
    )
    op.create_table(
        "request_counts",
        sa.Column("api_key_id", sa.String(length=36), nullable=False),
        sa.Column("window", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_keys.id"], name="fk_request_counts_api_key_id"),
        sa.PrimaryKeyConstraint("api_key_id", name="pk_request_counts"),
    )
