"""Whose rows of shared tables an organization may export."""

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from export_pipeline.errors import AlreadyExists
from export_pipeline.store.schema import TENANTS


def give(connection: sa.Connection, organization: str, tenant: str) -> None:
    """Note that a tenant is the organization's. AlreadyExists when it is anybody's."""
    values = {"tenant": tenant, "organization": organization, "given_at": datetime.now(UTC)}
    try:
        connection.execute(TENANTS.insert().values(values))
    except IntegrityError as error:
        raise AlreadyExists(
            f"the tenant {tenant!r} is an organization's already; take it there first"
        ) from error


def take(connection: sa.Connection, organization: str, tenant: str) -> bool:
    """Note that a tenant is the organization's no more. False: it was not."""
    its = TENANTS.c.organization == organization, TENANTS.c.tenant == tenant
    return connection.execute(TENANTS.delete().where(*its)).rowcount > 0


def tenants_of(connection: sa.Connection, organization: str) -> Sequence[str]:
    """The organization's tenants, in order."""
    its = sa.select(TENANTS.c.tenant).where(TENANTS.c.organization == organization)
    return connection.scalars(its.order_by(TENANTS.c.tenant)).all()


def any_given(connection: sa.Connection) -> bool:
    """Whether any organization has any tenant."""
    return connection.scalar(sa.select(TENANTS.c.tenant).limit(1)) is not None
