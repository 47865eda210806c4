"""Schedules: an export of every day, week or month."""

from typing import Any

from fastapi import APIRouter, Request

from export_pipeline.api.bodies import JsonBody
from export_pipeline.api.coveo.asking import named_as_in_body, one_line
from export_pipeline.api.coveo.declared import declared
from export_pipeline.api.coveo.showing import document_of
from export_pipeline.api.visits import ExportsEditor, ExportsViewer
from export_pipeline.control.event_exports import EventExport
from export_pipeline.control.schedules import create_schedule, delete_schedule, replace_schedule
from export_pipeline.control.tasks import show_task
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.recurring import DAYS_OF_WEEK, Frequency, Recurrence
from export_pipeline.store.database import reading, writing
from export_pipeline.store.schedules import StoredSchedule, find_schedule, list_schedules, tasks_of

router = APIRouter(prefix="/exports/schedules")

MOST_LISTED = 500  # as of exports


class ScheduleBody(JsonBody):
    """A schedule as a body asks for it. What else stands there is of no matter."""

    frequency: str
    timezone: str
    dayOfWeek: str | None = None
    commonFilters: list[str] | None = None
    searchesFilters: list[str] | None = None
    customEventsFilters: list[str] | None = None
    description: str | None = None
    dimensions: list[str] | None = None
    tables: list[str] | None = None
    exportFormat: str | None = None
    usingDisplayNames: bool | None = None
    notificationsEmails: list[str] | None = None

    @property
    def export(self) -> EventExport:
        """What to export."""
        return EventExport(
            filters=tuple(self.commonFilters or ()),
            searches_filters=tuple(self.searchesFilters or ()),
            custom_events_filters=tuple(self.customEventsFilters or ()),
            tables=tuple(self.tables or ()),
            dimensions=tuple(self.dimensions or ()),
            one_line=one_line(self.exportFormat, field="exportFormat"),
            display_names=self.usingDisplayNames or False,
            description=self.description,
        )

    @property
    def recurrence(self) -> Recurrence:
        """Of what."""
        if self.frequency not in list(Frequency):
            raise InvalidRequest(f"frequency: must be one of {', '.join(Frequency)}", field="frequency")
        return Recurrence(
            frequency=Frequency(self.frequency),
            timezone=self.timezone,
            day_of_week=self.dayOfWeek or DAYS_OF_WEEK[0],
        )


@router.get("")
def list_(visit: ExportsViewer) -> list[dict[str, Any]]:
    """List the schedules, the oldest first."""
    with reading(visit.deployment.control) as connection:
        return [_document(schedule) for schedule in list_schedules(connection, visit.organization)]


@router.post("", status_code=201)
def create(visit: ExportsEditor, body: ScheduleBody) -> dict[str, Any]:
    """Make a schedule."""
    dataset = declared(visit)
    with named_as_in_body(), writing(visit.deployment.control) as connection:
        return _document(
            create_schedule(
                connection,
                dataset,
                organization=visit.organization,
                author=visit.caller.key.name,
                asked=body.export,
                emails=body.notificationsEmails or [],
                recurrence=body.recurrence,
            )
        )


@router.get("/{id}")
def get(visit: ExportsViewer, id: str) -> dict[str, Any]:  # its name in the address
    """Show a schedule."""
    with reading(visit.deployment.control) as connection:
        return _document(find_schedule(connection, visit.organization, id))


@router.put("/{id}")
def replace(visit: ExportsEditor, id: str, body: ScheduleBody) -> dict[str, Any]:
    """Ask for something else from the next period on."""
    dataset = declared(visit)
    with named_as_in_body(), writing(visit.deployment.control) as connection:
        return _document(
            replace_schedule(
                connection,
                dataset,
                organization=visit.organization,
                id_=id,
                asked=body.export,
                emails=body.notificationsEmails or [],
                recurrence=body.recurrence,
            )
        )


@router.delete("/{id}", status_code=204)
def delete(visit: ExportsEditor, id: str) -> None:
    """End a schedule. The exports that it made stay."""
    with writing(visit.deployment.control) as connection:
        delete_schedule(connection, visit.organization, id)


@router.get("/{id}/exports")
def exports(request: Request, visit: ExportsViewer, id: str) -> list[dict[str, Any]]:
    """List the exports that the schedule made, the newest first."""
    organization = visit.organization
    with reading(visit.deployment.control) as connection:
        schedule = find_schedule(connection, organization, id)
        ids = tasks_of(connection, organization, schedule.id, MOST_LISTED)
        return [document_of(request, show_task(connection, organization, one)) for one in ids]


def _document(schedule: StoredSchedule) -> dict[str, Any]:
    wanted = EventExport.from_stored(schedule.wanted)
    recurrence = schedule.recurrence
    return {
        "id": schedule.id,
        "author": schedule.author,
        "filters": wanted.named_filters,
        "description": wanted.description,
        "dimensions": [*wanted.dimensions],
        "tables": [table.lower() for table in wanted.tables],
        "frequency": recurrence.frequency.value,
        "timezone": recurrence.timezone,
        **({"dayOfWeek": recurrence.day_of_week} if recurrence.frequency is Frequency.WEEKLY else {}),
        "exportFormat": "NO_NEWLINE" if wanted.one_line else "EXCEL",
        "usingDisplayNames": wanted.display_names,
        "notificationsEmails": [*schedule.emails],
        **({"errorInfo": {"message": schedule.error}} if schedule.error else {}),
    }
