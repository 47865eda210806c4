"""What people may do with organizations."""

import sqlalchemy as sa

from export_pipeline.control import looks
from export_pipeline.control.audit import audited
from export_pipeline.control.exports import check_slug
from export_pipeline.errors import AlreadyExists
from export_pipeline.store.organizations import ensure_organization, list_organizations


@audited("organization.create", looks.organization)
def create_organization(connection: sa.Connection, name: str) -> None:
    """Add an organization. AlreadyExists when there is one of that name."""
    check_slug(name, field="name")
    if name in list_organizations(connection):
        raise AlreadyExists(f"there is an organization {name!r} already")
    ensure_organization(connection, name)
