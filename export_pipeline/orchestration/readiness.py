"""The check `connector_ready` on every export: the state of its connector, and what its last check said.

It is told of by each run of the export, and by a sensor whenever the state changes (see `health`).
"""

from collections.abc import Sequence

import dagster as dg

from export_pipeline.connectors.checking import CheckStep
from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.store.connectors import StoredConnector

CONNECTOR_READY = "connector_ready"


def readiness_spec(key: dg.AssetKey) -> dg.AssetCheckSpec:
    """The check on the asset of an export."""
    return dg.AssetCheckSpec(
        CONNECTOR_READY,
        asset=key,
        description="The connector is RUNNING; hours wait for it in any other state.",
    )


def readiness(
    key: dg.AssetKey, connector: StoredConnector, steps: Sequence[CheckStep]
) -> dg.AssetCheckEvaluation:
    """What there is to say of the connector now. ERROR is for what waits for somebody to act."""
    failed = connector.state is ConnectorState.FAILED
    checked_at = connector.checked_at
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=CONNECTOR_READY,
        passed=connector.state is ConnectorState.RUNNING,
        severity=dg.AssetCheckSeverity.ERROR if failed else dg.AssetCheckSeverity.WARN,
        description=f"connector {connector.name!r} is {connector.state}: {connector.reason}",
        metadata={
            "connector": dg.MetadataValue.text(connector.name),
            "state": dg.MetadataValue.text(connector.state.value),
            "reason": dg.MetadataValue.text(connector.reason),
            "checked_at": dg.MetadataValue.text(checked_at.isoformat() if checked_at else "never"),
            "steps": dg.MetadataValue.md(_table(steps)),
        },
    )


def _table(steps: Sequence[CheckStep]) -> str:
    if not steps:
        return "none"
    rows = [
        f"| {step.name} | {'passed' if step.ok else 'failed'} | {_cell(step.message)} |" for step in steps
    ]
    return "\n".join(["| step | | |", "|---|---|---|", *rows])


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
