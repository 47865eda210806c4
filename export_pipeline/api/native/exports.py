"""Exports: what is delivered, in what form and where to."""

from datetime import UTC, datetime
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from export_pipeline.api.counting import counted
from export_pipeline.api.native.answering import problems
from export_pipeline.api.native.asking import Asked, AskedCondition, AskedPage, Moment, below, etag_of, tagged
from export_pipeline.api.native.describing import definition_schema
from export_pipeline.api.native.once import AskedOnce
from export_pipeline.api.visits import ExportsEditor, ExportsViewer, Visit
from export_pipeline.control.estimates import plans_of, range_of
from export_pipeline.control.exports import create_export, definition_from, delete_export
from export_pipeline.control.pausing import pause_export, resume_export
from export_pipeline.control.updating import update_export
from export_pipeline.dataset.tables import Dataset
from export_pipeline.exports.due import next_due
from export_pipeline.exports.export import Export
from export_pipeline.store.connectors import get_connector
from export_pipeline.store.database import reading, trying, writing
from export_pipeline.store.exports import exports_page, find_export, lock_export
from export_pipeline.store.waits import why_wait

router = APIRouter(prefix="/api/v1/exports", tags=["exports"])

Definition = Annotated[
    dict[str, Any],
    definition_schema(),
    Field(
        description="what is exported, and in what form",
        examples=[
            {
                "tables": [{"name": "flights", "columns": ["id", "time_hour", "origin"]}],
                "filters": ["origin IN ['JFK', 'LGA']"],
                "format": "csv.gz",
                "subdirectory": "$export/$year/$month",
                "first_hour": "2013-01-01T05:00:00Z",
            }
        ],
    ),
]


class ExportRequest(Asked):
    """An export to be made."""

    name: str = Field(description="2 to 63 of a-z, 0-9 and -", examples=["flights"])
    connector: str = Field("direct_download", description="the way out, by name", examples=["lake"])
    standing: bool = Field(
        True, description="whether its hours are delivered by themselves, or for tasks only"
    )
    definition: Definition


class DryRunRequest(ExportRequest):
    """An export that is not made. What is counted may be another range than that of its hours."""

    since: Moment | None = Field(None, description="from when rows are counted; else from the first hour")
    until: Moment | None = Field(None, description="until when; else to the end of the last hour, or now")


class DryRunDocument(BaseModel):
    """What an export would be."""

    path: str = Field(description="the template of its files' keys")
    definition: dict[str, Any]
    since: datetime
    until: datetime
    rows: dict[str, int] = Field(
        description="how many rows of each table there are in that time", examples=[{"flights": 336_776}]
    )


class DefinitionRequest(Asked):
    """Another definition for an export; what is left out takes its default."""

    definition: Definition


class DueHour(BaseModel):
    """An hour, and when it is delivered by itself."""

    hour: datetime
    due_at: datetime


class ExportDocument(BaseModel):
    """An export."""

    name: str
    id: str
    connector: str
    standing: bool
    paused: bool
    created_at: datetime
    path: str = Field(description="the template of its files' keys")
    definition: dict[str, Any]
    next_hour: DueHour | None = Field(
        description="the hour that is delivered next by itself, if there is one"
    )
    waits_for: str | None = Field(description="why its hours wait, if they do: what its connector says")


class ExportList(BaseModel):
    """Exports by name."""

    exports: list[ExportDocument]
    next: str | None = Field(description="the cursor of the next page, if there is one")


@router.post("", status_code=201, responses=problems(409, 413, 503))
def create(visit: ExportsEditor, asked: ExportRequest, once: AskedOnce, response: Response) -> ExportDocument:
    """Make an export."""
    dataset = visit.dataset

    def make(connection: sa.Connection) -> ExportDocument:
        return _document(connection, _made(connection, visit, dataset, asked))

    with below("definition", but=("name", "connector")):
        made = once.made(visit, response, make, ExportDocument)
    tagged(response, _etag(made), location=f"{router.prefix}/{made.name}")
    return made


@router.post("/dry-run", responses=problems(409, 413, 503))
def dry_run(visit: ExportsEditor, asked: DryRunRequest) -> DryRunDocument:
    """Try whether an export could be made, and count its rows at the source. Nothing is made."""
    dataset = visit.dataset
    with below("definition", but=("name", "connector")), trying(visit.deployment.control) as connection:
        made = _made(connection, visit, dataset, asked)
        plans = plans_of(connection, dataset, made)
    first, last = range_of(made.definition, datetime.now(UTC))
    since, until = asked.since or first, asked.until or last
    return DryRunDocument(
        path=made.definition.path,
        definition=made.definition.model_dump(mode="json"),
        since=since,
        until=until,
        rows=dict(counted(visit, plans, since, until)),
    )


