"""What data connectors' webhooks answered, and how often they did not."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "webhook_answers",
        sa.Column("connector", sa.String(length=36), nullable=False),
        sa.Column("vendor_id", sa.String(length=256), nullable=False),
        sa.Column("entity", sa.JSON(), nullable=True),
        sa.Column("instance", sa.JSON(), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connector"], ["data_connectors.id"], name="fk_webhook_answers_connector", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connector", "vendor_id", name="pk_webhook_answers"),
    )
    op.create_index("ix_webhook_answers_connector_fetched_at", "webhook_answers", ["connector", "fetched_at"])
    op.create_table(
        "webhook_failures",
        sa.Column("connector", sa.String(length=36), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connector"], ["data_connectors.id"], name="fk_webhook_failures_connector", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connector", "reason", name="pk_webhook_failures"),
    )
