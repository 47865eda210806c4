"""Entity types, data connectors, their sessions, and what was contributed."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    _entity_types()
    _data_connectors()
    _sessions()
    _records()


def _entity_types() -> None:
    op.create_table(
        "entity_types",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization", sa.String(length=63), nullable=False),
        sa.Column("eid", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("schema", sa.JSON(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("icon", sa.Text(), nullable=True),
        sa.Column("timeseries", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization"], ["organizations.id"], name="fk_entity_types_organization"),
        sa.PrimaryKeyConstraint("id", name="pk_entity_types"),
        sa.UniqueConstraint("organization", "eid", name="uq_entity_types_organization_eid"),
    )


def _data_connectors() -> None:
    op.create_table(
        "data_connectors",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("entity_type", sa.String(length=36), nullable=False),
        sa.Column("cid", sa.String(length=32), nullable=False),
        sa.Column("contribution_id", sa.String(length=40), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("webhook", sa.Text(), nullable=True),
        sa.Column("cache", sa.Integer(), nullable=False),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["entity_type"], ["entity_types.id"], name="fk_data_connectors_entity_type", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_data_connectors"),
        sa.UniqueConstraint("token_digest", name="uq_data_connectors_token_digest"),
        sa.UniqueConstraint("entity_type", "cid", name="uq_data_connectors_entity_type_cid"),
    )


def _sessions() -> None:
    op.create_table(
        "contribution_sessions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("connector", sa.String(length=36), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connector"],
            ["data_connectors.id"],
            name="fk_contribution_sessions_connector",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_contribution_sessions"),
        sa.UniqueConstraint("connector", name="uq_contribution_sessions_connector"),
    )
    op.create_index("ix_contribution_sessions_last_used_at", "contribution_sessions", ["last_used_at"])
    op.create_table(
        "staged_changes",
        sa.Column("session", sa.String(length=36), nullable=False),
        sa.Column("vendor_id", sa.String(length=256), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=True),
        sa.Column("record", sa.JSON(), nullable=True),
        sa.Column("instance", sa.JSON(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["session"], ["contribution_sessions.id"], name="fk_staged_changes_session", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session", "vendor_id", name="pk_staged_changes"),
    )


def _records() -> None:
    op.create_table(
        "contributed_records",
        sa.Column("connector", sa.String(length=36), nullable=False),
        sa.Column("vendor_id", sa.String(length=256), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.Column("instance", sa.JSON(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connector"], ["data_connectors.id"], name="fk_contributed_records_connector", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connector", "vendor_id", name="pk_contributed_records"),
    )
    op.create_index("ix_contributed_records_public_id", "contributed_records", ["public_id"])
    op.create_index(
        "ix_contributed_records_connector_accepted_at", "contributed_records", ["connector", "accepted_at"]
    )
    op.create_table(
        "contributed_hours",
        sa.Column("entity_type", sa.String(length=36), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["entity_type"], ["entity_types.id"], name="fk_contributed_hours_entity_type", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("entity_type", "hour", name="pk_contributed_hours"),
    )
