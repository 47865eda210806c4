"""Where the files of a delivered hour lie; of those that are there already, nobody knows."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("hours", sa.Column("place", sa.String(length=64), nullable=True))
