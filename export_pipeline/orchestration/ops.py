"""The ops every export is built of. An op is a translation: Dagster's context stops here.

`plan` (or, for a task, `plan_task`) cuts the hours into chunks; `extract`, `format_rows` and `upload` are
mapped over the chunks; `prove` (or `finish`) is told what became of all of them, and fails the run if hours
failed. Rising priorities make the in-process executor finish one chunk before it reads the next, so that
staging stays small.

An op that is handed `None` is of a run begun in the middle (see `handover`): it hands on `None`, and the last
op, of whose hours nobody told it, does them.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import dagster as dg

from export_pipeline.deployment import Deployment
from export_pipeline.errors import ExportPipelineError
from export_pipeline.exports.export import Export
from export_pipeline.exports.plan import plan_of
from export_pipeline.orchestration.cancelling import cancellable, end_cancelled_run, unwanted
from export_pipeline.orchestration.checks import RECEIPT_VERIFIES, ROWS_RECONCILE, evaluations
from export_pipeline.orchestration.materializations import Materializer
from export_pipeline.orchestration.names import (
    BEGUN_ANEW,
    FORCE_TAG,
    PROVEN_SINCE_TAG,
    RESUME_TAG,
    RETRY_STRATEGY_TAG,
    RETRY_TAG,
    asset_key,
)
from export_pipeline.orchestration.order import Order, cut, order_of, windows_of
from export_pipeline.orchestration.outcome import Outcome
from export_pipeline.orchestration.readiness import CONNECTOR_READY
from export_pipeline.orchestration.resources import DeploymentResource
from export_pipeline.pipeline.chunk import Chunk
from export_pipeline.pipeline.hours import FormattedHour, StagedHour, remarks_on, undeclared_columns
from export_pipeline.pipeline.run import Run
from export_pipeline.pipeline.staging import Staging
from export_pipeline.store.claims import living_runs
from export_pipeline.store.connectors import get_connector
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import get_export, layout_of, standing_exports
from export_pipeline.store.named_filters import named_filters
from export_pipeline.store.tasks import end_task, get_task, requeue_task, start_task
from export_pipeline.store.waits import why_wait
from export_pipeline.windows import HourWindow


@dataclass(frozen=True, slots=True)
class StagedChunk:
    """An order, and its hours once they are read."""

    order: Order
    hours: Chunk[StagedHour]


@dataclass(frozen=True, slots=True)
class FormattedChunk:
    """An order, and its hours once their files are written."""

    order: Order
    hours: Chunk[FormattedHour]


class TaskConfig(dg.Config):
    """Which task the run is for. A task's id is no secret."""

    task_id: str


@dg.op(out=dg.DynamicOut(Order), tags={"kind": "plan"})
def plan(context: dg.OpExecutionContext, deployment: DeploymentResource) -> Iterator[dg.DynamicOutput[Order]]:
    """Cut the partitions of the run into chunks of hours."""
    yield from _chunks(context, deployment.deployment, _asset_order(context, deployment))


@dg.op(out=dg.DynamicOut(Order), tags={"kind": "plan"})
def plan_task(
    context: dg.OpExecutionContext, config: TaskConfig, deployment: DeploymentResource
) -> Iterator[dg.DynamicOutput[Order]]:
    """Cut the hours of a task into chunks."""
    opened = deployment.deployment
    with writing(opened.control) as connection:
        task = start_task(connection, config.task_id)
        order = order_of(task, layout_of(connection, task.export_id))
    if task.cancellation is not None:
        end_cancelled_run(context, opened, task.id)
    yield from _chunks(context, opened, order)


@dg.op(tags={"dagster/priority": "1"}, pool="source")
def extract(
    context: dg.OpExecutionContext, order: Order | None, deployment: DeploymentResource
) -> StagedChunk | None:
    """Read the hours' rows from the source and stage them as Arrow files."""
    if order is None:
        return None
    with cancellable(context, deployment.deployment, order):
        staged = _read(_run(context, deployment, order), deployment, order.hours)
    context.add_output_metadata(
        {"hours": len(staged.done), "rows": sum(table.rows for hour in staged.done for table in hour.tables)}
    )
    if extra := undeclared_columns(staged.done):
        context.add_output_metadata({"columns not declared": ", ".join(extra)})
    for remark in remarks_on(staged.done):
        deployment.warn_once(context.log, remark)
    return StagedChunk(order, staged)


