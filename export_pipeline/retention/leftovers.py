"""What else goes when its time is over: in the control database, and of runs that died."""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from export_pipeline.control.audit import note_change
from export_pipeline.pipeline.staging import Staging
from export_pipeline.settings import Settings
from export_pipeline.store.answers import forget_answers
from export_pipeline.store.audit import forget_audit_entries
from export_pipeline.store.claims import living_runs
from export_pipeline.store.contribution_sessions import end_sessions_unused_since
from export_pipeline.store.database import reading, trying, writing
from export_pipeline.store.request_counts import forget_counts

# A window lasts a minute. What is older tells nobody anything.
COUNTS_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """How much of it goes, or went."""

    answers: int
    request_counts: int
    audit_entries: int
    sessions: int
    staged_runs: int
    staged_bytes: int


def clear(control: sa.Engine, settings: Settings, run_id: str, now: datetime, *, dry_run: bool) -> Leftovers:
    """Forget old answers, counts, contributors' sessions and, if they have an end, audit entries; remove what
    dead runs staged.
    """
    transaction = trying if dry_run else writing
    with transaction(control) as connection:
        answers = forget_answers(connection, now - timedelta(hours=settings.answer_hours))
        counts = forget_counts(connection, now - COUNTS_KEPT)
        entries = _forget_audit(connection, settings.audit_days, now)
    with transaction(control) as connection:  # of its own: one may be large
        sessions = end_sessions_unused_since(connection, now - settings.contribution_idle)
    with reading(control) as connection:
        alive = living_runs(connection, datetime.now(UTC))
    folders = [*Staging(settings.staging_folder, run_id).left_behind(alive)]
    size = sum(map(_bytes_in, folders))
    for folder in folders if not dry_run else ():
        shutil.rmtree(folder, ignore_errors=True)
    return Leftovers(
        answers=answers,
        request_counts=counts,
        audit_entries=sum(entries.values()),
        sessions=sessions,
        staged_runs=len(folders),
        staged_bytes=size,
    )


def _forget_audit(connection: sa.Connection, days: int | None, now: datetime) -> Mapping[str | None, int]:
    """That entries are forgotten is noted, for each organization whose they were."""
    if days is None:
        return {}
    before = now - timedelta(days=days)
    forgotten = forget_audit_entries(connection, before)
    for organization, entries in forgotten.items():
        told = {"entries": entries, "until": before.isoformat()}
        note_change(connection, "audit.forget", organization=organization, subject="audit", before=told)
    return forgotten


def _bytes_in(folder: Path) -> int:
    sizes = []
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            sizes.append(path.stat().st_size if path.is_file() else 0)
    return sum(sizes)
