"""What a task has delivered to `direct_download`: the files that wait with us until they are fetched."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from export_pipeline.connectors.direct_download import DIRECT_DOWNLOAD
from export_pipeline.control.archives import contents_of
from export_pipeline.control.stored_files import files_in
from export_pipeline.control.tasks import TaskView, show_task
from export_pipeline.errors import Gone, InvalidRequest, WrongState
from export_pipeline.exports.export import Export
from export_pipeline.exports.task import ExportTask, TaskStatus
from export_pipeline.receipts.receipt import Receipt, ReceiptFile, receipt_from
from export_pipeline.store.connectors import get_connector
from export_pipeline.store.ledger import latest_entries_page
from export_pipeline.store.pages import PageRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingFile:
    """A file, and the hour whose rows it holds; the first of them, if it holds many."""

    hour: datetime
    file: ReceiptFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloads:
    """The files of some of a task's hours, and the cursor of those behind them, if there are any.

    `archive` is what a zip of all of the task's files is called; None where these here cannot be joined.
    Those of other pages may not be either: who asks for the zip is told then.
    """

    task: ExportTask
    archive: str | None
    files: Sequence[WaitingFile]
    next: str | None


def downloads_of(connection: sa.Connection, organization: str, id_: str, asked: PageRequest) -> Downloads:
    """The files of a page of the task's hours.

    Gone when they are no more; WrongState while they are not there, or if they are not here.
    """
    view = show_task(connection, organization, id_)
    _check_here(connection, view)
    first, end = view.task.ledger_hours(view.export.definition.layout)
    page = latest_entries_page(connection, view.export.id, first, end, asked)
    receipts = [receipt_from(entry.receipt.encode(), entry.receipt_key) for entry in page.items]
    files = [
        WaitingFile(hour=entry.hour, file=one.file)
        for entry, receipt in zip(page.items, receipts, strict=True)
        for one in files_in(receipt)
    ]
    archive = f"{view.export.slug}.zip" if _can_be_joined(receipts, view.export) else None
    return Downloads(task=view.task, archive=archive, files=files, next=page.next)


def _can_be_joined(receipts: Sequence[Receipt], export: Export) -> bool:
    try:
        contents_of(receipts, export)
    except (InvalidRequest, WrongState):
        return False
    return True


def _check_here(connection: sa.Connection, view: TaskView) -> None:
    task = view.task
    connector = get_connector(connection, view.export.connector_id)
    if connector.type != DIRECT_DOWNLOAD:
        raise WrongState(
            f"task {task.id} delivers to the connector {connector.name!r}: fetch its files there; only what"
            f" is exported through {DIRECT_DOWNLOAD} is to be had here",
            state=view.status,
            allowed=(),
        )
    if view.deleted:
        raise Gone(f"the export of task {task.id} was deleted, and its files are not to be had any more")
    if task.expired_at is not None:
        raise Gone(f"the files of task {task.id} have expired, and were removed; ask for its hours anew")
    check_finished(view)


def check_finished(view: TaskView) -> None:
    """WrongState unless all of the task's hours are delivered."""
    task, status = view.task, view.status
    if status is not TaskStatus.FINISHED:
        failed = status is TaskStatus.ERROR
        cure = "; see why, and retry it" if failed else ""
        raise WrongState(
            f"task {task.id} is {status}: its files are to be had when it is {TaskStatus.FINISHED}{cure}",
            state=status,
            allowed=("retry",) if failed else ("cancel",),
        )
