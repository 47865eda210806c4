"""Export tasks: one-off requests for a range of hours of sessions or ads."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, AwareDatetime, Field

from export_pipeline.api.bitmovin.envelope import instant, success
from export_pipeline.api.bitmovin.fields import named_as_asked
from export_pipeline.api.bitmovin.pages import Paged
from export_pipeline.api.bitmovin.words import LONGEST_DESCRIPTION, LONGEST_NAME, Id, Words
from export_pipeline.api.visits import ExportsEditor, ExportsViewer, Visit
from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.control.connectors import try_connector_again
from export_pipeline.control.exports import definition_from
from export_pipeline.control.requests import request_export
from export_pipeline.control.tasks import TaskView, show_task, show_tasks
from export_pipeline.dataset.tables import Dataset
from export_pipeline.errors import InvalidRequest, NotFound
from export_pipeline.exports.export import MAX_COLUMNS, MAX_NAME, ExportDefinition
from export_pipeline.exports.task import TaskStatus
from export_pipeline.store.connectors import find_connector_by_id, get_connector
from export_pipeline.store.database import reading, writing
from export_pipeline.store.tasks import count_tasks
from export_pipeline.windows import floor, in_utc

ORIGIN = "bitmovin"

FORMATS: Mapping[str, Any] = {"CSV": {"type": "csv", "compression": "none"}, "PARQUET": {"type": "parquet"}}

router = APIRouter(prefix="/v1/analytics/exports")

# What a client gives and is given back, but for what the task knows by itself.
KEPT = {"description", "license_key", "output", "type", "columns", "file_format"}


Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]
ColumnName = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]


class Target(Words):
    """Where the files go."""

    output_id: str = Field(pattern=r"^[A-Za-z0-9-]{1,64}$", description="the id of an output")
    output_path: str = Field(max_length=1024)


class Task(Words):
    """What is to be exported. A range may begin and end within an hour: rows are cut there."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    description: str | None = Field(None, max_length=LONGEST_DESCRIPTION)
    start_time: Moment
    end_time: Moment
    license_key: str = Field(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=MAX_NAME)
    output: Target
    type: Literal["SESSIONS", "ADS"] = "SESSIONS"
    columns: list[ColumnName] | None = Field(None, max_length=MAX_COLUMNS)
    file_format: Literal["CSV", "PARQUET"] = "CSV"

    status: Any = Field(None, exclude=True)
    progress: Any = Field(None, exclude=True)
    started_at: Any = Field(None, exclude=True)
    finished_at: Any = Field(None, exclude=True)

    def definition(self, dataset: Dataset) -> ExportDefinition:
        """What the core is asked for: hourly files, named by their hour, below the output's path."""
        return definition_from(
            {
                "tables": [{"name": self._table(dataset), "columns": self.columns or []}],
                "tenant": self.license_key,
                "format": FORMATS[self.file_format],
                "subdirectory": self.output.output_path.replace("$", "$$"),
                "first_hour": floor(self.start_time),
            }
        )

    def _table(self, dataset: Dataset) -> str:
        role = self.type.lower()
        table = dataset.faces.get(ORIGIN, {}).get(role)
        if table is None:
            raise InvalidRequest(
                f"type: no table is declared for {self.type} here; the operator names one in the dataset's"
                f' declaration, under [faces.{ORIGIN}], like {role} = "TABLE"',
                field="type",
            )
        return table


@router.post("")
@router.post("/")
def create(visit: ExportsEditor, asked: Task) -> JSONResponse:
    """Accept a task. Its hours are exported as soon as there is room."""
    dataset = visit.dataset
    with named_as_asked(properties="columns"), writing(visit.deployment.control) as connection:
        connector = _connector(connection, visit, asked.output.output_id)
        task = request_export(
            connection,
            visit.deployment.secret_key,
            dataset,
            organization=visit.organization,
            connector=connector,
            definition=asked.definition(dataset),
            since=asked.start_time,
            until=asked.end_time,
            origin=ORIGIN,
            name=asked.name,
            properties=asked.model_dump(include=KEPT, by_alias=True, exclude_none=True),
        )
        try_connector_again(connection, visit.organization, connector)
        return success(visit, _task(connection, visit, task.id), 201)


@router.get("")
@router.get("/")
def list_(visit: ExportsViewer, page: Paged) -> JSONResponse:
    """List the tasks, the newest first."""
    with reading(visit.deployment.control) as connection:
        total = count_tasks(connection, visit.organization, origin=ORIGIN)
        views = show_tasks(
            connection, visit.organization, origin=ORIGIN, offset=page.offset, limit=page.limit
        )
        return success(visit, page.of([_document(connection, view) for view in views], total))


@router.get("/{id}")
def get(visit: ExportsViewer, id: Id) -> JSONResponse:
    """Show a task and how far it is."""
    with reading(visit.deployment.control) as connection:
        return success(visit, _task(connection, visit, id))


def _connector(connection: sa.Connection, visit: Visit, output_id: str) -> str:
    """The name of the organization's connector: any that it has, made as an output or not."""
    try:
        return find_connector_by_id(connection, visit.organization, output_id).name
    except NotFound as error:
        field = "output.outputId"
        raise InvalidRequest(f"{field}: there is no output {output_id!r}; make one", field=field) from error


def _task(connection: sa.Connection, visit: Visit, id_: str) -> Mapping[str, Any]:
    try:
        view = show_task(connection, visit.organization, id_, origin=ORIGIN)
    except NotFound as error:
        raise NotFound(f"there is no export task {id_!r}; the list shows those there are") from error
    return _document(connection, view)


def _document(connection: sa.Connection, view: TaskView) -> Mapping[str, Any]:
    """The task as the document has it. `reason` is ours: why it waits, or what went wrong."""
    task = view.task
    failed = view.failures[0].message if view.failures else None
    return {
        "id": task.id,
        "name": task.name,
        **task.properties,
        "startTime": instant(task.since),
        "endTime": instant(task.until),
        "createdAt": instant(task.requested_at),
        "status": _status(connection, view),
        "progress": view.progress,
        **({"startedAt": instant(task.started_at)} if task.started_at else {}),
        **({"finishedAt": instant(view.ended_at)} if view.ended_at else {}),
        **({"reason": reason} if (reason := task.error or view.waits_for or failed) else {}),
    }


def _status(connection: sa.Connection, view: TaskView) -> TaskStatus:
    """Also ERROR while its output is refused: nothing goes on by itself, and clients wait for an end."""
    if view.status is not TaskStatus.QUEUED:
        return view.status
    output = get_connector(connection, view.export.connector_id)
    return TaskStatus.ERROR if output.state is ConnectorState.FAILED else view.status
