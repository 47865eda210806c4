"""The ledger's entry of a delivered hour, and who may make it."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from export_pipeline.errors import Conflict
from export_pipeline.exports.export import Export
from export_pipeline.pipeline.hours import DeliveredHour
from export_pipeline.pipeline.recording import Overtaken, record_hour
from export_pipeline.store.claims import claim, claims_between
from export_pipeline.store.database import reading, writing
from export_pipeline.store.ledger import every_revision, failures_between, write_failure
from export_pipeline.store.schema import BEGUN_OBJECTS
from export_pipeline.store.waits import note_wait, waits_of
from export_pipeline.windows import ONE_HOUR
from export_pipeline_tests.builders import a_failure, a_receipt, a_receipt_file
from export_pipeline_tests.installations import FIRST, Installation, hours
from export_pipeline_tests.runs import ledger

(HOUR,) = hours(0, 0)


def claimed(installation: Installation, export: Export, owner: str, *, seconds: float = 60) -> None:
    """The run `owner` asks for the hour now; it gets it if nobody's claim holds."""
    now = datetime.now(UTC)
    until = now + timedelta(seconds=seconds)
    with writing(installation.deployment.control) as connection:
        claim(connection, export.id, HOUR.start, owner, now=now, expires_at=until)


def a_delivered_hour(export: Export, *, revision: int = 1) -> DeliveredHour:
    receipt = a_receipt(
        export_id=export.id,
        hour=HOUR.start,
        since=HOUR.since,
        until=HOUR.until,
        revision=revision,
        files=(a_receipt_file(bytes=57), a_receipt_file(key="weather.csv", rows=3, bytes=43)),
    )
    return DeliveredHour(
        window=HOUR,
        files=(),
        receipt=receipt,
        receipt_key="_receipts/events/2026-01-05-00-00.json",
        receipt_text=receipt.to_bytes().decode(),
        changed=True,
        seconds=1.5,
    )


def record(installation: Installation, export: Export, *, revision: int = 1, place: str = "here") -> None:
    delivered = a_delivered_hour(export, revision=revision)
    record_hour(installation.deployment.control, export, delivered, "ours", place=place)


def test_a_delivered_hour_is_entered_as_its_receipt_says(installation: Installation) -> None:
    export = installation.export()
    claimed(installation, export, "ours")
    record(installation, export)
    (entry,) = ledger(installation, export)
    receipt = a_delivered_hour(export).receipt
    assert (entry.hour, entry.revision, entry.run_id) == (HOUR.start, 1, "ours")
    assert (entry.rows, entry.bytes, entry.seconds) == (receipt.rows, 100, 1.5)
    assert (entry.receipt, entry.delivered_at) == (receipt.to_bytes().decode(), receipt.delivered_at)


def test_the_claim_holds_on_until_dagster_is_told(installation: Installation) -> None:
    export = installation.export()
    claimed(installation, export, "ours")
    record(installation, export)
    with reading(installation.deployment.control) as connection:
        assert claims_between(connection, export.id, FIRST, FIRST + ONE_HOUR)


def test_with_the_entry_the_hour_has_failed_no_more(installation: Installation) -> None:
    export = installation.export()
    claimed(installation, export, "ours")
    with writing(installation.deployment.control) as connection:
        write_failure(connection, a_failure(export_id=export.id, hour=HOUR.start))
    record(installation, export)
    with reading(installation.deployment.control) as connection:
        assert not failures_between(connection, export.id, FIRST, FIRST + ONE_HOUR)


def test_the_same_revision_again_is_proven_anew_and_no_second_entry(installation: Installation) -> None:
    export = installation.export()
    proven = []
    for _ in range(2):
        claimed(installation, export, "ours")
        record(installation, export)
        (entry,) = ledger(installation, export)
        proven.append(entry.proven_at)
    assert proven[0] < proven[1]


