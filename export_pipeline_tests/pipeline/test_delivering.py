"""An hour's files and receipt at the destination: in which order they come, and what is put back."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from export_pipeline.exports.export import Export
from export_pipeline.exports.plan import plan_of
from export_pipeline.extract.sources import open_source
from export_pipeline.formats.file_format import format_from
from export_pipeline.pipeline.beginning import place_of
from export_pipeline.pipeline.delivering import deliver_hour
from export_pipeline.pipeline.hours import DeliveredHour, FormattedHour
from export_pipeline.pipeline.placing import Taken
from export_pipeline.pipeline.progress import Cancelled
from export_pipeline.receipts.receipt import digest_of, receipt_from
from export_pipeline.receipts.verifying import verify
from export_pipeline.store.ledger import LedgerEntry
from export_pipeline_tests.connectors.objects import Unseen
from export_pipeline_tests.installations import ROWS_PER_HOUR, Installation, hours
from export_pipeline_tests.runs import a_run, deliver, ledger

SECOND_TABLE = """
[tables.{name}]
relation = "{name}"
time_column = "happened_at"
order_by = ["happened_at", "id"]

[[tables.{name}.columns]]
name = "happened_at"
type = "timestamp"
nullable = false

[[tables.{name}.columns]]
name = "id"
type = "int64"
nullable = false
"""


def two_tables(installation: Installation) -> Export:
    """An export of the events and of every second of them, by table and revision."""
    installation.change_source("CREATE TABLE second AS SELECT happened_at, id FROM events WHERE id % 2 = 0")
    with (installation.folder / "dataset.toml").open("a") as declaration:
        declaration.write(SECOND_TABLE.format(name="second"))
    return installation.export(
        tables=[{"name": "events"}, {"name": "second"}], filename="$table/$date-$hour-r$revision.csv"
    )


def delivered(installation: Installation, export: Export) -> DeliveredHour:
    """Hour 5, delivered or found in place; forced, as by a person who looks for what is missing."""
    chunk = deliver(installation, export, hours(5, 5), proven_since=datetime.now(UTC))
    assert chunk.failed == ()
    return chunk.done[0]


def entry(installation: Installation, export: Export) -> LedgerEntry:
    (found,) = ledger(installation, export)
    return found


def files_at(installation: Installation) -> set[str]:
    """The keys at the destination, without its own book-keeping."""
    return {
        str(path.relative_to(installation.downloads))
        for path in installation.downloads.rglob("*")
        if path.is_file() and ".export-pipeline" not in path.parts
    }


def problems(installation: Installation, export: Export) -> tuple[str, ...]:
    destination = installation.deployment.connector(export.connector_id).open()
    return tuple(verify(destination, entry(installation, export).receipt_key).problems)


def times(installation: Installation) -> dict[str, int]:
    return {key: (installation.downloads / key).stat().st_mtime_ns for key in files_at(installation)}


def in_the_way(path: Path) -> None:
    """A file that nobody of us wrote."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("somebody else's")


