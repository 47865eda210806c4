"""Whatever goes when its time is over, as the settings say: it is marked, deleted, told.

A run that is killed is finished by the next one; two at once do no harm.
"""

import logging
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from export_pipeline.deployment import Deployment
from export_pipeline.errors import ExportPipelineError
from export_pipeline.pipeline.beginning import place_of
from export_pipeline.pipeline.claiming import Claims
from export_pipeline.retention.expiring import expire, expiring
from export_pipeline.retention.leftovers import Leftovers, clear
from export_pipeline.retention.removing import Remover
from export_pipeline.settings import Settings
from export_pipeline.store.database import reading
from export_pipeline.store.expiry import Deadlines, KeptExport, kept_exports

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What goes, or went, of one export. `tasks` expire; of `hours` the files are deleted.

    `left` are hours whose files are there still, as another run has them or for one of the `problems`.
    """

    organization: str
    export: str
    deleted: bool
    tasks: int
    hours: int
    bytes: int
    left: int = 0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run did, or with `dry_run` would do."""

    dry_run: bool
    exports: tuple[ExportReport, ...]
    leftovers: Leftovers

    @property
    def hours(self) -> int:
        return sum(export.hours for export in self.exports)

    @property
    def bytes(self) -> int:
        return sum(export.bytes for export in self.exports)

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(
            f"{export.organization}/{export.export}: {problem}"
            for export in self.exports
            for problem in export.problems
        )


def deadlines_of(settings: Settings, now: datetime) -> Deadlines:
    """How old files have to be to go now."""
    days = settings.download_days
    return Deadlines(
        found=None if days is None else now - timedelta(days=days),
        deleted=now - timedelta(days=settings.deleted_days),
    )


def retain(deployment: Deployment, *, now: datetime, dry_run: bool = False) -> Report:
    """Let go of everything whose time is over by `now`, export by export; one that fails stops no other."""
    run_id = f"retention-{uuid.uuid4()}"
    deadlines = deadlines_of(deployment.settings, now)
    with reading(deployment.control) as connection:
        exports = kept_exports(connection, deadlines)
    reports = tuple(_reports(deployment, exports, deadlines, run_id, now, dry_run=dry_run))
    leftovers = clear(deployment.control, deployment.settings, run_id, now, dry_run=dry_run)
    return Report(dry_run=dry_run, exports=reports, leftovers=leftovers)


def _reports(
    deployment: Deployment,
    exports: Sequence[KeptExport],
    deadlines: Deadlines,
    run_id: str,
    now: datetime,
    *,
    dry_run: bool,
) -> Iterator[ExportReport]:
    for export in exports:
        try:
            report = _of_export(deployment, export, deadlines, run_id, now, dry_run=dry_run)
        except ExportPipelineError as error:
            report = _report(export, problems=(str(error),))
        if report.tasks or report.hours or report.left or report.problems:
            yield report


def _of_export(
    deployment: Deployment,
    export: KeptExport,
    deadlines: Deadlines,
    run_id: str,
    now: datetime,
    *,
    dry_run: bool,
) -> ExportReport:
    control = deployment.control
    config = deployment.direct_download(export.organization, export.connector_id, export.connector)
    if dry_run:
        due = expiring(control, export, deadlines, place_of(config, export.id))
        hours = due.hours.hours + due.waiting.hours
        return _report(export, tasks=due.tasks, hours=hours, bytes=due.hours.bytes + due.waiting.bytes)
    expired = expire(control, export, deadlines, place_of(config, export.id), now)
    claims = Claims(control, run_id, deployment.claim_lease, threading.Event())
    removed = Remover(claims, export, config.open(), deployment.settings.hours_at_once).remove()
    LOG.info(
        "%s of %s: %d tasks expired, the files of %d hours deleted, %d left",
        export.slug,
        export.organization,
        expired.tasks,
        removed.hours,
        removed.left,
    )
    return _report(
        export,
        tasks=expired.tasks,
        hours=removed.hours,
        bytes=removed.bytes,
        left=removed.left,
        problems=removed.problems,
    )


def _report(
    export: KeptExport,
    *,
    tasks: int = 0,
    hours: int = 0,
    bytes: int = 0,  # as everywhere
    left: int = 0,
    problems: tuple[str, ...] = (),
) -> ExportReport:
    return ExportReport(
        organization=export.organization,
        export=export.slug,
        deleted=export.deleted_at is not None,
        tasks=tasks,
        hours=hours,
        bytes=bytes,
        left=left,
        problems=problems,
    )
