"""A whole run: what the settings say goes, wherever it lies, and nothing of customers' own places."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from export_pipeline.connectors.secret import reveal
from export_pipeline.control.connectors import create_connector, delete_connector, stop_connector
from export_pipeline.control.exports import delete_export
from export_pipeline.control.tasks import show_task
from export_pipeline.deployment import open_deployment
from export_pipeline.exports.task import ExportTask, TaskStatus
from export_pipeline.receipts.verifying import verify
from export_pipeline.retention.retaining import Report, deadlines_of
from export_pipeline.settings import Settings
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import get_export
from export_pipeline.store.tasks import end_task, get_task, start_task
from export_pipeline_tests.buckets import connector_to
from export_pipeline_tests.connectors.objects import keys
from export_pipeline_tests.installations import Installation, hours
from export_pipeline_tests.retention.conftest import files, receipts, retained
from export_pipeline_tests.runs import deliver, ledger
from export_pipeline_tests.servers.s3 import S3Server


def done(installation: Installation, task: ExportTask) -> ExportTask:
    """The task, by a run that has delivered all of its hours and said so."""
    control = installation.deployment.control
    with writing(control) as connection:
        started = start_task(connection, task.id)
        export = get_export(connection, task.export_id)
    windows = task.windows(export.definition.layout)
    assert not deliver(installation, export, windows).failed
    with writing(control) as connection:
        end_task(connection, task.id, started.attempt)
        return get_task(connection, task.id)


def told(report: Report) -> list[tuple[str, int, int]]:
    return [(export.export, export.tasks, export.hours) for export in report.exports]


def test_by_default_nothing_goes_that_somebody_may_want(installation: Installation) -> None:
    deliver(installation, installation.export(), hours(0, 2))

    assert told(retained(installation, after_days=30_000)) == []
    assert len(files(installation)) == 3


def test_what_is_older_than_the_setting_says_goes(installation: Installation) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 2))

    assert told(retained(installation, after_days=6.9, download_days=7)) == []
    would = retained(installation, after_days=7.1, download_days=7, dry_run=True)
    assert len(files(installation)) == 3
    did = retained(installation, after_days=7.1, download_days=7)

    assert told(would) == told(did) == [("events", 0, 3)]
    assert would.bytes == did.bytes == sum(entry.bytes for entry in ledger(installation, export))
    assert (files(installation), receipts(installation)) == ([], 3)
    assert (did.hours, did.problems) == (3, ())
    assert told(retained(installation, after_days=7.1, download_days=7)) == []


def test_a_task_expires_with_its_files_and_stays_finished(installation: Installation) -> None:
    task = done(installation, installation.request(0, 1, subdirectory="mine/$export", own_files=True))
    with reading(installation.deployment.control) as connection:
        slug = get_export(connection, task.export_id).slug
    assert len(files(installation, f"mine/{slug}")) == 2

    assert told(retained(installation, after_days=8, download_days=7)) == [(slug, 1, 2)]

    with reading(installation.deployment.control) as connection:
        view = show_task(connection, "default", task.id)
    assert (view.status, view.progress) == (TaskStatus.FINISHED, 100)
    assert view.task.expired_at is not None
    assert files(installation, f"mine/{slug}") == []


def test_hours_that_are_asked_for_after_their_expiry_are_there_again(installation: Installation) -> None:
    first = done(installation, installation.request(0, 1, subdirectory="mine"))
    retained(installation, after_days=8, download_days=7)
    assert files(installation, "mine") == []

    again = done(installation, installation.request(0, 1, subdirectory="mine"))

    assert len(files(installation, "mine")) == 2
    with reading(installation.deployment.control) as connection:
        export = get_export(connection, again.export_id)
        marks = [get_task(connection, one.id).expired_at is None for one in (first, again)]
    assert (first.export_id, marks) == (again.export_id, [False, True])
    destination = installation.deployment.connector(export.connector_id).open()
    assert all(verify(destination, entry.receipt_key).ok for entry in ledger(installation, export))
    assert told(retained(installation, after_days=6, download_days=7)) == []


def test_files_that_two_tasks_share_go_with_the_later_one(installation: Installation) -> None:
    task = done(installation, installation.request(0, 1, subdirectory="mine"))
    queued = installation.request(1, 2, subdirectory="mine")
    assert task.export_id == queued.export_id

    retained(installation, after_days=8, download_days=7)
    assert files(installation, "mine") == ["2026-01-05-01-00.csv"]

    done(installation, queued)
    retained(installation, after_days=8, download_days=7)
    assert files(installation, "mine") == []


def test_files_of_a_deleted_export_go_in_the_end(installation: Installation) -> None:
    export, other = installation.export(), installation.export("other")
    for one in (export, other):
        deliver(installation, one, hours(0, 1))
    with writing(installation.deployment.control) as connection:
        delete_export(connection, "default", "events")

    assert told(retained(installation, after_days=29)) == []
    report = retained(installation, after_days=31)

    assert [(one.export, one.deleted, one.hours) for one in report.exports] == [("events", True, 2)]
    assert (files(installation), len(files(installation, "other"))) == ([], 2)
    assert told(retained(installation, deleted_days=0)) == []


def test_files_of_a_direct_download_that_was_deleted_itself_go_too(installation: Installation) -> None:
    deployment = installation.deployment
    with writing(deployment.control) as connection:
        config = {"type": "direct_download"}
        made = create_connector(
            connection, deployment.secret_key, organization="default", name="press", config=config
        )
    deployment.check(made)
    export = installation.export(connector="press")
    deliver(installation, export, hours(0, 1))
    place = deployment.connector(made.id).open()
    assert len([key for key in keys(place) if "_receipts" not in key]) == 2
    with writing(deployment.control) as connection:
        delete_export(connection, "default", "events")
        stop_connector(connection, "default", "press")
    with writing(deployment.control) as connection:
        delete_connector(connection, "default", "press")

    assert told(retained(installation, after_days=31)) == [("events", 0, 2)]
    assert [key for key in keys(place) if "_receipts" not in key] == []


def test_customers_own_buckets_are_never_touched(installation: Installation, s3_server: S3Server) -> None:
    bucket = s3_server.config(s3_server.new_bucket())
    connector_to(installation, bucket)
    export = installation.export(connector="acme-bucket")
    deliver(installation, export, hours(0, 1))
    with writing(installation.deployment.control) as connection:
        delete_export(connection, "default", "events")

    assert told(retained(installation, after_days=3000, download_days=1, deleted_days=0)) == []
    assert len([key for key in keys(bucket.open()) if "_receipts" not in key]) == 2


def test_downloads_that_wait_in_a_bucket_of_the_operators_go_as_well(
    tmp_path: Path, installation: Installation, s3_server: S3Server
) -> None:
    bucket = s3_server.config(s3_server.new_bucket())
    document = tmp_path / "downloads.json"
    document.write_text(reveal(bucket))
    settings = installation.deployment.settings.model_copy(update={"downloads": document})
    there = replace(installation, deployment=replace(installation.deployment, settings=settings))
    deliver(there, there.export(), hours(0, 1))
    assert len(keys(bucket.open())) == 4

    report = retained(there, after_days=8, download_days=7)

    assert (told(report), report.problems) == ([("events", 0, 2)], ())
    assert all("_receipts" in key for key in keys(bucket.open()))
    assert len(keys(bucket.open())) == 2


def test_a_store_that_cannot_be_opened_is_told_and_nothing_is_marked(
    tmp_path: Path, installation: Installation
) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 1))
    document = tmp_path / "downloads.json"
    document.write_text(json.dumps({"type": "s3", "buckett": "x"}))

    report = retained(installation, after_days=8, download_days=7, downloads=document)

    (problem,) = report.problems
    assert problem.startswith("default/events: EXPORT_PIPELINE_DOWNLOADS: ")
    assert [entry.expired_at for entry in ledger(installation, export)] == [None, None]
    assert told(retained(installation, after_days=8, download_days=7)) == [("events", 0, 2)]


def test_where_downloads_were_moved_what_lies_in_the_old_place_is_left(
    tmp_path: Path, installation: Installation
) -> None:
    deliver(installation, installation.export(), hours(0, 1))

    report = retained(installation, after_days=8, download_days=7, downloads=tmp_path / "elsewhere")

    assert told(report) == []
    assert len(files(installation)) == 2


@pytest.fixture
def on_postgres(installation: Installation, postgres_database: str) -> Iterator[Installation]:
    """The same, with a control database that many may write to at once."""
    settings = installation.deployment.settings.model_copy(update={"control_url": postgres_database})
    deployment = open_deployment(settings, installation.deployment.environ)
    yield replace(installation, deployment=deployment)
    deployment.close()


@pytest.mark.parametrize("where", ["installation", "on_postgres"])
def test_two_runs_at_once_do_no_harm(request: pytest.FixtureRequest, where: str) -> None:
    installation: Installation = request.getfixturevalue(where)
    export = installation.export()
    deliver(installation, export, hours(0, 23))

    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(retained, installation, after_days=8, download_days=7),
            pool.submit(retained, installation, after_days=8, download_days=7),
        ]
        reports = [run.result() for run in runs]

    assert [report.problems for report in reports] == [(), ()]
    assert files(installation) == []
    assert all(entry.removed_at for entry in ledger(installation, export))


def test_a_run_and_deliveries_at_once_agree_in_the_end(on_postgres: Installation) -> None:
    """Each hour is either there, with its file, or it has expired, without."""
    export = on_postgres.export()
    deliver(on_postgres, export, hours(0, 23))
    before = {entry.hour: entry.revision for entry in ledger(on_postgres, export)}

    with ThreadPoolExecutor(3) as pool:
        runs = [pool.submit(retained, on_postgres, after_days=8, download_days=7) for _ in range(2)]
        again = pool.submit(deliver, on_postgres, export, hours(0, 11), proven_since=datetime.now(UTC))
        assert [run.result().problems for run in runs] == [(), ()]
        assert not again.result().failed

    entries = ledger(on_postgres, export)
    assert {entry.hour: entry.revision for entry in entries} == before
    there = [f"{entry.hour:%Y-%m-%d-%H}-00.csv" for entry in entries if entry.expired_at is None]
    assert files(on_postgres) == there
    retained(on_postgres)  # what one of them has left to the other
    destination = on_postgres.deployment.connector(export.connector_id).open()
    for entry in ledger(on_postgres, export):
        assert verify(destination, entry.receipt_key, files=entry.expired_at is None).ok


@pytest.mark.parametrize(
    ("settings", "found", "deleted"),
    [
        ({}, None, timedelta(days=30)),
        ({"download_days": 7, "deleted_days": 0}, timedelta(days=7), timedelta(0)),
        ({"download_days": 36_500, "deleted_days": 36_500}, timedelta(days=36_500), timedelta(days=36_500)),
    ],
)
def test_the_settings_say_how_long(
    settings: dict[str, int], found: timedelta | None, deleted: timedelta
) -> None:
    now = datetime.now(UTC)
    deadlines = deadlines_of(Settings().model_copy(update=settings), now)

    assert deadlines.found == (now - found if found else None)
    assert deadlines.deleted == now - deleted
