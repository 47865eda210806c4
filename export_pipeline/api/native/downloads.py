"""Links to what a task has delivered to `direct_download`."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from export_pipeline.api.downloads import archive_link, file_link
from export_pipeline.api.native.answering import problems
from export_pipeline.api.native.asking import AskedPage
from export_pipeline.api.visits import ExportsViewer
from export_pipeline.control.downloads import downloads_of
from export_pipeline.control.links import LASTS
from export_pipeline.store.database import reading
from export_pipeline.windows import HourWindow

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])


class FileLink(BaseModel):
    """A file, and where it is to be had."""

    hour: str = Field(
        description="the key of its hour; of the first, if all are in one file", examples=["2013-01-01-05:00"]
    )
    table: str = Field(examples=["flights"])
    key: str = Field(examples=["flights/2013-01-01-05-00.csv.gz"])
    rows: int
    bytes: int
    sha256: str
    link: str = Field(
        examples=["https://exports.example/downloads/files/…/flights/2013-01-01-05-00.csv.gz?expires=…"]
    )


class DownloadList(BaseModel):
    """The files of a task, by hour. Its links need no key; whoever has one may follow it."""

    expires_at: datetime = Field(description="until when the links of this answer can be followed")
    archive: str | None = Field(
        description="a link to all of the task's files in one zip, each table's hours joined; null unless"
        " those listed here are CSV with the same columns. Where others are not, it answers 409",
        examples=["https://exports.example/downloads/archives/…/flights.zip?expires=…"],
    )
    files: list[FileLink]
    next: str | None = Field(description="the cursor of the next page, if there is one")


@router.get("/{id}/downloads", responses=problems(404, 409, 410))
def downloads(request: Request, visit: ExportsViewer, id: str, page: AskedPage) -> DownloadList:
    """List links to the files of a task that is FINISHED and was exported through `direct_download`.

    `limit` is a number of hours, each of which has a file for each table.
    """
    deployment, expires_at = visit.deployment, datetime.now(UTC).replace(microsecond=0) + LASTS
    with reading(deployment.control) as connection:
        found = downloads_of(connection, visit.organization, id, page)
    return DownloadList(
        expires_at=expires_at,
        archive=archive_link(request, deployment, found.task, found.archive) if found.archive else None,
        files=[
            FileLink(
                hour=HourWindow(one.hour).key,
                table=one.file.table,
                key=one.file.key,
                rows=one.file.rows,
                bytes=one.file.bytes,
                sha256=one.file.sha256,
                link=file_link(request, deployment, found.task, one.file.key),
            )
            for one in found.files
        ],
        next=found.next,
    )
