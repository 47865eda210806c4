"""The one job for all export tasks: the same three ops, told which task by configuration."""

import dagster as dg

from export_pipeline.orchestration.names import BEGUN_ANEW
from export_pipeline.orchestration.ops import extract, finish, format_rows, plan_task, upload


@dg.job(description="Deliver the hours of one export task.", tags=BEGUN_ANEW)
def export_task() -> None:
    told = plan_task().map(lambda order: upload(format_rows(extract(order))))
    finish(told.collect())
