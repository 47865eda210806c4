"""A tenant is one organization's, until it is taken from it."""

import pytest
import sqlalchemy as sa

from export_pipeline.errors import AlreadyExists
from export_pipeline.store.database import reading, writing
from export_pipeline.store.organizations import ensure_organization
from export_pipeline.store.tenants import any_given, give, take, tenants_of


@pytest.fixture(autouse=True)
def _organizations(control: sa.Engine) -> None:
    with writing(control) as connection:
        ensure_organization(connection, "acme")
        ensure_organization(connection, "other")


def test_tenants_are_listed_in_order_by_organization(control: sa.Engine) -> None:
    with writing(control) as connection:
        assert not any_given(connection)
        for organization, tenant in (("acme", "b"), ("other", "c"), ("acme", "a")):
            give(connection, organization, tenant)

    with reading(control) as connection:
        assert any_given(connection)
        assert tenants_of(connection, "acme") == ["a", "b"]
        assert tenants_of(connection, "other") == ["c"]


def test_one_that_is_anybodys_is_not_given_twice(control: sa.Engine) -> None:
    with writing(control) as connection:
        give(connection, "acme", "a")

    with pytest.raises(AlreadyExists), writing(control) as connection:
        give(connection, "other", "a")

    with writing(control) as connection:
        assert not take(connection, "other", "a")
        assert take(connection, "acme", "a")
        give(connection, "other", "a")
