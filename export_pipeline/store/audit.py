"""The audit log: every change that people made, in the order in which they made them.

It is only added to, and forgotten where the operator has set an end.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from export_pipeline.store.pages import Page, PageRequest, read_page
from export_pipeline.store.schema import AUDIT


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change: who made it, of what, and what that looked like before and after, without secrets.

    `actor_kind` is `key` for an API key, `user` for a user of the operating system, who has no id of ours.
    Without an organization it concerns the whole deployment. `before` is None of what was not there yet,
    `after` of what is there no more.
    """

    id: str
    at: datetime
    organization: str | None
    actor_kind: str
    actor_id: str | None
    actor_name: str
    request_id: str | None
    action: str
    subject: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def add_audit_entry(
    connection: sa.Connection,
    *,
    organization: str | None,
    actor_kind: str,
    actor_id: str | None,
    actor_name: str,
    request_id: str | None,
    action: str,
    subject: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> AuditEntry:
    """Note a change, in the transaction in which it is made."""
    entry = AuditEntry(
        id=str(uuid.uuid4()),
        at=datetime.now(UTC),
        organization=organization,
        actor_kind=actor_kind,
        actor_id=actor_id,
        actor_name=actor_name,
        request_id=request_id,
        action=action,
        subject=subject,
        before=before,
        after=after,
    )
    connection.execute(
        AUDIT.insert().values({column.name: getattr(entry, column.name) for column in AUDIT.c})
    )
    return entry


def forget_audit_entries(connection: sa.Connection, before: datetime) -> Mapping[str | None, int]:
    """Forget the changes from before then; how many each organization had."""
    old = AUDIT.c.at < before
    counted = sa.select(AUDIT.c.organization, sa.func.count()).where(old).group_by(AUDIT.c.organization)
    found = {row[0]: row[1] for row in connection.execute(counted)}
    if found:
        connection.execute(AUDIT.delete().where(old))
    return found


def audit_page(
    connection: sa.Connection, organization: str, asked: PageRequest, *, subject: str | None = None
) -> Page[AuditEntry]:
    """The organization's changes, the latest first; of one subject only if it is named."""
    query = sa.select(AUDIT).where(AUDIT.c.organization == organization)
    if subject is not None:
        query = query.where(AUDIT.c.subject == subject)
    return read_page(
        connection,
        query,
        by=(AUDIT.c.at, AUDIT.c.id),
        asked=asked,
        made=lambda row: AuditEntry(**row._mapping),
        newest_first=True,
    )
