"""A run killed with SIGKILL at any moment, and another one after it: the end is always the same."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.connectors.destination import Destination
from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.connectors.s3 import S3Config
from export_pipeline.exports.export import Export
from export_pipeline.receipts.receipt import digest_of, receipt_from
from export_pipeline.receipts.verifying import verify
from export_pipeline.store.connector_states import change_state
from export_pipeline.store.connectors import add_connector, replace_config
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import find_export
from export_pipeline.store.schema import BEGUN_OBJECTS
from export_pipeline.windows import ONE_HOUR, HourRange
from export_pipeline_tests.connectors.objects import put, read
from export_pipeline_tests.connectors.test_s3_upload import unfinished
from export_pipeline_tests.installations import FIRST, Installation, hours
from export_pipeline_tests.pipeline.killed import MOMENTS
from export_pipeline_tests.runs import deliver, ledger
from export_pipeline_tests.servers.s3 import S3Server

FILE, RECEIPT = 1, 2  # the objects of an hour, in the order in which they are committed


def killed(installation: Installation, module: str, *arguments: str) -> None:
    """Run a module of this folder on the installation's events until it kills itself."""
    ended = subprocess.run(
        [
            *(sys.executable, "-m", f"export_pipeline_tests.pipeline.{module}"),
            *(str(installation.folder), "events", *arguments),
        ],
        env={
            **os.environ,
            **installation.variables,
            "EXPORT_PIPELINE_ALLOWED_NETWORKS": "127.0.0.0/8",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def faults(installation: Installation, export: Export) -> list[str]:
    """What is wrong with the export's newest revisions."""
    destination = installation.deployment.connector(export.connector_id).open()
    return [
        problem
        for entry in ledger(installation, export)
        for problem in verify(destination, entry.receipt_key, delivered=entry.receipt.encode()).problems
    ]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_after_a_killed_one_ends_as_if_nothing_had_happened(
    installation: Installation, moment: str
) -> None:
    export = installation.export()
    untouched = installation.export("untouched")
    killed(installation, "killed", moment)

    deliver(installation, export, hours(0, 1))
    deliver(installation, untouched, hours(0, 1))

    assert [(entry.revision, entry.rows) for entry in ledger(installation, export)] == [(1, 20), (1, 20)]
    assert faults(installation, export) == []
    for hour in ("00", "01"):
        name = f"2026-01-05-{hour}-00.csv"
        written = (installation.downloads / "events" / name).read_bytes()
        assert written == (installation.downloads / "untouched" / name).read_bytes()
    with reading(installation.deployment.control) as connection:
        assert find_export(connection, "default", "events") == export


def test_the_parts_of_a_killed_upload_are_removed_by_the_next_run_and_nobody_elses(
    installation: Installation, s3_server: S3Server
) -> None:
    bucket, client = s3_server.new_bucket(), s3_server.client()
    config = s3_server.config(bucket)
    with writing(installation.deployment.control) as connection:
        key, state = installation.deployment.secret_key, ConnectorState.RUNNING
        add_connector(connection, key, "default", "bucket", config, state=state)
    export = installation.export(connector="bucket")
    ours = "events/2026-01-05-00-00.csv"
    before = client.create_multipart_upload(Bucket=bucket, Key=ours)["UploadId"]
    killed(installation, "killed_uploading")
    after = client.create_multipart_upload(Bucket=bucket, Key=ours)["UploadId"]
    dangling = unfinished(s3_server, bucket)

    delivered = deliver(installation, export, hours(0, 1))

    assert not delivered.failed
    assert not delivered.waiting
    assert len(dangling - {before, after}) == 1
    assert unfinished(s3_server, bucket) == {before, after}
    assert faults(installation, export) == []


@pytest.mark.parametrize("last", [FILE, RECEIPT])
def test_after_a_run_that_was_killed_while_it_replaced_an_hour_any_run_makes_the_hour_whole(
    installation: Installation, last: int
) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 0))
    installation.change_source("UPDATE events SET amount = 999 WHERE id = 5")
    killed(installation, "killed_replacing", str(last))

    deliver(installation, export, hours(0, 0))  # not forced: it is to find by itself that the hour needs it

    assert [entry.revision for entry in ledger(installation, export)] == [2]
    assert b"999.00" in (installation.downloads / "events/2026-01-05-00-00.csv").read_bytes()
    assert faults(installation, export) == []


