"""The ops every export is built of. An op is a translation: Dagster's context stops here.

`plan` (or, for a task, `plan_task`) cuts the hours into chunks; `extract`, `format_rows` and `upload` are
mapped over the chunks; `prove` closes the asset. Rising priorities make the in-process executor finish one
chunk before it reads the next, so that staging stays small.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from export_pipeline.deployment import Deployment
from export_pipeline.errors import ExportPipelineError
from export_pipeline.exports.export import Export
from export_pipeline.exports.plan import plan_of
from export_pipeline.orchestration.checks import RECEIPT_VERIFIES, ROWS_RECONCILE, check_hours
from export_pipeline.orchestration.materializations import Materializer
from export_pipeline.orchestration.names import FORCE_TAG, RETRY_TAG, asset_key
from export_pipeline.orchestration.order import Order, cut, windows_of
from export_pipeline.orchestration.resources import DeploymentResource
from export_pipeline.pipeline.chunk import Chunk
from export_pipeline.pipeline.hours import FormattedHour, StagedHour, undeclared_columns
from export_pipeline.pipeline.run import Run
from export_pipeline.pipeline.staging import Staging
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import get_export, standing_exports
from export_pipeline.store.tasks import start_task


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
    opened = deployment.deployment
    export = _standing_export(context, opened)
    force = deployment.force or context.run.tags.get(FORCE_TAG) == "true"
    # A forced run that is retried goes on where it was: what it delivered itself is not delivered again.
    retried = RETRY_TAG in context.run.tags and context.run.root_run_id
    stats = context.instance.get_run_stats(retried or context.run_id)
    started = datetime.fromtimestamp(stats.launch_time or stats.start_time or time.time(), UTC)
    order = Order(
        export_id=export.id,
        hours=windows_of(context.partition_keys),
        proven_since=started if force else None,
    )
    yield from _chunks(opened, order, context.run_id)


@dg.op(out=dg.DynamicOut(Order), tags={"kind": "plan"})
def plan_task(
    context: dg.OpExecutionContext, config: TaskConfig, deployment: DeploymentResource
) -> Iterator[dg.DynamicOutput[Order]]:
    """Cut the hours of a task into chunks."""
    opened = deployment.deployment
    with writing(opened.control) as connection:
        task = start_task(connection, config.task_id)
    order = Order(
        export_id=task.export_id,
        hours=task.hours,
        proven_since=task.requested_at if task.force else None,
    )
    yield from _chunks(opened, order, context.run_id)


@dg.op(tags={"dagster/priority": "1"}, pool="source")
def extract(context: dg.OpExecutionContext, order: Order, deployment: DeploymentResource) -> StagedChunk:
    """Read the hours' rows from the source and stage them as Arrow files."""
    run = _run(context, deployment, order)
    try:
        plans = plan_of(run.export.definition, deployment.deployment.dataset)
        source = deployment.source()
    except ExportPipelineError as error:
        return StagedChunk(order, run.refuse("extract", order.hours, error))
    staged = run.extract(source, plans, order.hours)
    context.add_output_metadata(
        {"hours": len(staged.done), "rows": sum(table.rows for hour in staged.done for table in hour.tables)}
    )
    if extra := undeclared_columns(staged.done):
        context.log.warning(
            "the source has columns that are not declared, and not exported: %s", ", ".join(extra)
        )
        context.add_output_metadata({"columns not declared": ", ".join(extra)})
    return StagedChunk(order, staged)


@dg.op(tags={"dagster/priority": "2"})
def format_rows(
    context: dg.OpExecutionContext, chunk: StagedChunk, deployment: DeploymentResource
) -> FormattedChunk:
    """Write the hours' files in the customer's format."""
    formatted = _run(context, deployment, chunk.order).format(chunk.hours)
    context.add_output_metadata(
        {"hours": len(formatted.done), "bytes": sum(f.bytes for hour in formatted.done for f in hour.files)}
    )
    return FormattedChunk(chunk.order, formatted)


@dg.op(tags={"dagster/priority": "3"}, pool="destination")
def upload(context: dg.OpExecutionContext, chunk: FormattedChunk, deployment: DeploymentResource) -> int:
    """Deliver the hours, record them, and materialize each; then fail if any hour of the chunk failed."""
    run = _run(context, deployment, chunk.order)
    materializer = Materializer(context, run.export, deployment.deployment.control)
    delivered = run.deliver(chunk.hours, materializer.delivered)
    materializer.found(delivered.found)
    if delivered.failed:
        reasons = "\n".join(
            f"{failure.hour:%Y-%m-%d-%H:%M} ({failure.stage}, {failure.kind}): {failure.message}"
            for failure in delivered.failed
        )
        raise dg.Failure(
            f"{len(delivered.failed)} of {len(chunk.order.hours)} hours failed; the others are delivered.\n"
            f"{reasons}",
            metadata={"failed_hours": len(delivered.failed)},
            allow_retries=False,  # what was worth retrying has been retried, hour by hour
        )
    return len(delivered.done)


@dg.op(
    out={name: dg.Out(dg.Nothing, is_required=False) for name in ("result", RECEIPT_VERIFIES, ROWS_RECONCILE)}
)
def prove(
    context: dg.OpExecutionContext,
    delivered: list[int],  # noqa: ARG001 (waits for all chunks)
    deployment: DeploymentResource,
) -> Iterator[dg.Output[None]]:
    """Read back what the run was asked for and make the asset's checks.

    None of its outputs is ever made: `result` would be a second materialization of every hour.
    """
    export = _standing_export(context, deployment.deployment)
    windows = windows_of(context.partition_keys)
    for evaluation in check_hours(context.asset_key, deployment, export, windows):
        context.log_event(evaluation)  # type: ignore[arg-type]  # taken and stored; its signature lags
    yield from ()


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


def _chunks(opened: Deployment, order: Order, run_id: str) -> Iterator[dg.DynamicOutput[Order]]:
    Staging(opened.settings.staging_folder, run_id).sweep()
    for number, chunk in enumerate(cut(order, opened.settings.hours_per_chunk)):
        yield dg.DynamicOutput(chunk, mapping_key=f"chunk_{number:05}")


def _run(context: dg.OpExecutionContext, deployment: DeploymentResource, order: Order) -> Run:
    opened = deployment.deployment
    export: Export
    with reading(opened.control) as connection:
        export = get_export(connection, order.export_id)
    return Run(
        control=opened.control,
        export=export,
        connector=deployment.connector(export.connector_id),
        staging=Staging(opened.settings.staging_folder, context.run_id),
        lease=opened.claim_lease,
        hours_at_once=opened.settings.hours_at_once,
        proven_since=order.proven_since,
    )
