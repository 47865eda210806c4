"""Giving an export another definition. What is delivered stays as it is; the next run reads the new one."""

from datetime import UTC, datetime

import sqlalchemy as sa

from export_pipeline.control import looks
from export_pipeline.control.audit import audited
from export_pipeline.control.collisions import check_all_hours, key_head
from export_pipeline.control.exports import check_hours_of, check_layout, checked_contexts
from export_pipeline.dataset.tables import Dataset
from export_pipeline.errors import InUse, InvalidRequest
from export_pipeline.exports.export import Export, ExportDefinition
from export_pipeline.store.claims import claims_between
from export_pipeline.store.connectors import get_connector
from export_pipeline.store.coverage import delivered
from export_pipeline.store.encryption import SecretKey
from export_pipeline.store.exports import change_definition, find_export, lock_export
from export_pipeline.windows import BEGINNING_OF_TIME, END_OF_TIME, ONE_HOUR


@audited("export.update", looks.export)
def update_export(
    connection: sa.Connection,
    key: SecretKey,
    dataset: Dataset,
    *,
    organization: str,
    slug: str,
    definition: ExportDefinition,
) -> Export:
    """Accept another definition for an export, as for a new one; its connector stays.

    Refused while a run works on hours of it, which would write files in one form and name them in another;
    and refused if an hour that is delivered would no longer be one of its own.
    """
    found = lock_export(connection, organization, slug)
    if found.generated:
        raise InvalidRequest(
            f"name: {slug} was made for one request and stays as that asked; make another request",
            field="name",
        )
    check_layout(definition, standing=found.standing)
    _refuse_in_flight(connection, found)
    _check_delivered(connection, found, definition)
    check_hours_of(definition)
    target = get_connector(connection, found.connector_id, locked=True)
    contexts = checked_contexts(connection, key, dataset, target=target, slug=slug, definition=definition)
    check_all_hours(connection, target.id, definition, contexts)
    change_definition(connection, found.id, definition, key_head=key_head(definition, contexts))
    return find_export(connection, organization, slug)


def _refuse_in_flight(connection: sa.Connection, export: Export) -> None:
    now = datetime.now(UTC)
    claims = claims_between(connection, export.id, BEGINNING_OF_TIME, END_OF_TIME)
    if any(claim.expires_at > now for claim in claims):
        raise InUse(f"hours of {export.slug} are being delivered; ask again when they are")


def _check_delivered(connection: sa.Connection, export: Export, definition: ExportDefinition) -> None:
    there = delivered(connection, export.id)
    if there.hours and definition.layout is not export.definition.layout:
        raise InvalidRequest(
            f"layout: what is delivered has the layout {export.definition.layout}; keep it, or make another"
            " export",
            field="layout",
        )
    if there.first_hour is not None and there.first_hour < definition.first_hour:
        raise InvalidRequest(
            f"first_hour: hours from {there.first_hour.isoformat()} on are delivered; begin no later, or make"
            " another export",
            field="first_hour",
        )
    end = there.last_hour + ONE_HOUR if there.last_hour is not None else None
    if end is not None and definition.until is not None and definition.until < end:
        raise InvalidRequest(
            f"until: hours up to {end.isoformat()} are delivered; end no earlier", field="until"
        )