@router.get("", responses=problems())
def list_(visit: ExportsViewer, page: AskedPage) -> ExportList:
    """List the exports."""
    with reading(visit.deployment.control) as connection:
        found = exports_page(connection, visit.organization, page)
        return ExportList(exports=[_document(connection, one) for one in found.items], next=found.next)


@router.get("/{name}", responses=problems(404))
def get(visit: ExportsViewer, name: str, response: Response) -> ExportDocument:
    """Show an export."""
    with reading(visit.deployment.control) as connection:
        found = find_export(connection, visit.organization, name)
        tagged(response, _etag(found))
        return _document(connection, found)


@router.put("/{name}", responses=problems(404, 409, 412, 413, 503))
def update(
    visit: ExportsEditor, name: str, asked: DefinitionRequest, expected: AskedCondition, response: Response
) -> ExportDocument:
    """Give an export another definition. Hours that are delivered stay as they are, until a task forces them.

    Refused while a run is delivering hours of it. Dagster shows another first hour, end or minute of delivery
    once its code location is reloaded.
    """
    dataset = visit.dataset
    with writing(visit.deployment.control) as connection, below("definition", but=("name",)):
        _check(connection, visit, name, expected)
        updated = update_export(
            connection,
            visit.deployment.secret_key,
            dataset,
            organization=visit.organization,
            slug=name,
            definition=definition_from(asked.definition),
        )
        tagged(response, _etag(updated))
        return _document(connection, updated)


@router.delete("/{name}", responses=problems(404, 412))
def delete(visit: ExportsEditor, name: str, expected: AskedCondition) -> ExportDocument:
    """Stop exporting. What was delivered stays where it is."""
    with writing(visit.deployment.control) as connection:
        _check(connection, visit, name, expected)
        return _document(connection, delete_export(connection, visit.organization, name))


@router.post("/{name}/pause", responses=problems(404, 412))
def pause(visit: ExportsEditor, name: str, expected: AskedCondition, response: Response) -> ExportDocument:
    """Deliver no more hours by itself, until it is resumed. Tasks are served all the same."""
    with writing(visit.deployment.control) as connection:
        _check(connection, visit, name, expected)
        paused = pause_export(connection, visit.organization, name)
        tagged(response, _etag(paused))
        return _document(connection, paused)


@router.post("/{name}/resume", responses=problems(404, 412))
def resume(visit: ExportsEditor, name: str, expected: AskedCondition, response: Response) -> ExportDocument:
    """Deliver the hours that fall due from now on; a task gets those that fell due meanwhile."""
    with writing(visit.deployment.control) as connection:
        _check(connection, visit, name, expected)
        resumed = resume_export(connection, visit.organization, name)
        tagged(response, _etag(resumed))
        return _document(connection, resumed)


def _made(connection: sa.Connection, visit: Visit, dataset: Dataset, asked: ExportRequest) -> Export:
    return create_export(
        connection,
        visit.deployment.secret_key,
        dataset,
        organization=visit.organization,
        slug=asked.name,
        connector=asked.connector,
        definition=definition_from(asked.definition),
        standing=asked.standing,
    )


def _check(connection: sa.Connection, visit: Visit, name: str, expected: AskedCondition) -> None:
    expected.check(_etag(lock_export(connection, visit.organization, name)))


def _etag(export: Export | ExportDocument) -> str:
    definition = export.definition
    told = definition if isinstance(definition, dict) else definition.model_dump(mode="json")
    return etag_of(export.id, export.paused, told)


def _document(connection: sa.Connection, export: Export) -> ExportDocument:
    connector = get_connector(connection, export.connector_id)
    due = next_due(export.definition, datetime.now(UTC)) if export.standing and not export.paused else None
    return ExportDocument(
        name=export.slug,
        id=export.id,
        connector=connector.name,
        standing=export.standing,
        paused=export.paused,
        created_at=export.created_at,
        path=export.definition.path,
        definition=export.definition.model_dump(mode="json"),
        next_hour=DueHour(hour=due.window.start, due_at=due.due_at) if due else None,
        waits_for=why_wait(connector),
    )
