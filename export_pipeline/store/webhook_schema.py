"""The tables of what data connectors' webhooks answered; `schema.py` names these as well."""

import sqlalchemy as sa

from export_pipeline.store.contribution_schema import LONGEST_VENDOR_ID
from export_pipeline.store.metadata import METADATA
from export_pipeline.store.moments import Moment

# Of each record the last answer: used until then without asking, and never once its connector was changed.
WEBHOOK_ANSWERS = sa.Table(
    "webhook_answers",
    METADATA,
    sa.Column("connector", sa.ForeignKey("data_connectors.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("vendor_id", sa.String(LONGEST_VENDOR_ID), primary_key=True),
    sa.Column("entity", sa.JSON(none_as_null=True)),  # none: nothing was said of it
    sa.Column("instance", sa.JSON(none_as_null=True)),
    sa.Column("fetched_at", Moment, nullable=False),
    sa.Column("until", Moment, nullable=False),
    sa.Index(None, "connector", "fetched_at"),
)

# How often each webhook gave no answer that could be used, by why.
WEBHOOK_FAILURES = sa.Table(
    "webhook_failures",
    METADATA,
    sa.Column("connector", sa.ForeignKey("data_connectors.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("reason", sa.String(32), primary_key=True),
    sa.Column("failures", sa.BigInteger, nullable=False),
    sa.Column("last_at", Moment, nullable=False),
)
