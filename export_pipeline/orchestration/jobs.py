"""The one job for all export tasks: the same three ops, told which task by configuration."""

import dagster as dg

from export_pipeline.orchestration.ops import extract, finish, format_rows, plan_task, upload


@dg.job(
    description="Deliver the hours of one export task.",
    tags={"dagster/retry_strategy": "ALL_STEPS"},  # as for exports: what is delivered is found in place
)
def export_task() -> None:
    told = plan_task().map(lambda order: upload(format_rows(extract(order))))
    finish(told.collect())
