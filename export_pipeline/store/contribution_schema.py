"""The tables of what third parties contribute; `schema.py` has all the others, and names these as well.

What an entity type holds goes with it, and so does what a data connector contributed: the database sees to
that.
"""

import sqlalchemy as sa

from export_pipeline.store.metadata import METADATA
from export_pipeline.store.moments import Moment

LONGEST_VENDOR_ID = 256


def _goes_with(key: str) -> sa.ForeignKey:
    return sa.ForeignKey(key, ondelete="CASCADE")


ENTITY_TYPES = sa.Table(
    "entity_types",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("organization", sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("eid", sa.String(32), nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("schema", sa.JSON, nullable=False),  # JSON Schema of records; {}: any object will do
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("icon", sa.Text),
    sa.Column("timeseries", sa.JSON, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.UniqueConstraint("organization", "eid"),
)

DATA_CONNECTORS = sa.Table(
    "data_connectors",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("entity_type", _goes_with("entity_types.id"), nullable=False),
    sa.Column("cid", sa.String(32), nullable=False),
    # The same for connectors of one name in two organizations: who contributes is known by the token.
    sa.Column("contribution_id", sa.String(40), nullable=False),
    sa.Column("token_digest", sa.String(64), nullable=False, unique=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("webhook", sa.Text),
    sa.Column("cache", sa.Integer, nullable=False),  # seconds for which an answer of the webhook is kept
    sa.Column("is_live", sa.Boolean, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.UniqueConstraint("entity_type", "cid"),
)

# Those that are open: of each connector one at most.
CONTRIBUTION_SESSIONS = sa.Table(
    "contribution_sessions",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("connector", _goes_with("data_connectors.id"), nullable=False, unique=True),
    sa.Column("mode", sa.String(16), nullable=False),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("last_used_at", Moment, nullable=False, index=True),
)

# What an open session is to change when it is closed: of each record the last that was said of it.
STAGED_CHANGES = sa.Table(
    "staged_changes",
    METADATA,
    sa.Column("session", _goes_with("contribution_sessions.id"), primary_key=True),
    sa.Column("vendor_id", sa.String(LONGEST_VENDOR_ID), primary_key=True),
    sa.Column("public_id", sa.String(40), nullable=False),
    sa.Column("name", sa.String(256)),  # none, nor anything below: the record is to be deleted
    sa.Column("record", sa.JSON(none_as_null=True)),
    sa.Column("instance", sa.JSON(none_as_null=True)),
    sa.Column("digest", sa.String(64)),
)

# Those that are there: a record that its contributor deletes is kept nowhere.
CONTRIBUTED_RECORDS = sa.Table(
    "contributed_records",
    METADATA,
    sa.Column("connector", _goes_with("data_connectors.id"), primary_key=True),
    sa.Column("vendor_id", sa.String(LONGEST_VENDOR_ID), primary_key=True),
    sa.Column("public_id", sa.String(40), nullable=False, index=True),
    sa.Column("name", sa.String(256), nullable=False),
    sa.Column("record", sa.JSON, nullable=False),  # the contributor's `entity`
    sa.Column("instance", sa.JSON(none_as_null=True)),
    # Of name, record and instance: what is contributed again as it is was not changed.
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("accepted_at", Moment, nullable=False),  # the last change: it puts the record into its hour
    sa.Index(None, "connector", "accepted_at"),
)

# Which hours of an entity type changed, and when last: those that a live connector's record came into, or
# left, be it for another hour or for good.
CONTRIBUTED_HOURS = sa.Table(
    "contributed_hours",
    METADATA,
    sa.Column("entity_type", _goes_with("entity_types.id"), primary_key=True),
    sa.Column("hour", Moment, primary_key=True),
    sa.Column("changes", sa.Integer, nullable=False),  # so many transactions
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("changing_since", Moment),  # the first of the changes that followed soon upon each other
)

# How often data connectors asked in a window. One may be deleted meanwhile: its count goes when it is old.
CONTRIBUTOR_REQUEST_COUNTS = sa.Table(
    "contributor_request_counts",
    METADATA,
    sa.Column("connector", sa.String(36), primary_key=True),
    sa.Column("window", Moment, nullable=False),
    sa.Column("requests", sa.Integer, nullable=False),
)
