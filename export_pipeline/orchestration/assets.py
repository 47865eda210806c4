"""One hourly partitioned asset per standing export and its job, made from the control database."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import (  # what define_asset_job returns
    UnresolvedAssetJobDefinition,
)

from export_pipeline.exports.export import Export, joined
from export_pipeline.orchestration.checks import check_specs
from export_pipeline.orchestration.names import BEGUN_ANEW, EXPORT_TAG, GROUP, asset_key, job_name
from export_pipeline.orchestration.ops import extract, format_rows, plan, prove, upload
from export_pipeline.windows import KEY_FORMAT


def partitions_of(export: Export) -> dg.HourlyPartitionsDefinition:
    """The export's hours, from its first to its last, or to the hour that ended last."""
    until = export.definition.until
    return dg.HourlyPartitionsDefinition(
        start_date=export.definition.first_hour,
        end_date=until,
        timezone="UTC",
        fmt=KEY_FORMAT,
    )


def export_asset(export: Export, *, hours_per_run: int | None) -> dg.AssetsDefinition:
    """The asset of an export: the shared ops, mapped over chunks of the hours asked for."""
    key = asset_key(export)
    # Dagster's command line takes a range of partitions only under this policy (see docs/decisions).
    policy = (
        dg.BackfillPolicy.single_run()
        if hours_per_run is None
        else dg.BackfillPolicy.multi_run(hours_per_run)
    )

    @dg.graph_asset(
        name=key.path[-1],
        key_prefix=key.path[:-1],
        group_name=GROUP,
        partitions_def=partitions_of(export),
        backfill_policy=policy,
        description=_described(export),
        kinds={export.definition.format.type},
        tags={EXPORT_TAG: export.slug},
        check_specs=check_specs(key),
    )
    def deliver_export() -> Mapping[str, Any]:
        told = plan().map(lambda order: upload(format_rows(extract(order))))
        proof = prove(told.collect())
        identifier = key.to_python_identifier()
        return {
            "result": proof.result,
            **{f"{identifier}_{spec.name}": getattr(proof, spec.name) for spec in check_specs(key)},
        }

    return deliver_export


def export_job(export: Export) -> UnresolvedAssetJobDefinition:
    """The job that a schedule or `dagster job backfill` runs for the export."""
    return dg.define_asset_job(
        job_name(export),
        selection=dg.AssetSelection.assets(asset_key(export)),
        description=f"Deliver hours of {export.slug}.",
        run_tags={EXPORT_TAG: export.slug, **BEGUN_ANEW},
    )


def _described(export: Export) -> str:
    definition = export.definition
    tables = ", ".join(
        f"**{choice.name}**" + (f" (where `{joined(choice.filters)}`)" if choice.filters else "")
        for choice in definition.tables
    )
    where = f", where `{definition.filter}`" if definition.filters else ""
    return (
        f"One {definition.format.extension} file an hour of {tables}{where},"
        f" to `{definition.path}`, each hour with a receipt."
    )
