"""What people may do with organizations."""

import sqlalchemy as sa

from export_pipeline.connectors.direct_download import DIRECT_DOWNLOAD, UNPLACED
from export_pipeline.control import looks
from export_pipeline.control.audit import audited
from export_pipeline.control.exports import check_slug
from export_pipeline.errors import AlreadyExists
from export_pipeline.store.connectors import ensure_connector
from export_pipeline.store.encryption import SecretKey
from export_pipeline.store.organizations import ensure_organization, list_organizations


@audited("organization.create", looks.organization)
def create_organization(connection: sa.Connection, key: SecretKey, name: str) -> None:
    """Add an organization with its direct download. AlreadyExists when there is one of that name."""
    check_slug(name, field="name")
    if name in list_organizations(connection):
        raise AlreadyExists(f"there is an organization {name!r} already")
    give_organization(connection, key, name)


def give_organization(connection: sa.Connection, key: SecretKey, name: str) -> None:
    """Add what is missing of an organization that has to be there."""
    ensure_organization(connection, name)
    ensure_connector(connection, key, name, DIRECT_DOWNLOAD, UNPLACED)
