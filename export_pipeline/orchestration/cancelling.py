"""A run ends when its task is cancelled: it learns of that by itself, in the control database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import dagster as dg

from export_pipeline.deployment import Deployment
from export_pipeline.orchestration.order import Order
from export_pipeline.pipeline.progress import Cancelled
from export_pipeline.pipeline.staging import Staging
from export_pipeline.pipeline.watching import always_wanted
from export_pipeline.store.claims import release_all
from export_pipeline.store.database import reading, writing
from export_pipeline.store.task_counts import counts_of
from export_pipeline.store.tasks import end_task, fail_task, get_task, is_cancelled


def unwanted(opened: Deployment, order: Order) -> Callable[[], bool]:
    """Asks whether somebody has cancelled the task that the hours are of."""
    task_id = order.task_id
    if task_id is None:
        return always_wanted

    def cancelled() -> bool:
        with reading(opened.control) as connection:
            return is_cancelled(connection, task_id)

    return cancelled


@contextmanager
def cancellable(context: dg.OpExecutionContext, opened: Deployment, order: Order) -> Iterator[None]:
    """End the run where the block learns that its task is cancelled."""
    try:
        yield
    except Cancelled:
        if order.task_id is None:
            raise
        end_cancelled_run(context, opened, order.task_id)


def end_cancelled_run(context: dg.OpExecutionContext, opened: Deployment, task_id: str) -> NoReturn:
    """Leave nothing behind, note how the task ended, and have Dagster show the run as cancelled.

    Its other chunks are not begun, as they would be if the op failed.
    """
    Staging(opened.settings.staging_folder, context.run_id).drop_all()
    with writing(opened.control) as connection:
        release_all(connection, context.run_id)  # given up, and not failed
        task = get_task(connection, task_id)
        reason = task.cancellation or "cancelled"
        counts = counts_of(connection, task)
        if counts.delivered < counts.hours:
            fail_task(connection, task_id, reason)
        else:  # it came too late
            end_task(connection, task_id, task.attempt)
    context.instance.report_run_canceling(context.run, message=f"The task was {reason}.")
    raise dg.DagsterExecutionInterruptedError(f"the task was {reason}")