@dg.op(tags={"dagster/priority": "2"})
def format_rows(
    context: dg.OpExecutionContext, chunk: StagedChunk | None, deployment: DeploymentResource
) -> FormattedChunk | None:
    """Write the hours' files in the customer's format."""
    if chunk is None:
        return None
    run = _run(context, deployment, chunk.order)
    with cancellable(context, deployment.deployment, chunk.order):
        formatted = run.format(chunk.hours, partial(_read, run, deployment))
    context.add_output_metadata(
        {"hours": len(formatted.done), "bytes": sum(f.bytes for hour in formatted.done for f in hour.files)}
    )
    return FormattedChunk(chunk.order, formatted)


@dg.op(tags={"dagster/priority": "3"}, pool="destination")
def upload(
    context: dg.OpExecutionContext, chunk: FormattedChunk | None, deployment: DeploymentResource
) -> Outcome | None:
    """Deliver the hours, record them, and materialize each. Hours that fail are told to the last op."""
    if chunk is None:
        return None
    with cancellable(context, deployment.deployment, chunk.order):
        outcome = _deliver(context, deployment, _run(context, deployment, chunk.order), chunk.hours)
    context.add_output_metadata(
        {
            "delivered": len(outcome.delivered),
            "found": len(outcome.found),
            "failed": len(outcome.failed),
            "waiting": len(outcome.waiting),
        }
    )
    return outcome


@dg.op(
    out={
        name: dg.Out(dg.Nothing, is_required=False)
        for name in ("result", RECEIPT_VERIFIES, ROWS_RECONCILE, CONNECTOR_READY)
    }
)
def prove(
    context: dg.OpExecutionContext, told: list[Outcome | None], deployment: DeploymentResource
) -> Iterator[dg.AssetCheckEvaluation]:
    """Make the asset's checks, whatever became of the hours; then fail if any of them failed, or waits: a
    success would have it delivered.

    None of its outputs is ever made: `result` would be a second materialization of every hour.
    """
    order = _asset_order(context, deployment)
    outcome = _whole_outcome(context, deployment, order, told)
    yield from evaluations(context.asset_key, deployment, order.export_id, outcome)
    waits_for = _waits_for(deployment, order)
    outcome.raise_for_undelivered(f"{waits_for}; they are delivered when it is RUNNING again")


@dg.op
def finish(
    context: dg.OpExecutionContext, told: list[Outcome | None], deployment: DeploymentResource
) -> None:
    """Close a task's run, which fails if any of its hours failed. If some wait, so does the task, again."""
    configured: Any = context.run.run_config["ops"]
    with reading(deployment.deployment.control) as connection:
        task = get_task(connection, configured[plan_task.name]["config"]["task_id"])
        order = order_of(task, layout_of(connection, task.export_id))
    with cancellable(context, deployment.deployment, order):
        outcome = _whole_outcome(context, deployment, order, told)
    with writing(deployment.deployment.control) as connection:
        (requeue_task if outcome.waiting else end_task)(connection, task.id, task.attempt)
    waits_for = _waits_for(deployment, order)
    outcome.raise_for_undelivered(f"{waits_for}; the task goes on when it is RUNNING again")


def _asset_order(context: dg.OpExecutionContext, deployment: DeploymentResource) -> Order:
    """All hours that the run of an asset is for."""
    export = _standing_export(context, deployment.deployment)
    force = deployment.force or context.run.tags.get(FORCE_TAG) == "true"
    # A forced run that is retried goes on where it was: what it delivered itself is not delivered again.
    retried = not {RETRY_TAG, RESUME_TAG}.isdisjoint(context.run.tags) and context.run.root_run_id
    stats = context.instance.get_run_stats(retried or context.run_id)
    started = datetime.fromtimestamp(stats.launch_time or stats.start_time or time.time(), UTC)
    asked = context.run.tags.get(PROVEN_SINCE_TAG)
    return Order(
        export_id=export.id,
        hours=windows_of(context.partition_keys),
        proven_since=started if force else datetime.fromisoformat(asked) if asked else None,
        notes_waits=True,
    )


