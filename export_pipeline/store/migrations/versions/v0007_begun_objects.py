"""Objects that are begun where nobody may look, and what a connector's declaration said when it was read."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "begun_objects",
        sa.Column("export_id", sa.String(length=36), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["export_id"], ["exports.id"], name="fk_begun_objects_export_id"),
        sa.PrimaryKeyConstraint("export_id", "hour", "place", "key", name="pk_begun_objects"),
    )
    op.add_column("connectors", sa.Column("declaration", sa.String(length=64), nullable=True))
