"""An organization exports the rows of its own tenants: by exports and by requests, whoever asks."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa

from export_pipeline.connectors.connector import config_from
from export_pipeline.control.audit import Actor, acting
from export_pipeline.control.exports import create_export
from export_pipeline.control.requests import request_export
from export_pipeline.control.tenants import give_tenant, take_tenant
from export_pipeline.errors import AlreadyExists, InvalidRequest, NotFound
from export_pipeline.exports.export import DEFAULT_ORGANIZATION
from export_pipeline.store.connectors import add_connector
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import list_exports
from export_pipeline.store.organizations import ensure_organization
from export_pipeline_tests.builders import FIRST_HOUR, a_dataset, a_definition, a_table, an_s3_connector
from export_pipeline_tests.control_databases import KEY

DATASET = a_dataset(
    a_table(tenant_column="carrier"),
    a_table(name="airports", relation="airports"),
    a_table(name="country", relation="country", for_every_tenant=True, derived=sa.select(1)),
)
ORGANIZATIONS = ("acme", "other", DEFAULT_ORGANIZATION)


@pytest.fixture(autouse=True)
def _connectors(control: sa.Engine) -> None:
    with writing(control) as connection:
        for organization in ORGANIZATIONS:
            ensure_organization(connection, organization)
            add_connector(connection, KEY, organization, "bucket", config_from(an_s3_connector()))


def given(control: sa.Engine, organization: str, tenant: str) -> None:
    with writing(control) as connection:
        give_tenant(connection, organization, tenant)


def ask(control: sa.Engine, organization: str, tenant: str | None, table: str = "flights") -> None:
    """A standing export, and a request for hours, of the tenant's rows."""
    definition = a_definition(tenant=tenant, tables=[{"name": table}], subdirectory=f"{table}-{tenant}")
    with writing(control) as connection:
        create_export(
            connection,
            KEY,
            DATASET,
            organization=organization,
            slug=f"{table}-{tenant or 'all'}".lower(),
            connector="bucket",
            definition=definition,
        )
    with writing(control) as connection:
        request_export(
            connection,
            KEY,
            DATASET,
            organization=organization,
            connector="bucket",
            definition=definition.model_copy(update={"subdirectory": f"requested-{table}-{tenant}"}),
            since=FIRST_HOUR,
            until=FIRST_HOUR + timedelta(hours=1),
            origin="test",
        )


def refused(control: sa.Engine, organization: str, tenant: str | None, table: str = "flights") -> str:
    """What is said; nothing is stored, neither of an export nor of a request."""
    definition = a_definition(tenant=tenant, tables=[{"name": table}])
    with writing(control) as connection:
        with pytest.raises(InvalidRequest) as by_export:
            create_export(
                connection,
                KEY,
                DATASET,
                organization=organization,
                slug="refused",
                connector="bucket",
                definition=definition,
            )
        with pytest.raises(InvalidRequest) as by_request:
            request_export(
                connection,
                KEY,
                DATASET,
                organization=organization,
                connector="bucket",
                definition=definition,
                since=FIRST_HOUR,
                until=FIRST_HOUR + timedelta(hours=1),
                origin="test",
            )
    assert by_export.value.field == by_request.value.field == "tenant"
    assert str(by_export.value) == str(by_request.value)
    assert slugs(control, organization) == []
    return str(by_export.value)


def slugs(control: sa.Engine, organization: str) -> Sequence[str]:
    with reading(control) as connection:
        return [export.slug for export in list_exports(connection, organization)]


def test_where_no_tenant_is_given_to_anybody_the_operator_is_not_asked(control: sa.Engine) -> None:
    ask(control, "acme", "AA")
    ask(control, "acme", None, "airports")

    assert len(slugs(control, "acme")) == 4


def test_a_key_names_no_tenant_but_its_organizations_until_one_is_given(control: sa.Engine) -> None:
    key = acting(control, Actor(kind="key", id="1", name="nightly"))

    assert refused(key, "acme", "AA") == "tenant: 'AA' is none of yours; give one of acme"
    ask(key, "acme", "acme")
    ask(key, "acme", None, "airports")
    given(control, "acme", "AA")
    ask(key, "acme", "AA")
    ask(acting(control, Actor(kind="key", id="2", name="ours")), DEFAULT_ORGANIZATION, "UA")


def test_an_organization_exports_its_own_and_no_others(control: sa.Engine) -> None:
    given(control, "acme", "AA")
    given(control, "other", "UA")

    assert refused(control, "acme", "UA") == "tenant: 'UA' is none of yours; give one of AA"
    ask(control, "acme", "AA")


def test_what_is_spelled_differently_is_another_tenant(control: sa.Engine) -> None:
    given(control, "acme", "AA")

    assert "is none of yours" in refused(control, "acme", "aa")
    assert "is none of yours" in refused(control, "acme", " AA")


def test_who_has_none_exports_nothing_once_somebody_has_some(control: sa.Engine) -> None:
    given(control, "acme", "AA")

    assert "the operator has not given you any yet" in refused(control, "other", "UA")
    assert "the operator has not given you any yet" in refused(control, "other", None, "airports")


def test_who_says_no_tenant_does_not_get_everybodys_rows(control: sa.Engine) -> None:
    given(control, "acme", "AA")

    assert refused(control, "acme", None, "airports") == "tenant: is missing; give one of AA"


def test_the_operators_own_organization_is_held_to_none(control: sa.Engine) -> None:
    given(control, "acme", "AA")

    ask(control, DEFAULT_ORGANIZATION, "AA")

    with pytest.raises(InvalidRequest, match="the operator's own"):
        given(control, DEFAULT_ORGANIZATION, "UA")


def test_what_was_taken_cannot_be_exported_any_more(control: sa.Engine) -> None:
    given(control, "acme", "AA")
    given(control, "acme", "UA")
    with writing(control) as connection:
        take_tenant(connection, "acme", "UA")

    assert "'UA' is none of yours" in refused(control, "acme", "UA")


def test_what_cannot_be_given_or_taken_is_told(control: sa.Engine) -> None:
    given(control, "acme", "AA")
    with pytest.raises(AlreadyExists, match="take it there first"):
        given(control, "other", "AA")
    with pytest.raises(NotFound, match="organization create nobody"):
        given(control, "nobody", "AA")
    with pytest.raises(InvalidRequest, match="none of them a control"):
        given(control, "acme", "a\0b")
    with writing(control) as connection, pytest.raises(NotFound, match="has no tenant 'UA'; it has AA"):
        take_tenant(connection, "acme", "UA")


def test_what_was_contributed_is_the_organizations_own_and_no_tenants(control: sa.Engine) -> None:
    given(control, "other", "B")  # from here on each is held to its own, of which acme has none

    with pytest.raises(InvalidRequest, match="the operator has not given you any yet"):
        ask(control, "acme", None, table="airports")
    ask(control, "acme", None, table="country")
