"""The ledger: one row per export, hour and revision; failures until the hour is delivered."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.exports.export import Export
from export_pipeline.store.database import reading, writing
from export_pipeline.store.ledger import (
    HourFailure,
    LedgerEntry,
    count_delivered,
    count_failed,
    doubt_entry,
    every_revision,
    failures_between,
    forget_failures,
    latest_entries,
    latest_entry,
    write_entry,
    write_failure,
)
from export_pipeline.store.schema import HOURS
from export_pipeline_tests.builders import a_failure, a_ledger_entry, an_hour, moment
from export_pipeline_tests.control_databases import stored_connector, stored_export

LATER = moment("2013-01-03 00:00")
DAY = an_hour().start, an_hour(24).start


@pytest.fixture
def export(control: sa.Engine) -> Export:
    return stored_export(control)


@pytest.fixture
def other(control: sa.Engine) -> Export:
    """Another export with the same hours, delivered and failed."""
    other = stored_export(control, stored_connector(control, name="other"), slug="other")
    for hour in range(3):
        entered(control, other, hour, revision=9)
        failed(control, other, hour + 3)
    return other


def entered(control: sa.Engine, export: Export, hours_later: int = 0, **changes: Any) -> LedgerEntry:
    entry = a_ledger_entry(export_id=export.id, hour=an_hour(hours_later).start, **changes)
    with writing(control) as connection:
        write_entry(connection, entry)
    return entry


def failed(control: sa.Engine, export: Export, hours_later: int = 0, **changes: Any) -> HourFailure:
    failure = a_failure(export_id=export.id, hour=an_hour(hours_later).start, **changes)
    with writing(control) as connection:
        write_failure(connection, failure)
    return failure


def asked(control: sa.Engine, question: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    with reading(control) as connection:
        return question(connection, *arguments, **options)


def test_an_entry_comes_back_as_it_was_written(control: sa.Engine, export: Export) -> None:
    entry = entered(control, export, rows=2**40, bytes=2**50, receipt="é" * 10_000)

    assert asked(control, latest_entry, export.id, entry.hour) == entry


@pytest.mark.usefixtures("other")
def test_an_hour_that_is_not_delivered_has_no_entry(control: sa.Engine, export: Export) -> None:
    assert asked(control, latest_entry, export.id, an_hour().start) is None
    assert asked(control, latest_entries, export.id, *DAY) == []


def test_the_same_revision_is_one_row_that_was_proven_again(control: sa.Engine, export: Export) -> None:
    first = entered(control, export)

    entered(control, export, proven_at=LATER, run_id="run-2", seconds=9.0, delivered_at=LATER)

    with reading(control) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(HOURS)) == 1
    assert asked(control, latest_entry, export.id, first.hour) == replace(first, proven_at=LATER)


def test_revisions_stay_beside_each_other_and_the_newest_counts(control: sa.Engine, export: Export) -> None:
    first = entered(control, export, revision=1)
    third = entered(control, export, revision=3, rows=5)
    second = entered(control, export, revision=2)
    entered(control, export, 1, revision=4)

    with reading(control) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(HOURS)) == 4
    assert asked(control, latest_entry, export.id, third.hour) == third
    assert asked(control, latest_entries, export.id, *DAY)[0] == third
    assert asked(control, every_revision, export.id, third.hour) == [third, second, first]


@pytest.mark.usefixtures("other")
def test_entries_are_those_of_the_half_open_range_in_order(control: sa.Engine, export: Export) -> None:
    entries = [entered(control, export, hour) for hour in (3, 0, 2, 1)]

    found = asked(control, latest_entries, export.id, an_hour(1).start, an_hour(3).start)

    assert found == [entries[3], entries[2]]


def test_each_hour_has_its_own_newest_revision(control: sa.Engine, export: Export) -> None:
    for hour, revisions in [(0, 3), (1, 1), (2, 2)]:
        for revision in range(1, revisions + 1):
            entered(control, export, hour, revision=revision)

    found = asked(control, latest_entries, export.id, *DAY)

    assert [entry.revision for entry in found] == [3, 1, 2]


@pytest.mark.usefixtures("other")
def test_hours_are_counted_once_whatever_their_revisions(control: sa.Engine, export: Export) -> None:
    for revision in (1, 2):
        entered(control, export, 0, revision=revision)
    entered(control, export, 1)

    assert asked(control, count_delivered, export.id, *DAY) == 2
    assert asked(control, count_delivered, export.id, an_hour(1).start, DAY[1]) == 1
    assert asked(control, count_delivered, export.id, DAY[0], an_hour(1).start) == 1


def test_only_hours_proven_since_are_counted_when_asked(control: sa.Engine, export: Export) -> None:
    entered(control, export, 0)
    entered(control, export, 1, proven_at=LATER)

    assert asked(control, count_delivered, export.id, *DAY, proven_since=LATER) == 1
    assert asked(control, count_delivered, export.id, *DAY, proven_since=LATER + timedelta(seconds=1)) == 0


def test_an_hour_in_doubt_is_not_delivered_until_it_is_recorded_again(
    control: sa.Engine, export: Export
) -> None:
    entry = entered(control, export)
    with writing(control) as connection:
        doubt_entry(connection, export.id, entry.hour)
    with reading(control) as connection:
        assert latest_entry(connection, export.id, entry.hour) == replace(entry, in_doubt=True)
        assert count_delivered(connection, export.id, *DAY) == 0

    entered(control, export)
    with reading(control) as connection:
        assert latest_entry(connection, export.id, entry.hour) == entry
        assert count_delivered(connection, export.id, *DAY) == 1


def test_an_hour_whose_next_revision_is_recorded_is_in_doubt_no_more(
    control: sa.Engine, export: Export
) -> None:
    entry = entered(control, export)
    with writing(control) as connection:
        doubt_entry(connection, export.id, entry.hour)

    entered(control, export, revision=2)

    with reading(control) as connection:
        assert count_delivered(connection, export.id, *DAY) == 1


def test_a_failure_comes_back_as_it_was_written(control: sa.Engine, export: Export) -> None:
    failure = failed(control, export, message="é" * 1000)

    assert asked(control, failures_between, export.id, *DAY) == [failure]


def test_an_hour_has_one_failure_the_latest(control: sa.Engine, export: Export) -> None:
    failed(control, export, message="first")
    second = failed(control, export, message="second", stage="extract", failed_at=LATER)

    assert asked(control, failures_between, export.id, *DAY) == [second]


def test_a_delivery_forgets_the_hours_failure_and_no_other(
    control: sa.Engine, export: Export, other: Export
) -> None:
    failed(control, export, 0)
    left = failed(control, export, 1)

    entered(control, export, 0)

    assert asked(control, failures_between, export.id, *DAY) == [left]
    assert len(asked(control, failures_between, other.id, *DAY)) == 3


def test_an_hour_proven_again_has_failed_no_more(control: sa.Engine, export: Export) -> None:
    entered(control, export)
    failed(control, export)

    entered(control, export, proven_at=LATER)

    assert asked(control, failures_between, export.id, *DAY) == []


@pytest.mark.usefixtures("other")
def test_failures_are_forgotten_when_hours_are_tried_again(control: sa.Engine, export: Export) -> None:
    for hour in range(3):
        failed(control, export, hour)

    with writing(control) as connection:
        forget_failures(connection, export.id, [an_hour(0).start, an_hour(2).start])

    assert [failure.hour for failure in asked(control, failures_between, export.id, *DAY)] == [
        an_hour(1).start
    ]


@pytest.mark.usefixtures("other")
def test_failures_are_those_of_the_half_open_range_in_order(control: sa.Engine, export: Export) -> None:
    failures = [failed(control, export, hour) for hour in (3, 0, 2, 1)]

    found = asked(control, failures_between, export.id, an_hour(1).start, an_hour(3).start)

    assert found == [failures[3], failures[2]]


def test_only_later_failures_are_told_when_asked(control: sa.Engine, export: Export) -> None:
    failed(control, export, 0)
    later = failed(control, export, 1, failed_at=LATER)

    assert asked(control, failures_between, export.id, *DAY, failed_since=LATER) == [later]


@pytest.mark.usefixtures("other")
def test_failed_hours_are_counted(control: sa.Engine, export: Export) -> None:
    failed(control, export, 0)
    failed(control, export, 1, failed_at=LATER)

    early = moment("2013-01-01 00:00")
    assert asked(control, count_failed, export.id, *DAY, failed_since=early) == 2
    assert asked(control, count_failed, export.id, *DAY, failed_since=LATER) == 1
    assert asked(control, count_failed, export.id, an_hour(1).start, DAY[1], failed_since=early) == 1


def test_an_hour_that_is_delivered_is_not_counted_as_failed(control: sa.Engine, export: Export) -> None:
    entered(control, export)
    failure = failed(control, export, failed_at=LATER)

    assert asked(control, count_failed, export.id, *DAY, failed_since=failure.failed_at) == 0
    # ... unless it has to be delivered anew.
    assert asked(control, count_failed, export.id, *DAY, failed_since=LATER, proven_since=LATER) == 1


def expire(control: sa.Engine, export: Export, hours_later: int = 0) -> None:
    hour = HOURS.c.export_id == export.id, HOURS.c.hour == an_hour(hours_later).start
    with writing(control) as connection:
        connection.execute(HOURS.update().where(*hour).values(expired_at=LATER, removed_at=LATER))


def test_an_hour_whose_files_have_expired_counts_for_whoever_wanted_it_before(
    control: sa.Engine, export: Export
) -> None:
    entered(control, export, 0)
    entered(control, export, 1)
    expire(control, export, 1)
    before, after = LATER - timedelta(seconds=1), LATER

    assert asked(control, count_delivered, export.id, *DAY) == 2
    assert asked(control, count_delivered, export.id, *DAY, wanted_at=before) == 2
    assert asked(control, count_delivered, export.id, *DAY, wanted_at=after) == 1


def test_an_hour_whose_files_have_expired_fails_for_whoever_wants_it_now(
    control: sa.Engine, export: Export
) -> None:
    entered(control, export)
    failed(control, export, failed_at=LATER)
    expire(control, export)
    asked_for = {"failed_since": LATER - timedelta(hours=1)}

    assert asked(control, count_failed, export.id, *DAY, **asked_for) == 0
    assert asked(control, count_failed, export.id, *DAY, **asked_for, wanted_at=LATER) == 1


def test_an_hour_that_is_delivered_anew_is_there_again(control: sa.Engine, export: Export) -> None:
    entry = entered(control, export)
    expire(control, export)

    entered(control, export, proven_at=LATER)

    found = asked(control, latest_entry, export.id, entry.hour)
    assert (found.revision, found.expired_at, found.removed_at) == (1, None, None)
