"""Deleting what is marked: all of it, nothing else, and never what somebody is at work on."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from export_pipeline.control.exports import delete_export
from export_pipeline.exports.export import Export
from export_pipeline.pipeline.beginning import place_of
from export_pipeline.pipeline.claiming import Claims
from export_pipeline.retention.expiring import expire
from export_pipeline.retention.removing import Removed, Remover, files_to_delete
from export_pipeline.store.claims import claim, claims_between
from export_pipeline.store.database import reading, writing
from export_pipeline.store.expiry import Deadlines, KeptExport, kept_exports
from export_pipeline.store.ledger import LedgerEntry
from export_pipeline.store.schema import HOURS
from export_pipeline.windows import BEGINNING_OF_TIME, END_OF_TIME, ONE_HOUR, HourRange
from export_pipeline_tests.builders import a_ledger_entry, a_receipt, a_receipt_file
from export_pipeline_tests.installations import FIRST, Installation, hours
from export_pipeline_tests.retention.conftest import files, receipts
from export_pipeline_tests.runs import deliver, ledger

NOW = datetime.now(UTC) + timedelta(days=365)
ALL = Deadlines(found=NOW - timedelta(days=7), deleted=NOW - timedelta(days=7))


def marked(installation: Installation, export: Export) -> KeptExport:
    """All hours of the export that are there, as if their time were over."""
    deployment = installation.deployment
    with reading(deployment.control) as connection:
        (kept,) = [one for one in kept_exports(connection, ALL) if one.id == export.id]
    expire(deployment.control, kept, ALL, place_of(deployment.connector(export.connector_id), export.id), NOW)
    return kept


def remover(installation: Installation, kept: KeptExport) -> Remover:
    deployment = installation.deployment
    claims = Claims(deployment.control, "retention-1", deployment.claim_lease, threading.Event())
    config = deployment.direct_download(kept.organization, kept.connector_id, kept.connector)
    return Remover(claims, kept, config.open(), at_once=2)


def removed(installation: Installation, export: Export) -> Removed:
    return remover(installation, marked(installation, export)).remove()


def claimed(installation: Installation, export: Export, hour: datetime, owner: str) -> None:
    now = datetime.now(UTC)
    with writing(installation.deployment.control) as connection:
        claim(connection, export.id, hour, owner, now=now, expires_at=now + timedelta(minutes=10))


def test_files_go_and_receipts_stay(installation: Installation) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 3))
    size = sum(path.stat().st_size for path in (installation.downloads / "events").glob("*.csv"))

    done = removed(installation, export)

    assert done == Removed(hours=4, bytes=size)
    assert (files(installation), receipts(installation)) == ([], 4)
    assert all(entry.removed_at for entry in ledger(installation, export))
    with reading(installation.deployment.control) as connection:
        assert claims_between(connection, export.id, BEGINNING_OF_TIME, END_OF_TIME) == []


def test_more_hours_than_are_taken_at_once_go_all_the_same(installation: Installation) -> None:
    """A batch has a hundred hours; these are some more, with the receipt of one."""
    export = installation.export()
    deliver(installation, export, hours(0, 0))
    (entry,) = ledger(installation, export)
    with writing(installation.deployment.control) as connection:
        for number in range(1, 205):
            copy = replace(entry, hour=entry.hour + number * ONE_HOUR)
            connection.execute(HOURS.insert().values({name: getattr(copy, name) for name in copy.__slots__}))

    assert removed(installation, export).hours == 205
    assert files(installation) == []


def test_every_revision_that_has_a_file_of_its_own_goes(installation: Installation) -> None:
    export = installation.export(filename="$year-$month-$day-$hour-$revision.csv")
    deliver(installation, export, hours(0, 0))
    installation.change_source("UPDATE events SET amount = 999 WHERE id = 5")
    deliver(installation, export, hours(0, 0), proven_since=datetime.now(UTC))
    assert len(files(installation)) == 2

    assert removed(installation, export).hours == 1

    assert files(installation) == []


def test_a_range_in_one_file_is_all_of_its_hours(installation: Installation) -> None:
    export = installation.export(standing=False, layout="single")
    deliver(installation, export, [HourRange.between(FIRST, FIRST + 3 * ONE_HOUR)])

    assert removed(installation, export).hours == 3
    assert files(installation) == []


def test_an_hour_in_another_runs_hands_is_left_for_the_next_time(installation: Installation) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 2))
    kept = marked(installation, export)
    claimed(installation, export, FIRST + ONE_HOUR, "a run")

    done = remover(installation, kept).remove()

    assert (done.hours, done.left, done.problems) == (2, 1, ())
    assert files(installation) == ["2026-01-05-01-00.csv"]
    assert [bool(entry.removed_at) for entry in ledger(installation, export)] == [True, False, True]


def test_what_was_delivered_anew_with_other_rows_stays(installation: Installation) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 1))
    kept = marked(installation, export)
    installation.change_source("UPDATE events SET amount = 999 WHERE id = 5")
    deliver(installation, export, hours(0, 0))

    done = remover(installation, kept).remove()

    assert done.hours == 2  # of the first the old revision, which has no file of its own
    assert files(installation) == ["2026-01-05-00-00.csv"]
    first, second = ledger(installation, export)
    assert (first.revision, first.expired_at) == (2, None)
    assert second.removed_at is not None


def test_what_cannot_be_deleted_is_told_and_is_tried_again(installation: Installation) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 1))
    kept = marked(installation, export)
    folder = installation.downloads / "events"
    (folder / "2026-01-05-00-00.csv").unlink()
    (folder / "2026-01-05-00-00.csv").mkdir()  # somebody else's folder, where the file was
    (folder / "2026-01-05-01-00.csv").unlink()  # gone already
    metadata = installation.downloads / ".export-pipeline" / "locks"
    for lock in metadata.glob("*"):
        lock.unlink()
    metadata.rmdir()
    metadata.write_text("in the way")

    done = remover(installation, kept).remove()
    assert (done.hours, done.left) == (0, 2)
    assert [problem.partition(": ")[0] for problem in done.problems] == [
        "2026-01-05-00:00",
        "2026-01-05-01:00",
    ]

    metadata.unlink()
    assert remover(installation, kept).remove().hours == 2


def test_a_receipt_that_cannot_be_read_is_a_problem_of_its_hour_alone(installation: Installation) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 1))
    with writing(installation.deployment.control) as connection:
        connection.execute(HOURS.update().where(HOURS.c.hour == FIRST).values(receipt="{}"))

    done = removed(installation, export)

    assert (done.hours, done.left) == (1, 1)
    assert "is not a receipt" in done.problems[0]
    assert files(installation) == ["2026-01-05-00-00.csv"]


def test_an_hour_that_was_delivered_anew_before_it_was_claimed_is_not_counted(
    installation: Installation,
) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 1))
    late = remover(installation, marked(installation, export))
    deliver(installation, export, hours(0, 1))

    done = late.remove_hours([FIRST, FIRST + ONE_HOUR])

    assert done == Removed()
    assert len(files(installation)) == 2


@pytest.fixture
def made_again(installation: Installation) -> tuple[Export, Export]:
    """An export that was deleted with three hours delivered, and one of its name with the first of them."""
    before = installation.export()
    deliver(installation, before, hours(0, 2))
    with writing(installation.deployment.control) as connection:
        delete_export(connection, "default", "events")
    again = installation.export()
    deliver(installation, again, hours(0, 0))
    return before, again


def test_an_export_that_was_made_again_keeps_its_files(
    installation: Installation, made_again: tuple[Export, Export]
) -> None:
    before, again = made_again
    kept = marked(installation, before)

    assert remover(installation, kept).remove().hours == 3

    assert files(installation) == ["2026-01-05-00-00.csv"]
    assert ledger(installation, again)[0].expired_at is None


def test_an_export_that_was_made_again_keeps_its_files_also_when_it_is_deleted_itself(
    installation: Installation, made_again: tuple[Export, Export]
) -> None:
    before, again = made_again
    kept = marked(installation, before)
    with writing(installation.deployment.control) as connection:
        delete_export(connection, "default", "events")

    assert remover(installation, kept).remove().hours == 3
    assert files(installation) == ["2026-01-05-00-00.csv"]

    assert removed(installation, again).hours == 1
    assert files(installation) == []


def test_an_hour_that_the_export_of_its_name_is_writing_is_left(
    installation: Installation, made_again: tuple[Export, Export]
) -> None:
    before, again = made_again
    kept = marked(installation, before)
    claimed(installation, again, FIRST + ONE_HOUR, "a run")

    done = remover(installation, kept).remove()

    assert (done.hours, done.left) == (2, 1)
    assert files(installation) == ["2026-01-05-00-00.csv", "2026-01-05-01-00.csv"]
    with reading(installation.deployment.control) as connection:
        owners = [one.owner for one in claims_between(connection, again.id, FIRST, END_OF_TIME)]
        assert owners == ["a run"]
        assert claims_between(connection, before.id, FIRST, END_OF_TIME) == []


def an_entry(revision: int, key: str, **changes: Any) -> LedgerEntry:
    receipt = a_receipt(files=(a_receipt_file(key=key, bytes=revision),)).to_bytes().decode()
    return a_ledger_entry(revision=revision, receipt=receipt, **{"expired_at": NOW, **changes})


@pytest.mark.parametrize(
    ("entries", "spared", "gone"),
    [
        ([an_entry(1, "a"), an_entry(2, "b")], (), {"a": 1, "b": 2}),
        ([an_entry(1, "a"), an_entry(2, "a")], (), {"a": 2}),
        ([an_entry(1, "a"), an_entry(2, "a", expired_at=None)], (), {}),
        ([an_entry(1, "a"), an_entry(2, "b", expired_at=None)], (), {"a": 1}),
        ([an_entry(1, "a", removed_at=NOW), an_entry(2, "b")], (), {"b": 2}),
        ([an_entry(1, "a"), an_entry(2, "b")], ("b",), {"a": 1}),
        ([], (), {}),
    ],
)
def test_the_files_go_that_no_revision_has_which_is_there(
    entries: list[LedgerEntry], spared: tuple[str, ...], gone: dict[str, int]
) -> None:
    assert files_to_delete(entries, {*spared}) == gone
