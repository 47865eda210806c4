"""What Dagster is told of a delivered hour, and how often."""

from typing import Any

import dagster as dg
import pytest

from export_pipeline.exports.export import Export
from export_pipeline.orchestration.materializations import Materializer
from export_pipeline.pipeline.hours import DeliveredHour
from export_pipeline.receipts.receipt import Receipt
from export_pipeline.windows import HourWindow
from export_pipeline_tests.builders import a_receipt, a_receipt_file
from export_pipeline_tests.installations import Installation, hours
from export_pipeline_tests.orchestration.running import EVENTS, materializations
from export_pipeline_tests.runs import deliver

(HOUR,) = hours(0, 0)
FILES = (a_receipt_file(), a_receipt_file(table="weather", key="weather.csv", rows=3, bytes=43))


def tell(
    instance: dg.DagsterInstance,
    installation: Installation,
    export: Export,
    *,
    delivered: list[DeliveredHour] | None = None,
    found: list[HourWindow] | None = None,
) -> None:
    """From within an op, as a run does."""

    @dg.op
    def deliver_hours(context: dg.OpExecutionContext) -> None:
        materializer = Materializer(context, export, installation.deployment.control)
        for hour in delivered or []:
            materializer.delivered(hour)
        materializer.found(found or [])

    @dg.job
    def run() -> None:
        deliver_hours()

    assert run.execute_in_process(instance=instance).success


def a_delivered_hour(receipt: Receipt, *, changed: bool = True) -> DeliveredHour:
    return DeliveredHour(
        window=HOUR,
        files=(),
        receipt=receipt,
        receipt_key="_receipts/events/2026-01-05-00-00.json",
        receipt_text=receipt.to_bytes().decode(),
        changed=changed,
        seconds=1.23456,
    )


def metadata_of(instance: dg.DagsterInstance) -> dict[str, Any]:
    event = instance.get_latest_materialization_event(EVENTS)
    assert event is not None
    assert event.asset_materialization is not None
    return {name: value.value for name, value in event.asset_materialization.metadata.items()}


def test_an_hour_of_one_file_is_told_with_its_path_and_digest(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    receipt = a_receipt(revision=3)
    tell(instance, installation, installation.export(), delivered=[a_delivered_hour(receipt)])
    metadata = metadata_of(instance)
    assert (metadata["path"], metadata["sha256"]) == ("2013-01-01-00-00.csv", "5a" * 32)
    assert (metadata["revision"], metadata["seconds"], metadata["snapshot"]) == (3, 1.235, receipt.snapshot)
    assert metadata["receipt"] == "_receipts/events/2026-01-05-00-00.json"


def test_an_hour_of_two_files_is_told_with_the_sums_and_a_row_for_each(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    receipt = a_receipt(files=FILES)
    tell(instance, installation, installation.export(), delivered=[a_delivered_hour(receipt)])
    metadata = metadata_of(instance)
    assert (metadata["rows"], metadata["bytes"]) == (receipt.rows, 57 + 43)
    rows = [(record.data["table"], record.data["path"]) for record in metadata["files"].records]
    assert rows == [("flights", "2013-01-01-00-00.csv"), ("weather", "weather.csv")]
    assert not {"path", "sha256"} & set(metadata)


def test_an_hour_delivered_again_and_found_unchanged_is_not_told_again(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    (hour,) = deliver(installation, export, [HOUR]).done
    tell(instance, installation, export, delivered=[hour])
    unchanged = a_delivered_hour(hour.receipt, changed=False)
    tell(instance, installation, export, delivered=[unchanged])
    assert materializations(instance) == [(HOUR.key, 1)]


def test_found_hours_that_dagster_was_never_told_of_are_told(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    first, *others = deliver(installation, export, hours(0, 3)).done
    assert len(others) == 3
    tell(instance, installation, export, delivered=[first])
    tell(instance, installation, export, found=hours(0, 2))
    assert materializations(instance) == [(window.key, 1) for window in hours(0, 2)]


def test_a_found_revision_that_dagster_was_not_told_of_is_told(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export()
    older = a_delivered_hour(a_receipt(revision=7))
    deliver(installation, export, [HOUR])
    tell(instance, installation, export, delivered=[older])
    tell(instance, installation, export, found=[HOUR])
    assert materializations(instance) == [(HOUR.key, 1), (HOUR.key, 7)]


def test_what_was_told_without_a_revision_counts_as_not_told(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    """Anybody may report a materialization, in the UI or over Dagster's API."""
    export = installation.export()
    deliver(installation, export, [HOUR])
    instance.report_runless_asset_event(dg.AssetMaterialization(EVENTS, partition=HOUR.key))
    tell(instance, installation, export, found=[HOUR])
    assert metadata_of(instance)["revision"] == 1


@pytest.mark.parametrize("found", [[], hours(5, 5)], ids=["none", "not in the ledger"])
def test_hours_that_are_not_delivered_are_not_told(
    installation: Installation, instance: dg.DagsterInstance, found: list[HourWindow]
) -> None:
    tell(instance, installation, installation.export(), found=found)
    assert materializations(instance) == []


def test_an_export_that_does_not_stand_has_nothing_to_be_told_of(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    export = installation.export(standing=False)
    (hour,) = deliver(installation, export, [HOUR]).done
    tell(instance, installation, export, delivered=[hour], found=[HOUR])
    assert materializations(instance) == []
