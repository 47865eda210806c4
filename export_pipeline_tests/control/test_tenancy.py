"""An organization's rows are those of its own name, and of tables that anybody may have."""

import sqlalchemy as sa

from export_pipeline.control.tenancy import tables_for, tenant_for
from export_pipeline.control.tenants import check_tenant, give_tenant
from export_pipeline.dataset.tables import Dataset, Table
from export_pipeline.store.database import writing
from export_pipeline.store.organizations import ensure_organization
from export_pipeline.store.tenants import tenants_of
from export_pipeline_tests.builders import a_column, a_definition


def table(name: str, *, tenant_column: str | None = None, for_every_tenant: bool = False) -> Table:
    return Table(
        name=name,
        relation=name,
        columns=(a_column("at"), a_column("owner")),
        time_column="at",
        order_by=("at",),
        tenant_column=tenant_column,
        for_every_tenant=for_every_tenant,
    )


WHOLE, SHARED, OPEN = (
    table("whole"),
    table("shared", tenant_column="owner"),
    table("open", for_every_tenant=True),
)


def dataset(*tables: Table) -> Dataset:
    return Dataset(url_variable="URL", tables={one.name: one for one in tables})


def test_where_tables_are_shared_nobody_is_given_one_that_says_not_whose_its_rows_are() -> None:
    assert tables_for(dataset(WHOLE, OPEN)) == [WHOLE, OPEN]
    assert tables_for(dataset(WHOLE, SHARED, OPEN)) == [SHARED, OPEN]


def test_of_shared_tables_an_organization_is_given_its_own_rows() -> None:
    assert tenant_for([SHARED, OPEN], "acme") == "acme"
    assert tenant_for([SHARED], "acme", ["Acme Inc."]) == "Acme Inc."
    assert tenant_for([SHARED], "acme", ["other", "acme"]) == "acme"
    assert tenant_for([SHARED, WHOLE], "acme") == "acme"
    assert tenant_for([WHOLE, OPEN], "acme", ["Acme Inc."]) is None


def test_a_table_for_every_tenant_is_asked_for_as_a_tenant_of_the_organization(control: sa.Engine) -> None:
    """Otherwise who is held to some tenants would be refused for having named none of them."""
    with writing(control) as connection:
        ensure_organization(connection, "acme")
        give_tenant(connection, "acme", "Acme Inc.")
        own = tenants_of(connection, "acme")
        check_tenant(connection, "acme", a_definition(tenant=tenant_for([OPEN], "acme", own)))
