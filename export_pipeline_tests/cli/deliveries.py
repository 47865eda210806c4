"""Hours of an export, delivered by the pipeline's own stages as a run of Dagster's would."""

import uuid
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

import sqlalchemy as sa

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.exports.export import Export
from export_pipeline.exports.plan import plan_of
from export_pipeline.extract.sources import open_source
from export_pipeline.pipeline.run import Run
from export_pipeline.pipeline.staging import Staging
from export_pipeline.store.connector_states import change_state
from export_pipeline.store.database import writing
from export_pipeline.store.ledger import HourFailure, write_failure
from export_pipeline.store.schema import TASKS
from export_pipeline.windows import HourWindow
from export_pipeline_tests.installations import Installation


def deliver(
    installation: Installation,
    export: Export,
    windows: Sequence[HourWindow],
    *,
    proven_since: datetime | None = None,
) -> None:
    """Extract, format, upload and record the hours."""
    deployment = installation.deployment
    run = Run(
        control=deployment.control,
        export=export,
        connector=deployment.connector(export.connector_id),
        staging=Staging(installation.folder / "staging", str(uuid.uuid4())),
        lease=deployment.claim_lease,
        hours_at_once=2,
        check=deployment.check,
        proven_since=proven_since,
    )
    plans = plan_of(export.definition, deployment.dataset)
    with closing(open_source(deployment.source_url, deployment.statement_limit)) as source:
        staged = run.extract(source, plans, windows)
    delivered = run.deliver(run.format(staged), lambda _hour: None)
    assert not delivered.failed


def fail(installation: Installation, export: Export, windows: Sequence[HourWindow]) -> None:
    """Note that the hours could not be delivered, by a run that had taken up the export's tasks."""
    with writing(installation.deployment.control) as connection:
        started = sa.update(TASKS).where(TASKS.c.export_id == export.id)
        connection.execute(started.values(started_at=datetime.now(UTC)))
        for window in windows:
            failure = HourFailure(
                export_id=export.id,
                hour=window.start,
                stage="upload",
                kind="configure",
                message="not allowed to write: check the connector's credentials",
                run_id="a run",
                failed_at=datetime.now(UTC),
            )
            write_failure(connection, failure)


def move(installation: Installation, export: Export, state: ConnectorState, reason: str) -> None:
    """Bring the export's connector into a state."""
    with writing(installation.deployment.control) as connection:
        change_state(connection, export.connector_id, state, reason, now=datetime.now(UTC))
