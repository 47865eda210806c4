"""What Dagster calls our things. Its names of ops and jobs allow no dashes; keys of assets do."""

import dagster as dg

from export_pipeline.exports.export import Export

GROUP = "exports"

# Present on a run with the value "true": deliver again what is delivered already.
FORCE_TAG = "export-pipeline/force"
EXPORT_TAG = "export-pipeline/export"
TASK_TAG = "export-pipeline/task"
# Which time the task was put into the queue: 1, or more if its connector stopped running under its run.
ATTEMPT_TAG = "export-pipeline/attempt"
# On a run over hours of an export that waited for their connector: the export's id.
WAITS_TAG = "export-pipeline/waits"
# A moment: deliver again what was not found in place since then.
PROVEN_SINCE_TAG = "export-pipeline/proven-since"

# Dagster's own: on a run that it tries again by itself, and on one that is begun at a later op.
RETRY_TAG = "dagster/retry_number"
RESUME_TAG = "dagster/is_resume_retry"

# Dagster's own: of the runs that wait, the one with the highest begins next. Without it: 0, as in backfills.
PRIORITY_TAG = "dagster/priority"
SCHEDULED_FIRST = {PRIORITY_TAG: "2"}
TASKS_NEXT = {PRIORITY_TAG: "1"}
WAITS_NEXT = {PRIORITY_TAG: "1"}
CHECKS_BEFORE_ALL = {PRIORITY_TAG: "3"}  # a minute's work, for which many hours may wait

# A run that died is begun anew from its first op: what it delivered is found in place, and nothing that it
# staged is missed, which may lie on another machine or nowhere.
RETRY_STRATEGY_TAG = "dagster/retry_strategy"
BEGUN_ANEW = {RETRY_STRATEGY_TAG: "ALL_STEPS"}

# Dagster's own: the range of partitions that a run is for.
RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"


def asset_key(export: Export) -> dg.AssetKey:
    """`exports/<slug>`; with the organization between unless it is the default one."""
    return dg.AssetKey([*export.asset_path])


def job_name(export: Export) -> str:
    """`deliver__<slug>`. Not the asset's own name: its graph has that one, and names must be unique."""
    return "__".join(["deliver", *(part.replace("-", "_") for part in export.asset_path[1:])])


def schedule_name(export: Export) -> str:
    """The job's name, and that it is hourly."""
    return f"{job_name(export)}_hourly"


def connector_resource_name(organization: str, name: str) -> str:
    """`connector__<organization>__<name>`; no two connectors have the same.

    Names of people's connectors have dashes and no underscores, those of ours the reverse.
    """
    return "__".join(["connector", organization.replace("-", "_"), name.replace("_", "__").replace("-", "_")])
