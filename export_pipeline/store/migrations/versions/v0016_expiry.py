"""Hours whose files have expired, and whether they are deleted; of those that are there none has."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    for name in ("expired_at", "removed_at"):
        op.add_column("hours", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
