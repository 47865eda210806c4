"""The control database's tables. Changed only together with a migration (a test compares the two)."""

import sqlalchemy as sa

from export_pipeline.store import contribution_schema as contribution_schema  # its tables are ours as well
from export_pipeline.store import webhook_schema as webhook_schema
from export_pipeline.store.metadata import METADATA as METADATA
from export_pipeline.store.moments import Moment

ORGANIZATIONS = sa.Table(
    "organizations",
    METADATA,
    sa.Column("id", sa.String(63), primary_key=True),
    sa.Column("created_at", Moment, nullable=False),
    # Made when it is first needed; told to whoever asks for it, and never anybody else's.
    sa.Column("external_id", sa.String(64)),
)


# Whose rows of shared tables an organization may export: each is one organization's.
TENANTS = sa.Table(
    "tenants",
    METADATA,
    sa.Column("tenant", sa.String(255), primary_key=True),
    sa.Column("organization", sa.ForeignKey("organizations.id"), nullable=False, index=True),
    sa.Column("given_at", Moment, nullable=False),
)


def _unique_while_there(table: sa.Table, name: str) -> None:
    """One thing of a name in an organization; a deleted thing's name can be used again."""
    there = table.c.deleted_at.is_(None)
    sa.Index(
        f"uq_{table.name}_organization_{name}",
        table.c.organization,
        table.c[name],
        unique=True,
        sqlite_where=there,
        postgresql_where=there,
    )


