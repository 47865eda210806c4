"""Three checks on every export: that receipts verify at the destination, that all counts agree, and that its
connector is ready.

They are made by the asset's own last op, also when hours failed. A check of its own would be skipped by
Dagster, as it waits for an output of the asset that is never made (see `ops.prove`).
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import dagster as dg

from export_pipeline.errors import ExportPipelineError
from export_pipeline.exports.export import Export
from export_pipeline.orchestration.outcome import Outcome, described
from export_pipeline.orchestration.readiness import readiness, readiness_spec
from export_pipeline.orchestration.resources import DeploymentResource
from export_pipeline.receipts.verifying import Verification, verify
from export_pipeline.store.connector_states import last_check
from export_pipeline.store.connectors import get_connector
from export_pipeline.store.database import reading
from export_pipeline.store.exports import get_export
from export_pipeline.store.ledger import latest_entries
from export_pipeline.windows import ONE_HOUR, HourWindow

RECEIPT_VERIFIES = "receipt_verifies"
ROWS_RECONCILE = "rows_reconcile"

# A check's page lists so many faults; the hours themselves can be asked for with `export-pipeline verify`.
FAULTS_LISTED = 20


def check_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks that the asset of an export makes in each of its runs."""
    return [
        dg.AssetCheckSpec(
            RECEIPT_VERIFIES,
            asset=key,
            description="Receipts and files are at the destination, byte for byte as delivered.",
        ),
        dg.AssetCheckSpec(
            ROWS_RECONCILE,
            asset=key,
            description="Rows counted by the source, in the receipt and in the delivered files agree.",
        ),
        readiness_spec(key),
    ]


def evaluations(
    key: dg.AssetKey, deployment: DeploymentResource, export_id: str, outcome: Outcome
) -> Iterator[dg.AssetCheckEvaluation]:
    """What each check finds of the hours of a run.

    An hour that the run delivered itself was read back as it was put in place, and its rows were counted in
    the finished file: it is not read once more. One that was found in place is.
    """
    found = _verified(deployment, export_id, outcome.found)
    damaged = [
        *(f"{described(failure)}; not delivered by this run" for failure in outcome.failed),
        *(fault for one in found for fault in one.damaged),
    ]
    miscounted = [*outcome.miscounted, *(fault for one in found for fault in one.miscounted)]
    rows = outcome.rows + sum(one.receipt.rows for one in found if one.receipt)
    yield _evaluation(RECEIPT_VERIFIES, key, damaged, hours=outcome.hours)
    yield _evaluation(ROWS_RECONCILE, key, miscounted, hours=outcome.hours, rows=rows)
    with reading(deployment.deployment.control) as connection:
        connector = get_connector(connection, get_export(connection, export_id).connector_id)
        steps = last_check(connection, connector.id)
    yield readiness(key, connector, steps)


def _verified(
    deployment: DeploymentResource, export_id: str, windows: Sequence[HourWindow]
) -> Sequence[Verification]:
    """Read the hours' receipts and files from the destination."""
    if not windows:
        return []
    opened = deployment.deployment
    with reading(opened.control) as connection:
        export: Export = get_export(connection, export_id)
        entries = latest_entries(connection, export_id, min(windows).start, max(windows).start + ONE_HOUR)
    wanted = {window.start for window in windows}
    entries = [entry for entry in entries if entry.hour in wanted]
    try:
        destination = deployment.connector(export.connector_id).open()
    except ExportPipelineError as error:
        return [
            Verification(key=one.receipt_key, receipt=None, damaged=(f"{one.receipt_key}: {error}",))
            for one in entries
        ]
    with ThreadPoolExecutor(opened.settings.hours_at_once) as pool:
        return list(
            pool.map(
                lambda entry: verify(destination, entry.receipt_key, delivered=entry.receipt.encode()),
                entries,
            )
        )


def _evaluation(
    name: str, key: dg.AssetKey, faults: Sequence[str], **numbers: int
) -> dg.AssetCheckEvaluation:
    hours = numbers["hours"]
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=name,
        passed=not faults,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{len(faults)} faults in {hours} hours" if faults else f"{hours} hours in order",
        metadata={
            **{name: dg.MetadataValue.int(number) for name, number in numbers.items()},
            "faults": _listed(faults),
        },
    )


def _listed(faults: Iterable[str]) -> dg.MetadataValue:
    lines = [f"- {fault}" for fault in faults]
    more = [f"- and {len(lines) - FAULTS_LISTED} more"] if len(lines) > FAULTS_LISTED else []
    return dg.MetadataValue.md("\n".join([*lines[:FAULTS_LISTED], *more]) or "none")
