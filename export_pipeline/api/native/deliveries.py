"""What is delivered of an export: its coverage, hour by hour, and the receipts."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from export_pipeline.api.native.answering import problems
from export_pipeline.api.native.asking import AskedPage, Moment
from export_pipeline.api.visits import ExportsViewer
from export_pipeline.control.coverage import coverage_of
from export_pipeline.store.database import reading
from export_pipeline.store.exports import find_export
from export_pipeline.store.ledger import HourFailure, LedgerEntry, find_entry, latest_entries_page
from export_pipeline.windows import BEGINNING_OF_TIME, END_OF_TIME, HourWindow

router = APIRouter(prefix="/api/v1/exports", tags=["exports"])

# Whoever has more hours to mend than this asks for them again by a range.
MOST_SHOWN = 1_000


class FailureDocument(BaseModel):
    """Why an hour is not delivered; `kind` says what to do: retry, configure, or report a bug."""

    hour: datetime
    stage: str
    kind: str
    message: str
    failed_at: datetime


class WaitDocument(BaseModel):
    """An hour that waits for its connector."""

    hour: datetime
    since: datetime


class CoverageDocument(BaseModel):
    """How much of an export is delivered. `failures` and `waiting` hold the first 1,000 of each."""

    hours: int
    rows: int
    bytes: int
    first_hour: datetime | None
    last_hour: datetime | None
    expired_hours: int = Field(description="of how many of them the files are to be had no more")
    failed: int = Field(description="how many hours failed")
    failures: list[FailureDocument]
    waits_for: str | None = Field(description="why hours wait; null while nothing has to")
    waiting_hours: int
    waiting: list[WaitDocument]


class ReceiptEntry(BaseModel):
    """The receipt of an hour, in a list. `in_doubt`: other files are being put in the place of these.
    `expired_at`: the files are to be had no more since then; the receipt stays.
    """

    hour: str = Field(description="the hour's key", examples=["2013-01-01-05:00"])
    revision: int
    rows: int
    bytes: int
    key: str = Field(description="where the receipt lies at the destination")
    delivered_at: datetime
    in_doubt: bool
    expired_at: datetime | None


class ReceiptList(BaseModel):
    """The newest receipt of each delivered hour, by hour."""

    receipts: list[ReceiptEntry]
    next: str | None = Field(description="the cursor of the next page, if there is one")


@router.get("/{name}/coverage", responses=problems(404))
def coverage(visit: ExportsViewer, name: str) -> CoverageDocument:
    """How much of an export is delivered, which hours failed or wait, and why."""
    with reading(visit.deployment.control) as connection:
        found = coverage_of(connection, find_export(connection, visit.organization, name))
    delivered = found.delivered
    return CoverageDocument(
        hours=delivered.hours,
        rows=delivered.rows,
        bytes=delivered.bytes,
        first_hour=delivered.first_hour,
        last_hour=delivered.last_hour,
        expired_hours=delivered.expired,
        failed=len(found.failures),
        failures=[failure_document(failure) for failure in found.failures[:MOST_SHOWN]],
        waits_for=found.waits_for,
        waiting_hours=len(found.waiting),
        waiting=[WaitDocument(hour=wait.hour, since=wait.since) for wait in found.waiting[:MOST_SHOWN]],
    )


@router.get("/{name}/receipts", responses=problems(404))
def receipts(
    visit: ExportsViewer,
    name: str,
    page: AskedPage,
    since: Annotated[Moment, Query(description="hours that start then or later")] = BEGINNING_OF_TIME,
    until: Annotated[Moment, Query(description="hours that start before")] = END_OF_TIME,
) -> ReceiptList:
    """List the receipts of the hours that are delivered."""
    with reading(visit.deployment.control) as connection:
        export = find_export(connection, visit.organization, name)
        found = latest_entries_page(connection, export.id, since, until, page)
    return ReceiptList(receipts=[_entry(one) for one in found.items], next=found.next)


@router.get(
    "/{name}/receipts/{hour}",
    responses={
        **problems(404),
        200: {"content": {"application/json": {"schema": {"type": "object"}}}, "description": "the receipt"},
    },
    response_class=Response,
)
def receipt(
    visit: ExportsViewer,
    name: str,
    hour: str,
    revision: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="which one; the newest if it is left out")
    ] = None,
) -> Response:
    """The receipt of an hour, byte for byte as it lies at the destination."""
    window = HourWindow.from_key(hour)
    with reading(visit.deployment.control) as connection:
        export = find_export(connection, visit.organization, name)
        found = find_entry(connection, export.id, window.start, revision)
    return Response(found.receipt.encode(), media_type="application/json")


def failure_document(failure: HourFailure) -> FailureDocument:
    """A failure as it is told."""
    return FailureDocument(
        hour=failure.hour,
        stage=failure.stage,
        kind=failure.kind,
        message=failure.message,
        failed_at=failure.failed_at,
    )


def _entry(entry: LedgerEntry) -> ReceiptEntry:
    return ReceiptEntry(
        hour=HourWindow(entry.hour).key,
        revision=entry.revision,
        rows=entry.rows,
        bytes=entry.bytes,
        key=entry.receipt_key,
        delivered_at=entry.delivered_at,
        in_doubt=entry.in_doubt,
        expired_at=entry.expired_at,
    )
