"""The audit log is read the latest first, each organization its own."""

from typing import Any

import sqlalchemy as sa

from export_pipeline.store.audit import AuditEntry, add_audit_entry, audit_page
from export_pipeline.store.database import reading, writing
from export_pipeline.store.organizations import ensure_organization
from export_pipeline.store.pages import PageRequest


def entry(connection: sa.Connection, organization: str | None = "acme", **changes: Any) -> AuditEntry:
    values: dict[str, Any] = {
        "organization": organization,
        "actor_kind": "key",
        "actor_id": "key-1",
        "actor_name": "nightly",
        "request_id": "request-1",
        "action": "filter.replace",
        "subject": "big",
        "before": {"text": "a"},
        "after": {"text": "b"},
    }
    return add_audit_entry(connection, **values | changes)


def test_what_is_noted_is_read_back_the_latest_first(control: sa.Engine) -> None:
    with writing(control) as connection:
        ensure_organization(connection, "acme")
        first = entry(connection, before=None)
        second = entry(connection, after=None, subject="small", request_id=None, actor_id=None)

    with reading(control) as connection:
        assert audit_page(connection, "acme", PageRequest()).items == [second, first]
        assert audit_page(connection, "acme", PageRequest(), subject="big").items == [first]
        page = audit_page(connection, "acme", PageRequest(limit=1))
        assert page.items == [second]
        assert audit_page(connection, "acme", PageRequest(cursor=page.next)).items == [first]


def test_anothers_changes_and_the_deployments_are_not_shown(control: sa.Engine) -> None:
    with writing(control) as connection:
        for name in ("acme", "globex"):
            ensure_organization(connection, name)
        entry(connection, "globex")
        entry(connection, None)

    with reading(control) as connection:
        assert audit_page(connection, "acme", PageRequest()).items == []
