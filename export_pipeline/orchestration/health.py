"""Connectors are checked when it is time to; and Dagster is told of every change of their states.

The sensor only looks whether a check is due: a check takes as long as a store that does not answer, and a
sensor's tick has to be short. So checks are made by a run, of which there is never more than one.
"""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES  # which Dagster names nowhere else

from export_pipeline.deployment import Deployment
from export_pipeline.orchestration.names import CHECKS_BEFORE_ALL, asset_key
from export_pipeline.orchestration.readiness import readiness
from export_pipeline.orchestration.resources import DeploymentResource
from export_pipeline.orchestration.sensors import opened_deployment
from export_pipeline.store.connector_states import connectors_to_check, last_check, settle_stopping
from export_pipeline.store.connectors import StoredConnector, get_connector, select_connectors
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import exports_on
from export_pipeline.store.schema import CONNECTORS

SECONDS_BETWEEN_LOOKS = 30

CONNECTORS_PER_RUN = 100
CHECKS_AT_ONCE = 8

# Longer than every client's own patience with one call; a check makes about twenty-five.
SECONDS_PER_CHECK = 120.0

# A change is stored a moment after the time it bears: so much is looked at twice.
OVERLAP = timedelta(minutes=10)


@dg.op(tags={"kind": "check"})
def check_due(context: dg.OpExecutionContext, deployment: DeploymentResource) -> None:
    """Check every connector whose check is due, several at once."""
    opened = deployment.deployment
    with reading(opened.control) as connection:
        due = connectors_to_check(connection, datetime.now(UTC), CONNECTORS_PER_RUN)
    for first in range(0, len(due), CHECKS_AT_ONCE):
        check_all(opened, due[first : first + CHECKS_AT_ONCE], SECONDS_PER_CHECK)
    for connector in due:
        context.log.info(_said(opened, connector))


@dg.job(description="Check the connectors that are due.", tags=CHECKS_BEFORE_ALL)
def check_connectors() -> None:
    check_due()


def check_all(deployment: Deployment, connectors: Sequence[StoredConnector], seconds: float) -> None:
    """Check them all at once. Of one whose check has not ended by then that is noted.

    Its thread is left behind, and what it finds comes too late to be noted; it does not keep the process.
    """
    threads = {
        connector.id: threading.Thread(
            target=deployment.check, args=(connector,), name=f"check of {connector.name}", daemon=True
        )
        for connector in connectors
    }
    for thread in threads.values():
        thread.start()
    give_up = time.monotonic() + seconds
    for connector in connectors:
        threads[connector.id].join(max(0.0, give_up - time.monotonic()))
        if threads[connector.id].is_alive():
            message = f"The check has not ended within {seconds:.0f} seconds."
            deployment.note_failed_check(connector, message, passes=True)


@dg.sensor(
    job=check_connectors,
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Has connectors checked when it is time to, and tells Dagster when their states change.",
)
def connector_health(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Stop what is stopping and has nothing left to do, tell of changes, ask for checks."""
    with opened_deployment() as deployment:
        now = datetime.now(UTC)
        with writing(deployment.control) as connection:
            settle_stopping(connection, now)
        with reading(deployment.control) as connection:
            context.update_cursor(_tell(context.instance, connection, context.cursor))
            due = connectors_to_check(connection, now, 1)
    under_way = dg.RunsFilter(job_name=check_connectors.name, statuses=NOT_FINISHED_STATUSES)
    if not due:
        yield dg.SkipReason("no connector's check is due")
    elif context.instance.get_run_ids(under_way, limit=1):
        yield dg.SkipReason("connectors are being checked")
    else:
        yield dg.RunRequest()


def _tell(instance: dg.DagsterInstance, connection: sa.Connection, cursor: str | None) -> str:
    """Make the check `connector_ready` of every export whose connector's state has changed.

    Returns the next cursor: the connectors that were told of last, and since when they are as they are.
    """
    told: dict[str, str] = json.loads(cursor or "{}")
    newest = max((datetime.fromisoformat(moment) for moment in told.values()), default=None)
    since = CONNECTORS.c.state_since
    later = since.is_not(None) if newest is None else since > newest - OVERLAP
    changed = select_connectors(connection, later, by=since)
    for connector in changed:
        if told.get(connector.id) == connector.state_since.isoformat():
            continue
        steps = last_check(connection, connector.id)
        for export in exports_on(connection, connector.id):
            if export.standing:
                instance.report_runless_asset_event(readiness(asset_key(export), connector, steps))
    if not changed:
        return cursor or "{}"
    last = changed[-1].state_since - OVERLAP
    return json.dumps({c.id: c.state_since.isoformat() for c in changed if c.state_since > last})


def _said(deployment: Deployment, connector: StoredConnector) -> str:
    with reading(deployment.control) as connection:
        now = get_connector(connection, connector.id)
    return f"connector {now.name!r} of {now.organization} is {now.state}: {now.reason}"
