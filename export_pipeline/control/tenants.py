"""Which tenants an organization has, and that it exports the rows of no others.

A tenant is a text that a request holds: without this, any customer could name another's. As soon as one
tenant is given to an organization, every organization is held to its own. Until then a key may name the
tenant that is called like its organization and no other, and the operator, at the command line, any. The
default organization is the operator's own, and is held to none.
"""

import sqlalchemy as sa

from export_pipeline.control import looks
from export_pipeline.control.audit import actor_of, audited
from export_pipeline.errors import InvalidRequest, NotFound
from export_pipeline.exports.export import DEFAULT_ORGANIZATION, MAX_NAME, ExportDefinition
from export_pipeline.store.organizations import list_organizations
from export_pipeline.store.tenants import any_given, give, take, tenants_of


@audited("organization.give", looks.tenants)
def give_tenant(connection: sa.Connection, organization: str, tenant: str) -> None:
    """Let an organization export a tenant's rows. AlreadyExists when that is anybody's."""
    _check_known(connection, organization)
    if not 1 <= len(tenant) <= MAX_NAME or not tenant.isprintable():
        raise InvalidRequest(
            f"tenant: must be 1 to {MAX_NAME} characters, none of them a control", field="tenant"
        )
    if organization == DEFAULT_ORGANIZATION:
        raise InvalidRequest(
            f"organization: {DEFAULT_ORGANIZATION} is the operator's own, and is held to no tenant; name"
            " another",
            field="organization",
        )
    give(connection, organization, tenant)


@audited("organization.take", looks.tenants)
def take_tenant(connection: sa.Connection, organization: str, tenant: str) -> None:
    """Let an organization export a tenant's rows no more. What it has asked for already is delivered."""
    _check_known(connection, organization)
    if not take(connection, organization, tenant):
        has = ", ".join(tenants_of(connection, organization))
        raise NotFound(f"{organization!r} has no tenant {tenant!r}; it has {has or 'none'}")


def check_tenant(connection: sa.Connection, organization: str, definition: ExportDefinition) -> None:
    """Refuse a definition that is not of the organization's own tenants."""
    if organization == DEFAULT_ORGANIZATION:
        return
    own = tenants_of(connection, organization)
    if definition.tenant in own:
        return
    if not any_given(connection):
        by_operator = actor_of(connection).kind == "user"
        if by_operator or definition.tenant in (None, organization):
            return
        own = [organization]
    given = "is missing" if definition.tenant is None else f"{definition.tenant!r} is none of yours"
    cure = f"give one of {', '.join(own)}" if own else "the operator has not given you any yet; ask for it"
    raise InvalidRequest(f"tenant: {given}; {cure}", field="tenant")


def _check_known(connection: sa.Connection, organization: str) -> None:
    if organization not in list_organizations(connection):
        raise NotFound(
            f"there is no organization {organization!r};"
            f" make it with: export-pipeline organization create {organization}"
        )
