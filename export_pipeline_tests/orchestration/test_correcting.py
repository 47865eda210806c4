"""Hours that were delivered before their records changed are delivered again, as many times as they do."""

import csv
from datetime import UTC, datetime

import dagster as dg

from export_pipeline.orchestration.assets import export_job
from export_pipeline.orchestration.correcting import contributed_corrections
from export_pipeline.orchestration.waiting import waiting_hours
from export_pipeline.receipts.receipt import digest_of, receipt_from
from export_pipeline.store.contributed_hours import TO_SETTLE
from export_pipeline.store.database import reading
from export_pipeline.store.ledger import find_entry
from export_pipeline_tests.contributed import (
    a_connector_is_live,
    a_data_connector,
    a_record,
    a_record_is_deleted,
    an_entity_type,
    an_hour_changed,
)
from export_pipeline_tests.installations import FIRST, Installation
from export_pipeline_tests.orchestration.running import definitions, run_hours


def vendor_ids(installation: Installation) -> list[str]:
    with (installation.downloads / "country/2026-01-05-00-00.csv").open(newline="") as opened:
        return [row["vendor_id"] for row in csv.DictReader(opened)]


def test_records_that_leave_an_hour_leave_its_file(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    control = installation.deployment.control
    country = an_entity_type(control, organization="default")
    connector = a_data_connector(control, country)
    for vendor_id in ("gb", "it"):
        a_record(control, connector, vendor_id, {}, since=FIRST)
    export = installation.export("country", tables=[{"name": "country"}])
    waiting = waiting_hours({export.id: export_job(export)})
    cursor: str | None = None

    def corrected() -> tuple[str | None, bool]:
        """What the sensor says; and what it asks for is done, as Dagster would."""
        nonlocal cursor
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        tick = contributed_corrections.evaluate_tick(context)
        cursor = tick.cursor
        requests = waiting.evaluate_tick(dg.build_sensor_context(instance=instance)).run_requests or []
        for request in requests:
            assert request.run_key is not None
            assert request.run_key not in run_keys, "Dagster would make no run of it"
            run_keys.append(request.run_key)
            job = definitions().resolve_job_def(request.job_name or "")
            assert job.execute_in_process(instance=instance, tags=dict(request.tags)).success
        return tick.skip_message, bool(requests)

    run_keys: list[str] = []
    assert run_hours(instance, 0, 0, job="deliver__country").success
    assert sorted(vendor_ids(installation)) == ["gb", "it"]
    assert corrected() == ("no delivered hour changed", False)

    a_record_is_deleted(control, connector, "it")
    an_hour_changed(control, country, FIRST, datetime.now(UTC))
    assert corrected() == ("no delivered hour changed", False)  # it may not be stored yet

    # Longer ago, but after the hour was read, as far as anybody knows.
    an_hour_changed(control, country, FIRST, datetime.now(UTC) - TO_SETTLE)
    cursor = None  # that was before the last look
    assert corrected() == ("1 hours are to be corrected", True)
    assert vendor_ids(installation) == ["gb"]
    with reading(control) as connection:
        first, second = (find_entry(connection, export.id, FIRST, revision) for revision in (1, 2))
    receipt = receipt_from(second.receipt.encode(), second.receipt_key)
    assert (receipt.revision, receipt.rows) == (2, 1)
    assert receipt.supersedes == digest_of(first.receipt.encode())

    a_connector_is_live(control, connector, live=False)
    an_hour_changed(control, country, FIRST, datetime.now(UTC) - TO_SETTLE)
    cursor = None
    assert corrected() == ("1 hours are to be corrected", True)
    assert vendor_ids(installation) == []
    with reading(control) as connection:
        assert find_entry(connection, export.id, FIRST, None).revision == 3