def test_each_table_is_a_file_of_its_own_and_one_receipt_speaks_of_both(installation: Installation) -> None:
    hour = delivered(installation, two_tables(installation))
    keys = {"events/events/2026-01-05-05-r1.csv", "events/second/2026-01-05-05-r1.csv"}
    assert files_at(installation) == {*keys, hour.receipt_key}
    assert {(file.key, file.rows) for file in hour.receipt.files} == {
        ("events/events/2026-01-05-05-r1.csv", ROWS_PER_HOUR),
        ("events/second/2026-01-05-05-r1.csv", ROWS_PER_HOUR // 2),
    }


def test_a_new_revision_with_its_number_in_the_path_stands_beside_the_old_one(
    installation: Installation,
) -> None:
    export = two_tables(installation)
    delivered(installation, export)
    before = times(installation)
    installation.change_source("UPDATE events SET amount = 999 WHERE id = 100")
    hour = delivered(installation, export)
    assert hour.receipt.revision == 2
    assert {file.key for file in hour.receipt.files} == {
        "events/events/2026-01-05-05-r2.csv",
        "events/second/2026-01-05-05-r2.csv",
    }
    kept = {key: time for key, time in times(installation).items() if "-r1" in key}
    assert kept == {key: time for key, time in before.items() if "-r1" in key}
    assert len(kept) == 2


def test_nothing_changes_when_nothing_has_changed(installation: Installation) -> None:
    export = two_tables(installation)
    first = delivered(installation, export)
    before = times(installation)
    again = delivered(installation, export)
    assert times(installation) == before
    assert (again.changed, again.receipt) == (False, first.receipt)


def test_a_deleted_receipt_is_put_back_as_it_was(installation: Installation) -> None:
    export = installation.export()
    path = installation.downloads / delivered(installation, export).receipt_key
    text = path.read_bytes()
    path.unlink()
    delivered(installation, export)
    assert path.read_bytes() == text


def test_a_deleted_file_is_put_back_and_its_neighbours_are_left_alone(installation: Installation) -> None:
    export = two_tables(installation)
    hour = delivered(installation, export)
    before = times(installation)
    gone = hour.files[0].key
    (installation.downloads / gone).unlink()
    delivered(installation, export)
    after = times(installation)
    assert problems(installation, export) == ()
    assert {key for key in after if after[key] != before[key]} == {gone}


def test_a_damaged_file_is_mended(installation: Installation) -> None:
    export = installation.export()
    path = installation.downloads / delivered(installation, export).files[0].key
    whole = path.read_bytes()
    # As another process of ours would have left it: the owner is right, the bytes are not.
    path.unlink()
    destination = installation.deployment.connector(export.connector_id).open()
    upload = destination.begin(f"events/{path.name}", {"export-id": export.identity, "sha256": "0" * 64})
    upload.write(whole[:-10])
    upload.commit(replaces=None)
    assert problems(installation, export)
    delivered(installation, export)
    assert path.read_bytes() == whole


def test_a_file_that_somebody_changed_is_left_alone_and_the_failure_says_what_to_do(
    installation: Installation,
) -> None:
    export = installation.export()
    path = installation.downloads / delivered(installation, export).files[0].key
    path.write_text("edited by hand")
    chunk = deliver(installation, export, hours(5, 5), proven_since=datetime.now(UTC))
    (failure,) = chunk.failed
    assert "not this export's (default/events), or somebody changed it; move it away" in failure.message
    assert path.read_text() == "edited by hand"


def test_without_its_receipt_an_hour_is_not_delivered_though_its_file_is_there(
    installation: Installation,
) -> None:
    export = installation.export()
    in_the_way(installation.downloads / "events/_receipts/events/2026-01-05-05-00.json")
    chunk = deliver(installation, export, hours(5, 5))
    assert "events/2026-01-05-05-00.csv" in files_at(installation)
    assert ledger(installation, export) == []
    assert [failure.kind for failure in chunk.failed] == ["configure"]


def test_without_all_of_its_files_an_hour_has_no_receipt(installation: Installation) -> None:
    export = two_tables(installation)
    in_the_way(installation.downloads / "events/second/2026-01-05-05-r1.csv")
    deliver(installation, export, hours(5, 5))
    assert files_at(installation) == {
        "events/events/2026-01-05-05-r1.csv",
        "events/second/2026-01-05-05-r1.csv",
    }


def test_the_receipt_says_with_what_the_files_were_written(installation: Installation) -> None:
    export = installation.export(format={"type": "csv", "dialect": "bigquery"})
    receipt = delivered(installation, export).receipt
    written_with = receipt.files[0].format
    assert format_from(written_with) == export.definition.format
    # What the dialect presets is written down: the file can be read without knowing our presets.
    assert (written_with["dialect"], written_with["null"]) == ("bigquery", "\\N")
    assert {"export-pipeline", "pyarrow", "python"} <= set(receipt.software)


def test_another_filter_over_the_same_rows_is_a_new_revision(installation: Installation) -> None:
    """The file is the same, but the receipt would say something else of it."""
    export = installation.export()
    first = delivered(installation, export)
    definition = export.definition.model_copy(update={"filters": ("id >= 0",)})
    changed = replace(export, definition=definition)
    second = delivered(installation, changed)
    assert (second.receipt.revision, second.receipt.supersedes) == (2, digest_of(first.receipt.to_bytes()))
    assert second.files == first.files


def formatted(installation: Installation, export: Export) -> FormattedHour:
    """Hour 5 as it is at the source now, ready to be delivered."""
    run = a_run(installation, export, proven_since=datetime.now(UTC))
    deployment = installation.deployment
    with closing(open_source(deployment.source_url)) as source:
        staged = run.extract(source, plan_of(export.definition, deployment.dataset), hours(5, 5))
    (hour,) = run.format(staged).done
    return hour


def changes_announced(
    installation: Installation, export: Export, known: Sequence[LedgerEntry], file: Path
) -> list[bytes]:
    """Deliver the hour; what the file held each time that a change of the delivered hour was announced."""
    found: list[bytes] = []
    deliver_hour(
        formatted(installation, export),
        export,
        installation.deployment.connector(export.connector_id).open(),
        known,
        still_ours=lambda: None,
        before_change=lambda: found.append(file.read_bytes()),
        where=where_it_leads(installation, export),
        begun=NothingBegun(),
        progress=lambda _done, _total: None,
    )
    return found


def test_that_a_delivered_hour_is_replaced_is_announced_while_its_files_are_still_the_old_ones(
    installation: Installation,
) -> None:
    """Whoever is killed after that leaves a note that the hour is neither the old nor the new one."""
    export = installation.export()
    file = installation.downloads / delivered(installation, export).files[0].key
    before, known = file.read_bytes(), entry(installation, export)
    installation.change_source("UPDATE events SET amount = 999 WHERE id = 100")
    assert changes_announced(installation, export, [known], file) == [before]
    assert file.read_bytes() != before


def test_a_first_delivery_and_one_that_changes_nothing_announce_no_change(
    installation: Installation,
) -> None:
    export = installation.export()
    file = installation.downloads / "events/2026-01-05-05-00.csv"
    assert changes_announced(installation, export, [], file) == []
    delivered(installation, export)
    assert changes_announced(installation, export, [entry(installation, export)], file) == []


class NothingBegun:
    """No attempt before this one was cut off."""

    def note(self, key: str) -> bool:  # noqa: ARG002
        return False

    def withdraw(self, key: str) -> None:
        """Nobody looks for it."""


def where_it_leads(installation: Installation, export: Export) -> str:
    return place_of(installation.deployment.connector(export.connector_id), export.id)


def unseen_delivery(
    installation: Installation, export: Export, known: Sequence[LedgerEntry]
) -> DeliveredHour:
    """Deliver the hour where nobody may look."""
    return deliver_hour(
        formatted(installation, export),
        export,
        Unseen(installation.deployment.connector(export.connector_id).open()),
        known,
        still_ours=lambda: None,
        before_change=lambda: None,
        where=where_it_leads(installation, export),
        begun=NothingBegun(),
        progress=lambda _done, _total: None,
    )


def test_where_nobody_may_look_only_what_the_ledger_knows_is_replaced(installation: Installation) -> None:
    export = installation.export()
    file = installation.downloads / delivered(installation, export).files[0].key
    known = entry(installation, export)
    installation.change_source("UPDATE events SET amount = 999 WHERE id = 100")
    before = file.read_bytes()

    for of_elsewhere in ([], [replace(known, place="elsewhere")], [replace(known, place=None)]):
        with pytest.raises(Taken):
            unseen_delivery(installation, export, of_elsewhere)
    assert file.read_bytes() == before

    assert unseen_delivery(installation, export, [known]).receipt.revision == 2
    assert file.read_bytes() != before


def test_where_nobody_may_look_what_an_older_revision_wrote_is_known_too(installation: Installation) -> None:
    """The newest was delivered elsewhere, and the connector leads back."""
    export = installation.export()
    file = installation.downloads / delivered(installation, export).files[0].key
    known = entry(installation, export)
    installation.change_source("UPDATE events SET amount = 999 WHERE id = 100")
    newest = replace(known, revision=2, place="elsewhere")

    unseen_delivery(installation, export, [newest, known])

    assert b"999.00" in file.read_bytes()


def test_where_nobody_may_look_a_path_that_is_new_to_the_ledger_is_not_taken(
    installation: Installation,
) -> None:
    export = installation.export(filename="$date-$hour-r$revision.csv")
    delivered(installation, export)
    known = entry(installation, export)
    installation.change_source("UPDATE events SET amount = 999 WHERE id = 100")
    theirs = installation.downloads / known_key(known).replace("-r1.", "-r2.")
    theirs.write_bytes(b"precious")

    with pytest.raises(Taken):
        unseen_delivery(installation, export, [known])

    assert theirs.read_bytes() == b"precious"


def known_key(known: LedgerEntry) -> str:
    (file,) = receipt_from(known.receipt.encode(), known.receipt_key).files
    return file.key


def formatted_hour(installation: Installation, export: Export) -> FormattedHour:
    run, deployment = a_run(installation, export), installation.deployment
    with closing(open_source(deployment.source_url)) as source:
        staged = run.extract(source, plan_of(export.definition, deployment.dataset), hours(5, 5))
    return run.format(staged).done[0]


def cancelled_at(installation: Installation, export: Export, piece: int) -> DeliveredHour:
    """The hour's delivery by a run that is cancelled at that piece."""
    pieces = 0

    def progress(done: int, total: int) -> None:  # noqa: ARG001 -- as a stage calls it
        nonlocal pieces
        pieces += 1
        if pieces >= piece:
            raise Cancelled

    return deliver_hour(
        formatted_hour(installation, export),
        export,
        installation.deployment.connector(export.connector_id).open(),
        [],
        still_ours=lambda: None,
        before_change=lambda: None,
        where=where_it_leads(installation, export),
        begun=NothingBegun(),
        progress=progress,
    )


def test_of_an_hour_that_is_cancelled_nothing_is_visible(installation: Installation) -> None:
    export = two_tables(installation)
    with pytest.raises(Cancelled):
        cancelled_at(installation, export, 1)
    assert not files_at(installation)


def test_an_hour_of_which_a_file_is_visible_when_it_is_cancelled_is_made_whole(
    installation: Installation,
) -> None:
    hour = cancelled_at(installation, two_tables(installation), 2)
    assert files_at(installation) == {*(file.key for file in hour.files), hour.receipt_key}
    assert len(hour.files) == 2
