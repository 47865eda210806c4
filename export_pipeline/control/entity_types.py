"""What people may do with entity types. The eid of one is for ever."""

from collections.abc import Collection
from contextlib import suppress

import sqlalchemy as sa

from export_pipeline.contributions.entity_types import EntityProfile
from export_pipeline.contributions.ids import slug_mistakes
from export_pipeline.contributions.mistakes import Mistake, reject
from export_pipeline.control import looks
from export_pipeline.control.audit import audited
from export_pipeline.errors import InUse, NotFound
from export_pipeline.store.data_connectors import list_data_connectors, lock_data_connector
from export_pipeline.store.entity_types import (
    EntityType,
    add_entity_type,
    change_entity_type,
    delete_entity_type,
    find_entity_type,
)
from export_pipeline.store.exports import exports_at_work

TAKEN = "is the name of a table that is exported already"


@audited("entity_type.create", looks.entity_type)
def create_entity_type(
    connection: sa.Connection,
    *,
    organization: str,
    eid: str,
    profile: EntityProfile,
    tables: Collection[str],
) -> EntityType:
    """Accept an entity type. `tables` are those that the organization has: exports know them by name."""
    reject(slug_mistakes(eid))
    made = add_entity_type(connection, organization, eid, profile)
    # Afterwards: what is there of this name already may be an entity type, which is another mistake.
    if eid.casefold() in {table.casefold() for table in tables}:
        reject([Mistake(name="slug", reason=TAKEN)])
    return made


@audited("entity_type.replace", looks.entity_type)
def replace_entity_type(
    connection: sa.Connection, *, organization: str, eid: str, profile: EntityProfile
) -> None:
    """Accept another profile for an entity type. Records that are there stay as they are."""
    found = find_entity_type(connection, organization, eid)
    change_entity_type(connection, found.id, profile)


@audited("entity_type.delete", looks.entity_type)
def remove_entity_type(connection: sa.Connection, organization: str, eid: str) -> None:
    """Delete an entity type with its data connectors and every record of it.

    InUse names the exports that have it as a table: without it nothing could correct what they delivered.
    """
    found = find_entity_type(connection, organization, eid)
    exports = [
        export.slug for export in exports_at_work(connection, organization) if export.definition.holds(eid)
    ]
    if exports:
        raise InUse(f"{eid} is exported by {', '.join(exports)}; delete those exports first")
    # Whoever contributes has its connector first, and the entity type then.
    for connector in sorted(list_data_connectors(connection, found), key=lambda one: one.id):
        with suppress(NotFound):  # deleted meanwhile
            lock_data_connector(connection, connector.id)
    delete_entity_type(connection, found.id)