def test_an_hour_that_was_killed_between_two_revisions_can_go_back_to_the_first(
    installation: Installation,
) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 0))
    installation.change_source("UPDATE events SET amount = amount + 7 WHERE id = 5")
    killed(installation, "killed_replacing", str(FILE))
    installation.change_source("UPDATE events SET amount = amount - 7 WHERE id = 5")

    deliver(installation, export, hours(0, 0))

    assert [entry.revision for entry in ledger(installation, export)] == [1]
    assert faults(installation, export) == []


def test_a_revision_that_the_ledger_has_not_heard_of_is_not_published_twice_with_other_rows(
    installation: Installation,
) -> None:
    export = installation.export()
    killed(installation, "killed_replacing", str(RECEIPT))
    told = (installation.downloads / "events/_receipts/events/2026-01-05-00-00.json").read_bytes()
    installation.change_source("UPDATE events SET amount = 999 WHERE id = 5")

    (hour,) = deliver(installation, export, hours(0, 0)).done

    assert receipt_from(told, "told").revision == 1
    assert (hour.receipt.revision, hour.receipt.supersedes) == (2, digest_of(told))
    assert faults(installation, export) == []


@pytest.fixture
def blind(installation: Installation, s3_server: S3Server) -> Export:
    """An export to a bucket by somebody who may write there and not look."""
    config = s3_server.config(s3_server.new_bucket(), user=s3_server.writer)
    with writing(installation.deployment.control) as connection:
        key, state = installation.deployment.secret_key, ConnectorState.RUNNING
        add_connector(connection, key, "default", "bucket", config, state=state)
    return installation.export(connector="bucket")


def seen(installation: Installation, export: Export, server: S3Server) -> Destination:
    """The same bucket, for somebody who may look."""
    config = installation.deployment.connector(export.connector_id)
    assert isinstance(config, S3Config)
    return server.config(config.bucket).open()


def led_to(installation: Installation, export: Export, config: ConnectorConfig) -> None:
    """Have the export's connector lead elsewhere, and run."""
    deployment, id_ = installation.deployment, export.connector_id
    with writing(deployment.control) as connection:
        replace_config(connection, deployment.secret_key, id_, config)
        change_state(connection, id_, ConnectorState.RUNNING, "", now=datetime.now(UTC))


def begun(installation: Installation) -> list[str]:
    with reading(installation.deployment.control) as connection:
        return [*connection.scalars(sa.select(BEGUN_OBJECTS.c.key).order_by(BEGUN_OBJECTS.c.key))]


@pytest.mark.parametrize("last", [FILE, RECEIPT])
def test_where_nobody_may_look_a_killed_runs_files_are_known_by_the_note_it_left(
    installation: Installation, blind: Export, s3_server: S3Server, last: int
) -> None:
    killed(installation, "killed_replacing", str(last))
    installation.change_source("UPDATE events SET amount = 999 WHERE id = 5")
    assert len(begun(installation)) == last
    assert ledger(installation, blind) == []

    delivered = deliver(installation, blind, hours(0, 0))

    assert [failure.message for failure in delivered.failed] == []
    assert [entry.revision for entry in ledger(installation, blind)] == [1]
    place = seen(installation, blind, s3_server)
    assert b"999.00" in read(place, "events/2026-01-05-00-00.csv")
    (entry,) = ledger(installation, blind)
    assert verify(place, entry.receipt_key, delivered=entry.receipt.encode()).problems == ()
    assert begun(installation) == []


def test_where_nobody_may_look_anothers_file_stays_however_often_the_hour_is_tried(
    installation: Installation, blind: Export, s3_server: S3Server
) -> None:
    place, key = seen(installation, blind, s3_server), "events/2026-01-05-00-00.csv"
    put(place, key, b"precious")

    for _ in range(2):
        (failure,) = deliver(installation, blind, hours(0, 0)).failed
        assert "move it away" in failure.message
    assert begun(installation) == []
    assert read(place, key) == b"precious"

    place.delete(key)
    assert not deliver(installation, blind, hours(0, 0)).failed


