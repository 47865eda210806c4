"""Stored exports. Deleting one hides it; what it delivered stays explainable."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from export_pipeline.errors import AlreadyExists, NotFound
from export_pipeline.exports.export import Export, ExportDefinition
from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.store.schema import EXPORTS

_FIELDS = [
    EXPORTS.c[name]
    for name in (
        "id",
        "organization",
        "slug",
        "connector_id",
        "definition",
        "standing",
        "paused",
        "created_at",
    )
]


def add_export(
    connection: sa.Connection,
    *,
    organization: str,
    slug: str,
    connector_id: str,
    definition: ExportDefinition,
    standing: bool,
) -> Export:
    """Store an export under a new id. AlreadyExists when the organization has one of that name."""
    export = Export(
        id=str(uuid.uuid4()),
        organization=organization,
        slug=slug,
        connector_id=connector_id,
        definition=definition,
        standing=standing,
        created_at=datetime.now(UTC),
    )
    try:
        connection.execute(
            EXPORTS.insert().values(
                id=export.id,
                organization=organization,
                slug=slug,
                connector_id=connector_id,
                definition=definition.model_dump(mode="json"),
                standing=standing,
                paused=False,
                created_at=export.created_at,
            )
        )
    except IntegrityError as error:
        raise AlreadyExists(f"there is an export {slug!r} already; choose another name") from error
    return export


def layout_of(connection: sa.Connection, id_: str) -> FileLayout:
    """Which hours share a file, whether the export is deleted or not."""
    definition = connection.scalar(sa.select(EXPORTS.c.definition).where(EXPORTS.c.id == id_)) or {}
    return FileLayout(definition.get("layout", FileLayout.HOURLY))


def list_exports(connection: sa.Connection, organization: str) -> Sequence[Export]:
    """The organization's exports by name."""
    return _select(connection, EXPORTS.c.organization == organization)


def standing_exports(connection: sa.Connection) -> Sequence[Export]:
    """Every organization's standing exports: what Dagster has assets for."""
    return _select(connection, EXPORTS.c.standing)


def exports_on(connection: sa.Connection, connector_id: str) -> Sequence[Export]:
    """The exports that go through a connector."""
    return _select(connection, EXPORTS.c.connector_id == connector_id)


def find_export(connection: sa.Connection, organization: str, slug: str, *, locked: bool = False) -> Export:
    """The organization's export of that name; `locked`: nobody else asks for its hours, or deletes it, until
    the transaction ends.
    """
    named = EXPORTS.c.organization == organization, EXPORTS.c.slug == slug
    if locked:
        connection.execute(sa.select(EXPORTS.c.id).where(*named).with_for_update())
    found = _select(connection, *named)
    if not found:
        known = ", ".join(export.slug for export in list_exports(connection, organization))
        raise NotFound(f"there is no export {slug!r}; there are: {known or 'none'}")
    return found[0]


def get_export(connection: sa.Connection, id_: str) -> Export:
    """The export with that id, deleted or not."""
    row = connection.execute(sa.select(*_FIELDS).where(EXPORTS.c.id == id_)).one_or_none()
    if row is None:
        raise NotFound(f"there is no export with the id {id_!r}")
    return _export(row._mapping)


def hide_export(connection: sa.Connection, id_: str) -> None:
    """Delete an export: it is listed no more, and its name is free."""
    connection.execute(EXPORTS.update().where(EXPORTS.c.id == id_).values(deleted_at=datetime.now(UTC)))


def _select(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> Sequence[Export]:
    rows = connection.execute(
        sa.select(*_FIELDS)
        .where(EXPORTS.c.deleted_at.is_(None), *conditions)
        .order_by(EXPORTS.c.organization, EXPORTS.c.slug)
    )
    return [_export(row._mapping) for row in rows]


def _export(row: sa.RowMapping) -> Export:
    values: dict[str, Any] = {**row}
    definition = ExportDefinition.model_validate(values.pop("definition"))
    return Export(definition=definition, **values)
