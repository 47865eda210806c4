"""Answers, counts and audit entries of old, and what dead runs have staged."""

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from export_pipeline.control.keys import create_key
from export_pipeline.retention.leftovers import Leftovers, clear
from export_pipeline.store.answers import take_place
from export_pipeline.store.audit import audit_page
from export_pipeline.store.claims import claim
from export_pipeline.store.contribution_schema import CONTRIBUTION_SESSIONS
from export_pipeline.store.database import reading, writing
from export_pipeline.store.pages import PageRequest
from export_pipeline.store.request_counts import count_requests
from export_pipeline.store.schema import ANSWERS, REQUEST_COUNTS
from export_pipeline_tests.contributing import opened, stored_data_connector, stored_entity
from export_pipeline_tests.installations import FIRST, Installation

NOW = datetime.now(UTC)
NOTHING = Leftovers(answers=0, request_counts=0, audit_entries=0, sessions=0, staged_runs=0, staged_bytes=0)


def cleared(
    installation: Installation, *, now: datetime = NOW, dry_run: bool = False, **kept: int
) -> Leftovers:
    deployment = installation.deployment
    settings = deployment.settings.model_copy(update=kept)
    return clear(deployment.control, settings, "retention-1", now, dry_run=dry_run)


def asked(installation: Installation, at: datetime) -> None:
    """Somebody with a key of its own asked for something once, with an Idempotency-Key."""
    with writing(installation.deployment.control) as connection:
        key = create_key(connection, organization="default", privileges=["admin"], name="test").key
        take_place(connection, key.id, "default", "mine", digest="", now=at, since=at)
        count_requests(connection, key.id, at, 1, limit=100)


def left(installation: Installation, table: sa.Table) -> int:
    with reading(installation.deployment.control) as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_where_nothing_is_old_nothing_goes(installation: Installation) -> None:
    asked(installation, NOW)

    assert cleared(installation) == NOTHING
    assert (left(installation, ANSWERS), left(installation, REQUEST_COUNTS)) == (1, 1)


def test_answers_stay_as_long_as_the_operator_says(installation: Installation) -> None:
    asked(installation, NOW - timedelta(hours=23))
    asked(installation, NOW - timedelta(hours=25))

    assert cleared(installation, answer_hours=26).answers == 0
    assert cleared(installation, dry_run=True).answers == 1
    assert cleared(installation).answers == 1
    assert left(installation, ANSWERS) == 1


def test_counts_go_after_a_day(installation: Installation) -> None:
    asked(installation, NOW - timedelta(hours=23))
    asked(installation, NOW - timedelta(hours=25))

    assert cleared(installation).request_counts == 1
    assert left(installation, REQUEST_COUNTS) == 1


def test_audit_entries_stay_unless_there_is_an_end(installation: Installation) -> None:
    asked(installation, NOW)  # the key that was made for it is noted
    later = NOW + timedelta(days=100)

    def actions() -> list[str]:
        with reading(installation.deployment.control) as connection:
            return [entry.action for entry in audit_page(connection, "default", PageRequest(limit=100)).items]

    assert cleared(installation, now=later).audit_entries == 0
    assert cleared(installation, now=later, audit_days=101).audit_entries == 0
    assert cleared(installation, now=later, audit_days=99, dry_run=True).audit_entries == 1
    assert actions() == ["key.create"]
    assert cleared(installation, now=later, audit_days=99).audit_entries == 1
    assert actions() == ["audit.forget"]  # which is told itself


def test_sessions_that_no_contributor_came_back_to_go(installation: Installation) -> None:
    control = installation.deployment.control
    for organization in ("acme", "other"):
        opened(control, stored_data_connector(control, stored_entity(control, organization=organization)))

    assert cleared(installation) == NOTHING
    a_day_on = datetime.now(UTC) + timedelta(days=1)
    assert cleared(installation, now=a_day_on, contribution_session_seconds=86_460).sessions == 0
    assert cleared(installation, now=a_day_on, dry_run=True).sessions == 2
    assert cleared(installation, now=a_day_on).sessions == 2
    assert left(installation, CONTRIBUTION_SESSIONS) == 0


def test_what_dead_runs_have_staged_goes(installation: Installation) -> None:
    staging = installation.deployment.settings.staging_folder
    export = installation.export()
    long_ago = time.time() - 7200
    for run in ("dead", "alive", "fresh"):
        (staging / run / "hour").mkdir(parents=True)
        (staging / run / "hour" / "rows.arrow").write_bytes(b"x" * 100)
        if run != "fresh":
            os.utime(staging / run, (long_ago, long_ago))
    with writing(installation.deployment.control) as connection:
        lasts = datetime.now(UTC) + timedelta(minutes=10)
        claim(connection, export.id, FIRST, "alive", now=datetime.now(UTC), expires_at=lasts)

    would = cleared(installation, dry_run=True)
    assert len([*staging.iterdir()]) == 3
    did = cleared(installation)

    assert would == did == replace(NOTHING, staged_runs=1, staged_bytes=100)
    assert sorted(folder.name for folder in staging.iterdir()) == ["alive", "fresh"]