CONNECTORS = sa.Table(
    "connectors",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("organization", sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("name", sa.String(63), nullable=False),
    sa.Column("type", sa.String(32), nullable=False),
    # Encrypted whole, so that no secret can be forgotten; emptied when the connector is deleted.
    sa.Column("sealed_config", sa.LargeBinary),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("deleted_at", Moment),  # kept: receipts of deleted exports name it
    # Defaults for rows that are stored by programs that know of no states.
    sa.Column("state", sa.String(16), nullable=False, server_default="RUNNING"),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("state_since", Moment),  # none: since it was made
    sa.Column("generation", sa.Integer, nullable=False, server_default="1"),  # rises with every change
    sa.Column("checked_at", Moment),
    sa.Column("next_check_at", Moment),  # none: at once, if its state is one that is checked
    sa.Column("failed_checks", sa.Integer, nullable=False, server_default="0"),  # in a row
    sa.Column("check_steps", sa.Text),  # of the last check, as JSON
    # How often it was given one.
    sa.Column("configuration", sa.Integer, nullable=False, server_default="1"),
    # Of a declared one: a digest of what was declared. None: not known yet.
    sa.Column("declaration", sa.String(64)),
    sa.Column("properties", sa.JSON),  # what whoever made it keeps with it, and nobody here reads
)
_unique_while_there(CONNECTORS, "name")

# Of checks: what may still lie there. Free for the next check once nobody holds it.
PROBES = sa.Table(
    "probes",
    METADATA,
    sa.Column("connector_id", sa.ForeignKey("connectors.id"), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("held_until", Moment, nullable=False),
)

EXPORTS = sa.Table(
    "exports",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("organization", sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("slug", sa.String(63), nullable=False),
    sa.Column("connector_id", sa.ForeignKey("connectors.id"), nullable=False, index=True),
    sa.Column("definition", sa.JSON, nullable=False),
    sa.Column("standing", sa.Boolean, nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("deleted_at", Moment),  # kept: its receipts stay explainable
    # Made for a one-off request, which had no name for it.
    sa.Column("generated", sa.Boolean, nullable=False, server_default=sa.false()),
    # What all of its keys begin with, case folded: few others have to be looked at for collisions.
    sa.Column("key_head", sa.Text),  # none: not known
)
_unique_while_there(EXPORTS, "slug")

# Deleted for good: nothing that was delivered names one, receipts hold what it stood for.
NAMED_FILTERS = sa.Table(
    "named_filters",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("organization", sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("name", sa.String(63), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("display_name", sa.Text),  # none: its name
    sa.Column("purpose", sa.String(16), nullable=False, server_default="reporting"),
    sa.UniqueConstraint("organization", "name"),
)

# Kept when they end: what was done with a key stays explainable.
API_KEYS = sa.Table(
    "api_keys",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("organization", sa.ForeignKey("organizations.id"), nullable=False, index=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("privileges", sa.Text, nullable=False),  # a list as JSON
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment),
    sa.Column("revoked_at", Moment),
    sa.Column("last_used_at", Moment),
    sa.Column("rotated_at", Moment),  # by then another was made in its place
)

# Where a key works besides its own organization.
API_KEY_ORGANIZATIONS = sa.Table(
    "api_key_organizations",
    METADATA,
    sa.Column("api_key_id", sa.ForeignKey("api_keys.id"), primary_key=True),
    sa.Column("organization", sa.ForeignKey("organizations.id"), primary_key=True),
)

# One row for each key: the window in which it asked last.
REQUEST_COUNTS = sa.Table(
    "request_counts",
    METADATA,
    sa.Column("api_key_id", sa.ForeignKey("api_keys.id"), primary_key=True),
    sa.Column("window", Moment, nullable=False),
    sa.Column("requests", sa.Integer, nullable=False),
)

SIGNS_OF_LIFE = sa.Table(
    "signs_of_life",
    METADATA,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("seen_at", Moment, nullable=False),
)

# What requests were answered that carried an Idempotency-Key, for a day.
ANSWERS = sa.Table(
    "answers",
    METADATA,
    sa.Column("api_key_id", sa.ForeignKey("api_keys.id"), primary_key=True),
    sa.Column("organization", sa.ForeignKey("organizations.id"), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("answer", sa.Text),  # none: it held what is shown once
    sa.Column("asked_at", Moment, nullable=False),
)

# Who changed what. Names an actor and a subject as they were then: both may be gone.
AUDIT = sa.Table(
    "audit",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("organization", sa.ForeignKey("organizations.id")),  # none: the whole deployment
    sa.Column("actor_kind", sa.String(16), nullable=False),
    sa.Column("actor_id", sa.String(36)),
    sa.Column("actor_name", sa.Text, nullable=False),
    sa.Column("request_id", sa.String(64)),
    sa.Column("action", sa.String(64), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("before", sa.JSON(none_as_null=True)),
    sa.Column("after", sa.JSON(none_as_null=True)),
    sa.Index("ix_audit_organization_at", "organization", "at"),
)

TASKS = sa.Table(
    "tasks",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("organization", sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("export_id", sa.ForeignKey("exports.id"), nullable=False, index=True),
    sa.Column("since", Moment, nullable=False),
    sa.Column("until", Moment, nullable=False),
    sa.Column("force", sa.Boolean, nullable=False),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("started_at", Moment, index=True),
    sa.Column("error", sa.Text),
    # Rises each time it goes back into the queue, so that Dagster makes another run of it.
    sa.Column("attempt", sa.Integer, nullable=False, server_default="1"),
    sa.Column("origin", sa.String(32)),  # which face took the request; none: no request, but an export's task
    sa.Column("name", sa.Text),
    sa.Column("properties", sa.JSON, nullable=False, server_default="{}"),  # what the face gives back
    sa.Column("cancel_requested_at", Moment),
    sa.Column("ended_at", Moment),  # its run's end, whatever came of it
    sa.Column("deleted_at", Moment),  # by whoever asked; kept: a link to it says so
    sa.Column("expired_at", Moment),  # its files were removed, as nobody was to need them by then
    sa.Column("cancelled_by", sa.Text),
    sa.Index(None, "organization", "requested_at"),
)

HOURS = sa.Table(
    "hours",
    METADATA,
    sa.Column("export_id", sa.ForeignKey("exports.id"), primary_key=True),
    sa.Column("hour", Moment, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("since", Moment, nullable=False),  # the part of the hour it holds: all of it, as a rule
    sa.Column("until", Moment, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("receipt_key", sa.Text, nullable=False),
    sa.Column("receipt", sa.Text, nullable=False),  # the file's text: it can be put back if it is lost
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("delivered_at", Moment, nullable=False),
    sa.Column("proven_at", Moment, nullable=False),  # when a run last found all of it in place
    sa.Column("in_doubt", sa.Boolean, nullable=False),  # a run began to replace it, and has not recorded that
    sa.Column("hours", sa.Integer, nullable=False, server_default="1"),  # a range, whose first it is
    sa.Column("place", sa.String(64)),  # a digest, as of begun objects
    sa.Column("expired_at", Moment),  # its files are to be had no more; the receipt stays
    sa.Column("removed_at", Moment),  # none of an expired one: its files have still to be deleted
)

FAILURES = sa.Table(
    "failures",
    METADATA,
    sa.Column("export_id", sa.ForeignKey("exports.id"), primary_key=True),
    sa.Column("hour", Moment, primary_key=True),
    sa.Column("stage", sa.String(16), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("failed_at", Moment, nullable=False),
)

CLAIMS = sa.Table(
    "claims",
    METADATA,
    sa.Column("export_id", sa.ForeignKey("exports.id"), primary_key=True),
    sa.Column("hour", Moment, primary_key=True),
    sa.Column("owner", sa.String(64), nullable=False, index=True),
    sa.Column("stage", sa.String(16), nullable=False),
    sa.Column("done", sa.BigInteger, nullable=False),  # rows or bytes of the stage
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
)

# Objects that are being written where nobody may look. What is left is of attempts that were cut off, or of
# hours that were delivered elsewhere since.
BEGUN_OBJECTS = sa.Table(
    "begun_objects",
    METADATA,
    sa.Column("export_id", sa.ForeignKey("exports.id"), primary_key=True),
    sa.Column("hour", Moment, primary_key=True),
    sa.Column("place", sa.String(64), primary_key=True),  # a digest: it is not for all to read
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("begun_at", Moment, nullable=False),
)

# Hours that somebody wanted while their connector was not running.
WAITS = sa.Table(
    "waits",
    METADATA,
    sa.Column("export_id", sa.ForeignKey("exports.id"), primary_key=True),
    sa.Column("hour", Moment, primary_key=True),
    sa.Column("since", Moment, nullable=False),
    sa.Column("proven_since", Moment),  # set: deliver it again, unless it was found in place since then
)

# What is exported of every day, week or month once that is over.
SCHEDULES = sa.Table(
    "schedules",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("organization", sa.ForeignKey("organizations.id"), nullable=False, index=True),
    sa.Column("author", sa.String(100), nullable=False),
    sa.Column("wanted", sa.JSON, nullable=False),
    sa.Column("emails", sa.JSON, nullable=False),
    sa.Column("frequency", sa.String(16), nullable=False),
    sa.Column("timezone", sa.String(64), nullable=False),
    sa.Column("day_of_week", sa.String(16), nullable=False),
    sa.Column("next_since", Moment, nullable=False),  # the period that is exported next
    sa.Column("next_until", Moment, nullable=False, index=True),
    sa.Column("error", sa.Text),  # why that was refused
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("deleted_at", Moment),  # kept: its exports name it
)
