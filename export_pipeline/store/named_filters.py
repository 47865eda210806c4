"""Stored named filters: an organization's texts under names."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from export_pipeline.dataset.tables import suggestion
from export_pipeline.errors import AlreadyExists, NotFound
from export_pipeline.filters.named import NamedFilters
from export_pipeline.store.pages import Page, PageRequest, read_page
from export_pipeline.store.schema import NAMED_FILTERS

Purpose = Literal["reporting", "permissions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFilter:
    """A named filter as it was written. `display_name` is for people, if they gave it one; `purpose` says in
    which of its lists they look for it.
    """

    id: str
    organization: str
    name: str
    text: str
    created_at: datetime
    changed_at: datetime
    display_name: str | None = None
    purpose: Purpose = "reporting"


def add_named_filter(
    connection: sa.Connection,
    organization: str,
    name: str,
    text: str,
    *,
    display_name: str | None = None,
    purpose: Purpose = "reporting",
) -> StoredFilter:
    """Store a filter under a new id. AlreadyExists when the organization has one of that name."""
    now = datetime.now(UTC)
    stored = StoredFilter(
        id=str(uuid.uuid4()),
        organization=organization,
        name=name,
        text=text,
        created_at=now,
        changed_at=now,
        display_name=display_name,
        purpose=purpose,
    )
    values = {column.name: getattr(stored, column.name) for column in NAMED_FILTERS.columns}
    try:
        connection.execute(NAMED_FILTERS.insert().values(values))
    except IntegrityError as error:
        raise AlreadyExists(
            f"there is a named filter ${name} already; replace it, or choose another name"
        ) from error
    return stored


def change_named_filter(
    connection: sa.Connection, stored: StoredFilter, text: str, display_name: str | None = None
) -> StoredFilter:
    """Store another text in the place of the one that is there; without a display name, it keeps its own."""
    changed = replace(
        stored, text=text, display_name=display_name or stored.display_name, changed_at=datetime.now(UTC)
    )
    connection.execute(
        NAMED_FILTERS.update()
        .where(NAMED_FILTERS.c.id == stored.id)
        .values(text=text, display_name=changed.display_name, changed_at=changed.changed_at)
    )
    return changed


def list_named_filters(connection: sa.Connection, organization: str) -> Sequence[StoredFilter]:
    """The organization's named filters by name."""
    rows = connection.execute(
        sa.select(NAMED_FILTERS)
        .where(NAMED_FILTERS.c.organization == organization)
        .order_by(NAMED_FILTERS.c.name)
    )
    return [StoredFilter(**row._mapping) for row in rows]


def named_filters_page(
    connection: sa.Connection, organization: str, asked: PageRequest
) -> Page[StoredFilter]:
    """The same, in pages."""
    query = sa.select(NAMED_FILTERS).where(NAMED_FILTERS.c.organization == organization)
    return read_page(
        connection,
        query,
        by=(NAMED_FILTERS.c.name,),
        asked=asked,
        made=lambda row: StoredFilter(**row._mapping),
    )


def find_named_filter(connection: sa.Connection, organization: str, name: str) -> StoredFilter:
    """The organization's named filter of that name; upper and lower case differ."""
    found = {stored.name: stored for stored in list_named_filters(connection, organization)}
    if name not in found:
        known = suggestion(name, list(found)) if found else "; there are none"
        raise NotFound(f"there is no named filter ${name}{known}")
    return found[name]


def named_filters(connection: sa.Connection, organization: str) -> NamedFilters:
    """What the organization's names stand for now."""
    return NamedFilters({stored.name: stored.text for stored in list_named_filters(connection, organization)})


def delete_named_filter(connection: sa.Connection, id_: str) -> None:
    """Forget a filter."""
    connection.execute(NAMED_FILTERS.delete().where(NAMED_FILTERS.c.id == id_))
