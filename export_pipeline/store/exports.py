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
from export_pipeline.store.connectors import get_connector
from export_pipeline.store.pages import Page, PageRequest, read_page
from export_pipeline.store.schema import EXPORTS, TASKS

_FIELDS = [
    EXPORTS.c[name]
    for name in (
        "id",
        "organization",
        "slug",
        "connector_id",
        "definition",
        "standing",
        "generated",
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
    generated: bool = False,
    key_head: str | None = None,
) -> Export:
    """Store an export under a new id. AlreadyExists when the organization has one of that name.

    `key_head` is what all of its keys begin with (see collisions); None: it is not known.
    """
    export = Export(
        id=str(uuid.uuid4()),
        organization=organization,
        slug=slug,
        connector_id=connector_id,
        definition=definition,
        standing=standing,
        generated=generated,
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
                generated=generated,
                key_head=key_head,
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


def list_exports(connection: sa.Connection, organization: str, *, generated: bool = True) -> Sequence[Export]:
    """The organization's exports by name; without `generated` only those that somebody named."""
    named = sa.true() if generated else ~EXPORTS.c.generated
    return _select(connection, EXPORTS.c.organization == organization, named)


def exports_page(connection: sa.Connection, organization: str, asked: PageRequest) -> Page[Export]:
    """The exports that somebody named, in pages."""
    query = sa.select(*_FIELDS).where(
        EXPORTS.c.organization == organization, EXPORTS.c.deleted_at.is_(None), ~EXPORTS.c.generated
    )
    return read_page(
        connection, query, by=(EXPORTS.c.slug,), asked=asked, made=lambda row: _export(row._mapping)
    )


def exports_at_work(connection: sa.Connection, organization: str) -> Sequence[Export]:
    """The organization's exports of which rows will be read yet: those that somebody named, and those that
    were made for a request whose task has not ended.
    """
    open_task = sa.exists().where(
        TASKS.c.export_id == EXPORTS.c.id,
        TASKS.c.ended_at.is_(None),
        TASKS.c.error.is_(None),
        TASKS.c.deleted_at.is_(None),
    )
    named = EXPORTS.c.organization == organization, ~EXPORTS.c.generated
    made = EXPORTS.c.organization == organization, EXPORTS.c.generated, open_task
    return _select(connection, sa.or_(sa.and_(*named), sa.and_(*made)))


def standing_exports(connection: sa.Connection) -> Sequence[Export]:
    """Every organization's standing exports: what Dagster has assets for."""
    return _select(connection, EXPORTS.c.standing)


def exports_on(connection: sa.Connection, connector_id: str) -> Sequence[Export]:
    """The exports that go through a connector."""
    return _select(connection, EXPORTS.c.connector_id == connector_id)


def rivals_of(
    connection: sa.Connection,
    connector_id: str,
    key_head: str,
    asked: tuple[datetime, datetime] | None = None,
) -> Sequence[Export]:
    """The exports on a connector that may have a key in common with one whose keys begin with `key_head`.

    With `asked`, only those of which an hour that starts in that range is wanted by a task, and those that
    are delivered by themselves.
    """
    theirs = EXPORTS.c.key_head
    ours = sa.literal(key_head)
    alike = sa.or_(
        theirs.is_(None),
        sa.func.substr(ours, 1, sa.func.length(theirs)) == theirs,
        sa.func.substr(theirs, 1, len(key_head)) == ours,
    )
    conditions = [EXPORTS.c.connector_id == connector_id, alike]
    if asked is not None:
        since, until = asked
        wanted = sa.exists().where(
            TASKS.c.export_id == EXPORTS.c.id, TASKS.c.since < until, TASKS.c.until > since
        )
        conditions.append(sa.or_(EXPORTS.c.standing, wanted))
    return _select(connection, *conditions)


def find_export(connection: sa.Connection, organization: str, slug: str, *, locked: bool = False) -> Export:
    """The organization's export of that name; `locked`: nobody else asks for its hours, or deletes it, until
    the transaction ends.
    """
    named = EXPORTS.c.organization == organization, EXPORTS.c.slug == slug
    if locked:
        connection.execute(sa.select(EXPORTS.c.id).where(*named).with_for_update())
    found = _select(connection, *named)
    if not found:
        named_ones = list_exports(connection, organization, generated=False)
        known = ", ".join(export.slug for export in named_ones)
        raise NotFound(f"there is no export {slug!r}; there are: {known or 'none'}")
    return found[0]


def lock_export(connection: sa.Connection, organization: str, slug: str) -> Export:
    """The organization's export of that name, locked, and its connector before it, as everywhere."""
    get_connector(connection, find_export(connection, organization, slug).connector_id, locked=True)
    return find_export(connection, organization, slug, locked=True)


def get_export(connection: sa.Connection, id_: str) -> Export:
    """The export with that id, deleted or not."""
    row = connection.execute(sa.select(*_FIELDS).where(EXPORTS.c.id == id_)).one_or_none()
    if row is None:
        raise NotFound(f"there is no export with the id {id_!r}")
    return _export(row._mapping)


def change_definition(
    connection: sa.Connection, id_: str, definition: ExportDefinition, *, key_head: str | None
) -> None:
    """Give an export another definition; `key_head` is as for a new one."""
    values = {"definition": definition.model_dump(mode="json"), "key_head": key_head}
    connection.execute(EXPORTS.update().where(EXPORTS.c.id == id_).values(values))


def pause(connection: sa.Connection, id_: str, *, paused: bool) -> None:
    """Note whether a standing export is delivered by itself."""
    connection.execute(EXPORTS.update().where(EXPORTS.c.id == id_).values(paused=paused))


def hide_export(connection: sa.Connection, id_: str) -> None:
    """Delete an export: it is listed no more, and its name is free."""
    connection.execute(EXPORTS.update().where(EXPORTS.c.id == id_).values(deleted_at=datetime.now(UTC)))


def is_deleted(connection: sa.Connection, id_: str) -> bool:
    """Whether the export was deleted: what it delivered is nobody's to fetch any more."""
    return connection.scalar(sa.select(EXPORTS.c.deleted_at).where(EXPORTS.c.id == id_)) is not None


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