def test_where_nobody_may_look_what_lies_elsewhere_under_the_same_name_is_anothers(
    installation: Installation, blind: Export, s3_server: S3Server
) -> None:
    """The connector leads to another bucket by now: the ledger knows of none of the files there."""
    deliver(installation, blind, hours(0, 0))
    other = s3_server.new_bucket()
    led_to(installation, blind, s3_server.config(other, user=s3_server.writer))
    place, key = s3_server.config(other).open(), "events/2026-01-05-00-00.csv"
    put(place, key, b"precious")

    (failure,) = deliver(installation, blind, hours(0, 0), proven_since=datetime.now(UTC)).failed

    assert "move it away" in failure.message
    assert read(place, key) == b"precious"
    place.delete(key)
    for _ in range(2):  # there, and then over what is there
        again = deliver(installation, blind, hours(0, 0), proven_since=datetime.now(UTC))
        assert not again.failed


@pytest.mark.parametrize("change", [None, "UPDATE events SET amount = 999 WHERE id = 5"])
def test_where_nobody_may_look_a_connector_that_leads_back_finds_its_own_files_there(
    installation: Installation, blind: Export, s3_server: S3Server, change: str | None
) -> None:
    """Whether the hour was the same elsewhere, or another revision of it."""
    first = installation.deployment.connector(blind.connector_id)
    deliver(installation, blind, hours(0, 0))
    led_to(installation, blind, s3_server.config(s3_server.new_bucket(), user=s3_server.writer))
    if change:
        installation.change_source(change)
    deliver(installation, blind, hours(0, 0), proven_since=datetime.now(UTC))

    led_to(installation, blind, first)
    again = deliver(installation, blind, hours(0, 0), proven_since=datetime.now(UTC))

    assert [failure.message for failure in again.failed] == []
    (entry,) = ledger(installation, blind)
    place = seen(installation, blind, s3_server)
    assert verify(place, entry.receipt_key, delivered=entry.receipt.encode()).problems == ()


@pytest.mark.parametrize("last", [FILE, RECEIPT])
def test_where_nobody_may_look_what_a_killed_run_left_is_known_after_a_delivery_elsewhere(
    installation: Installation, blind: Export, s3_server: S3Server, last: int
) -> None:
    first = installation.deployment.connector(blind.connector_id)
    killed(installation, "killed_replacing", str(last))
    led_to(installation, blind, s3_server.config(s3_server.new_bucket(), user=s3_server.writer))
    assert not deliver(installation, blind, hours(0, 0)).failed

    led_to(installation, blind, first)
    again = deliver(installation, blind, hours(0, 0), proven_since=datetime.now(UTC))

    assert [failure.message for failure in again.failed] == []


SINGLE: Mapping[str, Any] = {"standing": False, "layout": "single"}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_range_in_one_file_after_a_killed_run_is_as_if_nothing_had_happened(
    installation: Installation, moment: str
) -> None:
    export = installation.export(**SINGLE)
    untouched = installation.export("untouched", **SINGLE)
    two_hours = HourRange.between(FIRST, FIRST + 2 * ONE_HOUR)
    killed(installation, "killed", moment)
    there = [path for path in installation.downloads.rglob("data.csv") if path.is_file()]
    assert bool(there) == (moment in ("files placed", "receipt written"))  # all of it, or nothing

    deliver(installation, export, [two_hours])
    deliver(installation, untouched, [two_hours])

    assert [(entry.revision, entry.rows, entry.hours) for entry in ledger(installation, export)] == [
        (1, 40, 2)
    ]
    assert faults(installation, export) == []
    written = (installation.downloads / "events" / "data.csv").read_bytes()
    assert written == (installation.downloads / "untouched" / "data.csv").read_bytes()


@pytest.mark.parametrize("last", [FILE, RECEIPT])
def test_a_range_in_one_file_whose_replacement_was_killed_is_made_whole_by_any_run(
    installation: Installation, last: int
) -> None:
    export = installation.export(**SINGLE)
    whole = HourRange.between(FIRST, FIRST + ONE_HOUR)
    deliver(installation, export, [whole])
    installation.change_source("UPDATE events SET amount = 999 WHERE id = 5")
    killed(installation, "killed_replacing", str(last))

    deliver(installation, export, [whole])  # not forced

    assert [entry.revision for entry in ledger(installation, export)] == [2]
    assert b"999.00" in (installation.downloads / "events/data.csv").read_bytes()
    assert faults(installation, export) == []
