"""The control database's tables. Changed only together with a migration (a test compares the two)."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

METADATA = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


class Moment(sa.types.TypeDecorator[datetime]):
    """An instant. UTC on the way in and out, also where the database forgets zones (SQLite)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} names no zone")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        assert isinstance(value, datetime)
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


ORGANIZATIONS = sa.Table(
    "organizations",
    METADATA,
    sa.Column("id", sa.String(63), primary_key=True),
    sa.Column("created_at", Moment, nullable=False),
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
)
_unique_while_there(CONNECTORS, "name")

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

# Hours that somebody wanted while their connector was not running.
WAITS = sa.Table(
    "waits",
    METADATA,
    sa.Column("export_id", sa.ForeignKey("exports.id"), primary_key=True),
    sa.Column("hour", Moment, primary_key=True),
    sa.Column("since", Moment, nullable=False),
    sa.Column("proven_since", Moment),  # set: deliver it again, unless it was found in place since then
)
