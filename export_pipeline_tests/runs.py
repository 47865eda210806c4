"""Runs over an installation's hours, without Dagster."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from export_pipeline.exports.export import Export
from export_pipeline.exports.plan import derived_tables, plan_of
from export_pipeline.extract.derived import DerivedSource
from export_pipeline.extract.sources import open_source
from export_pipeline.pipeline.chunk import Chunk
from export_pipeline.pipeline.hours import DeliveredHour
from export_pipeline.pipeline.run import Run
from export_pipeline.pipeline.staging import Staging
from export_pipeline.store.connectors import get_connector
from export_pipeline.store.database import reading
from export_pipeline.store.ledger import LedgerEntry, latest_entries
from export_pipeline.windows import ONE_HOUR, HourWindow
from export_pipeline_tests.installations import FIRST, HOURS, Installation


def a_run(installation: Installation, export: Export, proven_since: datetime | None = None) -> Run:
    """A run under an id of its own."""
    deployment = installation.deployment
    with reading(deployment.control) as connection:
        configuration = get_connector(connection, export.connector_id).configuration
    return Run(
        control=deployment.control,
        export=export,
        configuration=configuration,
        connector=deployment.connector(export.connector_id),
        staging=Staging(deployment.settings.staging_folder, str(uuid.uuid4())),
        lease=deployment.claim_lease,
        hours_at_once=4,
        check=deployment.check,
        proven_since=proven_since,
    )


def deliver(
    installation: Installation,
    export: Export,
    windows: Sequence[HourWindow],
    proven_since: datetime | None = None,
) -> Chunk[DeliveredHour]:
    """All three stages, by one run."""
    run = a_run(installation, export, proven_since)
    deployment = installation.deployment
    plans = plan_of(export.definition, deployment.dataset_of(export.organization))
    source = DerivedSource(
        open_source(deployment.url_of(plans), deployment.statement_limit), derived_tables(plans)
    )
    try:
        staged = run.extract(source, plans, windows)
    finally:
        source.close()
    return run.deliver(run.format(staged), lambda _hour: None)


def ledger(installation: Installation, export: Export) -> Sequence[LedgerEntry]:
    """The export's entries for the day, newest revision of each hour."""
    with reading(installation.deployment.control) as connection:
        return latest_entries(connection, export.id, FIRST, FIRST + HOURS * ONE_HOUR)
