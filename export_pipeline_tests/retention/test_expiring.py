"""Marking what is due: in one transaction, with one entry in the audit log, and nothing deleted."""

from datetime import UTC, datetime, timedelta

import pytest

from export_pipeline.pipeline.beginning import place_of
from export_pipeline.retention.expiring import Expired, expire, expiring
from export_pipeline.store.audit import AuditEntry, audit_page
from export_pipeline.store.database import reading
from export_pipeline.store.expiry import Deadlines, KeptExport, kept_exports
from export_pipeline.store.pages import PageRequest
from export_pipeline_tests.installations import FIRST, Installation, hours
from export_pipeline_tests.retention.conftest import files
from export_pipeline_tests.runs import deliver

NOW = datetime.now(UTC) + timedelta(days=30)
DEADLINES = Deadlines(found=NOW - timedelta(days=7), deleted=NOW - timedelta(days=7))


@pytest.fixture
def kept(installation: Installation) -> KeptExport:
    """Three hours of it are delivered."""
    deliver(installation, installation.export(), hours(0, 2))
    with reading(installation.deployment.control) as connection:
        (kept,) = kept_exports(connection, DEADLINES)
    return kept


def place(installation: Installation, kept: KeptExport) -> str:
    return place_of(installation.deployment.connector(kept.connector_id), kept.id)


def told(installation: Installation) -> list[AuditEntry]:
    with reading(installation.deployment.control) as connection:
        page = audit_page(connection, "default", PageRequest(limit=100), subject="events")
    return [entry for entry in page.items if entry.action == "export.expire"]


def test_it_is_told_before_what_would_be_marked(installation: Installation, kept: KeptExport) -> None:
    control, where = installation.deployment.control, place(installation, kept)

    would = expiring(control, kept, DEADLINES, where)
    assert told(installation) == []
    did = expire(control, kept, DEADLINES, where, NOW)

    assert would == did
    size = sum((installation.downloads / "events" / name).stat().st_size for name in files(installation))
    assert (did.tasks, did.hours.hours, did.hours.bytes, did.waiting.hours) == (0, 3, size, 0)
    assert expiring(control, kept, DEADLINES, where).waiting == did.hours


def test_one_entry_of_the_audit_log_says_what_expired(installation: Installation, kept: KeptExport) -> None:
    control, where = installation.deployment.control, place(installation, kept)

    did = expire(control, kept, DEADLINES, where, NOW)
    again: Expired = expire(control, kept, DEADLINES, where, NOW)

    (entry,) = told(installation)
    assert entry.before == {
        "tasks": 0,
        "hours": 3,
        "bytes": did.hours.bytes,
        "first_hour": FIRST.isoformat(),
        "until": (FIRST + timedelta(hours=3)).isoformat(),
    }
    assert entry.after is None
    assert again.hours.hours == 0


def test_nothing_is_deleted_yet(installation: Installation, kept: KeptExport) -> None:
    expire(installation.deployment.control, kept, DEADLINES, place(installation, kept), NOW)

    assert len(files(installation)) == 3


def test_what_lies_elsewhere_is_not_marked(installation: Installation, kept: KeptExport) -> None:
    did = expire(installation.deployment.control, kept, DEADLINES, "elsewhere", NOW)

    assert did.hours.hours == 0
    with reading(installation.deployment.control) as connection:
        (export,) = [one for one in kept_exports(connection, DEADLINES) if one.id == kept.id]
    assert export == kept
    assert told(installation) == []
    assert len(files(installation)) == 3