def test_an_hour_that_another_run_took_over_is_a_conflict(installation: Installation) -> None:
    export = installation.export()
    claimed(installation, export, "ours", seconds=-1)  # it lapsed
    claimed(installation, export, "theirs")
    with pytest.raises(Conflict, match=f"{HOUR.key}: the claim lapsed"):
        record(installation, export)
    assert ledger(installation, export) == []


def test_a_conflict_leaves_the_other_run_its_claim(installation: Installation) -> None:
    export = installation.export()
    claimed(installation, export, "theirs")
    with pytest.raises(Conflict):
        record(installation, export)
    with reading(installation.deployment.control) as connection:
        (held,) = claims_between(connection, export.id, FIRST, FIRST + ONE_HOUR)
    assert held.owner == "theirs"


def test_an_hour_nobody_claimed_is_not_entered(installation: Installation) -> None:
    export = installation.export()
    with pytest.raises(Conflict):
        record(installation, export)
    assert ledger(installation, export) == []


def test_with_the_entry_the_hour_waits_no_more(installation: Installation) -> None:
    """Somebody wanted it while it was in flight, and its connector was being stopped."""
    export = installation.export()
    claimed(installation, export, "ours")
    with writing(installation.deployment.control) as connection:
        note_wait(connection, export.id, HOUR.start, now=datetime.now(UTC))
    record(installation, export)
    with reading(installation.deployment.control) as connection:
        assert waits_of(connection, export.id) == []


def test_what_is_wanted_anew_since_the_hour_was_read_still_is(installation: Installation) -> None:
    """The run that is wanted finds an entry, and must not take it for its own."""
    export = installation.export()
    claimed(installation, export, "ours")
    since = datetime.now(UTC)
    with writing(installation.deployment.control) as connection:
        note_wait(connection, export.id, HOUR.start, now=since, proven_since=since)
    claimed(installation, export, "ours")  # by its next stage
    record(installation, export)
    (entry,) = ledger(installation, export)
    with reading(installation.deployment.control) as connection:
        (wait,) = waits_of(connection, export.id)
    assert wait.proven_since is not None
    assert wait.proven_since > entry.proven_at


def test_what_lies_where_the_connector_led_before_is_not_entered(installation: Installation) -> None:
    export = installation.export()
    claimed(installation, export, "ours")
    control = installation.deployment.control

    with pytest.raises(Overtaken, match="replaced"):
        record_hour(control, export, a_delivered_hour(export), "ours", configuration=2, place="here")
    assert ledger(installation, export) == []
    record_hour(control, export, a_delivered_hour(export), "ours", configuration=1, place="here")
    assert len(ledger(installation, export)) == 1


def left_behind(installation: Installation) -> set[tuple[str, str]]:
    with reading(installation.deployment.control) as connection:
        rows = connection.execute(sa.select(BEGUN_OBJECTS.c.place, BEGUN_OBJECTS.c.key))
        return {(row.place, row.key) for row in rows}


def test_what_an_hour_that_is_delivered_elsewhere_leaves_behind_is_known_until_it_is_back(
    installation: Installation,
) -> None:
    export = installation.export()
    receipt = a_delivered_hour(export).receipt
    keys = {"_receipts/events/2026-01-05-00-00.json", *(file.key for file in receipt.files)}
    claimed(installation, export, "ours")
    record(installation, export, place="A")
    record(installation, export, place="A")
    assert left_behind(installation) == set()

    record(installation, export, place="B")
    assert left_behind(installation) == {("A", key) for key in keys}

    record(installation, export, place="A")
    assert left_behind(installation) == {("B", key) for key in keys}


def test_another_revision_elsewhere_leaves_the_ledger_to_say_where_the_one_before_lies(
    installation: Installation,
) -> None:
    export = installation.export()
    claimed(installation, export, "ours")
    record(installation, export, place="A")
    record(installation, export, revision=2, place="B")

    assert left_behind(installation) == set()
    with reading(installation.deployment.control) as connection:
        revisions = every_revision(connection, export.id, HOUR.start)
    assert [(entry.revision, entry.place) for entry in revisions] == [(2, "B"), (1, "A")]
