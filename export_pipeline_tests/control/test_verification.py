"""Which hours are there to be verified, and what verifying finds of them."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from export_pipeline.control.verification import delivered_hours, verify_hours
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.export import Export
from export_pipeline_tests.cli.deliveries import deliver
from export_pipeline_tests.installations import FIRST, Installation, an_installation, hours


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with an_installation(tmp_path) as installation:
        yield installation


@pytest.fixture
def export(installation: Installation) -> Export:
    """Hours 0 to 3 of it are delivered."""
    export = installation.export()
    deliver(installation, export, hours(0, 3))
    return export


def test_every_hour_delivered_is_there(installation: Installation, export: Export) -> None:
    entries = delivered_hours(installation.deployment.control, export, None, None)

    assert [entry.hour for entry in entries] == [window.start for window in hours(0, 3)]


def test_the_end_of_a_range_is_left_out(installation: Installation, export: Export) -> None:
    since, until = FIRST + timedelta(hours=1), FIRST + timedelta(hours=3)

    entries = delivered_hours(installation.deployment.control, export, since, until)

    assert [entry.hour for entry in entries] == [window.start for window in hours(1, 2)]


def test_a_range_that_ends_before_it_begins_is_refused(installation: Installation, export: Export) -> None:
    with pytest.raises(InvalidRequest, match="is not after the start") as caught:
        delivered_hours(installation.deployment.control, export, FIRST, FIRST)

    assert caught.value.field == "until"


@pytest.mark.parametrize("count_rows", [True, False])
def test_a_damaged_hour_is_found_among_its_neighbours(
    installation: Installation, export: Export, count_rows: bool
) -> None:
    (installation.downloads / "events" / "2026-01-05-02-00.csv").write_bytes(b"something else")
    entries = delivered_hours(installation.deployment.control, export, None, None)

    found = verify_hours(
        installation.deployment.connector(export.connector_id),
        entries,
        hours_at_once=2,
        count_rows=count_rows,
    )

    assert [verification.ok for _, verification in found] == [True, True, False, True]


def test_whoever_stops_early_waits_for_nothing(installation: Installation, export: Export) -> None:
    entries = delivered_hours(installation.deployment.control, export, None, None)
    connector = installation.deployment.connector(export.connector_id)

    found = verify_hours(connector, entries * 1000, hours_at_once=1)
    next(found)
    found.close()

    assert list(found) == []


def test_a_receipt_that_is_not_the_ledgers_is_found(installation: Installation, export: Export) -> None:
    entries = delivered_hours(installation.deployment.control, export, None, None)
    path = installation.downloads / entries[1].receipt_key
    path.write_bytes(path.read_bytes().replace(b'"filter":""', b'"filter":"true"'))

    found = verify_hours(installation.deployment.connector(export.connector_id), entries, hours_at_once=2)

    assert [verification.ok for _, verification in found] == [True, False, True, True]


def test_a_range_in_one_file_is_found_by_any_of_its_hours(installation: Installation) -> None:
    export = installation.export("ranges", standing=False, layout="single")
    control = installation.deployment.control
    deliver(installation, export, export.definition.layout.windows(FIRST, FIRST + timedelta(hours=4)))

    def found(first: int, end: int) -> int:
        since, until = FIRST + timedelta(hours=first), FIRST + timedelta(hours=end)
        return len(delivered_hours(control, export, since, until))

    assert (found(0, 1), found(2, 3), found(3, 9), found(0, 4)) == (1, 1, 1, 1)
    assert (found(4, 9), found(-3, 0)) == (0, 0)
    assert len(delivered_hours(control, export, None, None)) == 1