def _standing_export(context: dg.OpExecutionContext, opened: Deployment) -> Export:
    """The export behind the asset that the op works for."""
    with reading(opened.control) as connection:
        exports = {asset_key(export): export for export in standing_exports(connection)}
    try:
        return exports[context.asset_key]
    except KeyError as error:
        raise dg.Failure(
            f"the export behind {context.asset_key.to_user_string()} was deleted; reload the code location",
            allow_retries=False,
        ) from error


def _chunks(
    context: dg.OpExecutionContext, opened: Deployment, order: Order
) -> Iterator[dg.DynamicOutput[Order]]:
    if RETRY_STRATEGY_TAG not in context.run.tags:
        # A backfill's runs are of a job that Dagster makes itself, and which takes no tags from us.
        context.instance.add_run_tags(context.run_id, BEGUN_ANEW)
    opened.check_if_new(order.export_id)
    with reading(opened.control) as connection:
        alive = living_runs(connection, datetime.now(UTC))
    Staging(opened.settings.staging_folder, context.run_id).sweep(alive)
    for number, chunk in enumerate(cut(order, opened.settings.hours_per_chunk)):
        yield dg.DynamicOutput(chunk, mapping_key=f"chunk_{number:05}")


def _whole_outcome(
    context: dg.OpExecutionContext, deployment: DeploymentResource, order: Order, told: list[Outcome | None]
) -> Outcome:
    """What became of all hours of the order; those of which nobody told are worked on now.

    Nobody tells in a run that is begun at a later op: what the ops before it said is gone with their process.
    """
    outcome = sum((one for one in told if one is not None), Outcome())
    rest = replace(order, hours=outcome.untold(order.hours))
    for chunk in cut(rest, deployment.deployment.settings.hours_per_chunk):
        run = _run(context, deployment, chunk)
        outcome += _deliver(context, deployment, run, run.format(_read(run, deployment, chunk.hours)))
    return outcome


def _read(run: Run, deployment: DeploymentResource, windows: Sequence[HourWindow]) -> Chunk[StagedHour]:
    """The first stage, with its source."""
    try:
        with reading(run.control) as connection:
            named = named_filters(connection, run.export.organization)
        dataset = deployment.deployment.dataset_of(run.export.organization)
        plans = plan_of(run.export.definition, dataset, named)
        source = deployment.source(plans)
    except ExportPipelineError as error:
        return run.refuse("extract", windows, error)
    return run.extract(source, plans, windows)


def _deliver(
    context: dg.OpExecutionContext, deployment: DeploymentResource, run: Run, chunk: Chunk[FormattedHour]
) -> Outcome:
    """The last stage, and Dagster told of each hour."""
    materializer = Materializer(context, run.export, deployment.deployment.control)
    delivered = run.deliver(chunk, materializer.delivered, partial(_read, run, deployment))
    materializer.found(delivered.found)
    return Outcome.of(delivered)


def _run(context: dg.OpExecutionContext, deployment: DeploymentResource, order: Order) -> Run:
    opened = deployment.deployment
    export: Export
    with reading(opened.control) as connection:
        export = get_export(connection, order.export_id)
        # Before its configuration: replaced in between, hours wait for nothing, and go nowhere else.
        configuration = get_connector(connection, export.connector_id).configuration
    return Run(
        control=opened.control,
        export=export,
        connector=deployment.connector_or_why_not(export.connector_id),
        staging=Staging(opened.settings.staging_folder, context.run_id),
        lease=opened.claim_lease,
        hours_at_once=opened.settings.hours_at_once,
        check=opened.check,
        notes_waits=order.notes_waits,
        configuration=configuration,
        proven_since=order.proven_since,
        unwanted=unwanted(opened, order),
    )


def _waits_for(deployment: DeploymentResource, order: Order) -> str:
    with reading(deployment.deployment.control) as connection:
        connector = get_connector(connection, get_export(connection, order.export_id).connector_id)
    # It may be running again by now.
    return why_wait(connector) or f"connector {connector.name!r}, which was away, or was replaced"
