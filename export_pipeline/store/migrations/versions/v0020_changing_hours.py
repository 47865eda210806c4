"""Since when an hour of an entity type has been changing."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("contributed_hours", sa.Column("changing_since", sa.DateTime(timezone=True), nullable=True))
