"""Stored schedules: an organization's own, and everybody's that are due."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from export_pipeline.errors import NotFound
from export_pipeline.exports.recurring import Frequency, Period, Recurrence
from export_pipeline.store.database import reading, writing
from export_pipeline.store.organizations import ensure_organization
from export_pipeline.store.schedules import (
    StoredSchedule,
    add_schedule,
    change_schedule,
    due_schedules,
    find_schedule,
    hide_schedule,
    list_schedules,
    note_refusal,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def add(control: sa.Engine, organization: str, until: datetime) -> StoredSchedule:
    with writing(control) as connection:
        ensure_organization(connection, organization)
        return add_schedule(
            connection,
            organization=organization,
            author="somebody",
            wanted={"tables": ["searches"]},
            emails=["a@example.com"],
            recurrence=Recurrence(frequency=Frequency.WEEKLY, timezone="Europe/Berlin", day_of_week="FRIDAY"),
            next=Period(until - timedelta(days=7), until),
        )


def test_a_schedule_comes_back_as_it_was_stored(control: sa.Engine) -> None:
    made = add(control, "acme", NOON)

    with reading(control) as connection:
        assert find_schedule(connection, "acme", made.id) == made
        assert list_schedules(connection, "acme") == [made]
        assert list_schedules(connection, "other") == []
        with pytest.raises(NotFound):
            find_schedule(connection, "other", made.id)


def test_those_whose_period_has_ended_are_due_the_longest_due_first(control: sa.Engine) -> None:
    later, sooner, not_yet = (
        add(control, organization, NOON + timedelta(hours=hours))
        for organization, hours in (("acme", 0), ("other", -1), ("acme", 1))
    )

    with reading(control) as connection:
        assert due_schedules(connection, NOON) == [sooner, later]
    with writing(control) as connection:
        hide_schedule(connection, sooner.id)
        change_schedule(connection, replace(later, next=not_yet.next))
    with reading(control) as connection:
        assert due_schedules(connection, NOON) == []


def test_why_a_period_was_refused_is_noted(control: sa.Engine) -> None:
    made = add(control, "acme", NOON)

    with writing(control) as connection:
        note_refusal(connection, made, "so it is")

    with reading(control) as connection:
        assert find_schedule(connection, "acme", made.id) == replace(made, error="so it is")
