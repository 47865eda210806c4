"""How often data connectors asked in the present window."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "contributor_request_counts",
        sa.Column("connector", sa.String(length=36), nullable=False),
        sa.Column("window", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("connector", name="pk_contributor_request_counts"),
    )
