"""A customer's role is taken on with the external id of its organization, and with no other."""

from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.connectors.s3 import S3Config
from export_pipeline.control.connectors import create_connector, replace_connector
from export_pipeline.errors import InvalidRequest
from export_pipeline.store.connectors import StoredConnector, connector_config, list_connectors
from export_pipeline.store.database import reading, writing
from export_pipeline.store.organizations import ensure_organization, external_id_of
from export_pipeline_tests.builders import an_s3_connector
from export_pipeline_tests.control_databases import KEY

ROLE = "arn:aws:iam::123456789012:role/exports"
BUCKET = {"type": "s3", "bucket": "acme-exports"}


@pytest.fixture(autouse=True)
def _organizations(control: sa.Engine) -> None:
    with writing(control) as connection:
        ensure_organization(connection, "acme")
        ensure_organization(connection, "other")


def external_id(control: sa.Engine, organization: str) -> str:
    with writing(control) as connection:
        return external_id_of(connection, organization)


def create(control: sa.Engine, config: Mapping[str, Any], *, by_operator: bool = False) -> StoredConnector:
    with writing(control) as connection:
        return create_connector(
            connection, KEY, organization="acme", name="sales", config=config, by_operator=by_operator
        )


def stored(control: sa.Engine, connector: StoredConnector) -> S3Config:
    with reading(control) as connection:
        config = connector_config(connection, KEY, connector.id)
    assert isinstance(config, S3Config)
    return config


def test_the_organizations_own_is_filled_in(control: sa.Engine) -> None:
    made = create(control, {**BUCKET, "role_arn": ROLE, "read": {"role_arn": ROLE}})

    config = stored(control, made)
    assert config.external_id == external_id(control, "acme")
    assert config.read is not None
    assert config.read.external_id == external_id(control, "acme")


def test_the_organizations_own_may_be_given(control: sa.Engine) -> None:
    own = external_id(control, "acme")

    assert (
        stored(control, create(control, {**BUCKET, "role_arn": ROLE, "external_id": own})).external_id == own
    )


@pytest.mark.parametrize("above", ["", "read."])
def test_anothers_is_refused_with_the_own_one_and_nothing_is_stored(control: sa.Engine, above: str) -> None:
    role = {"role_arn": ROLE, "external_id": external_id(control, "other")}
    config = {**an_s3_connector(), "read": role} if above else {**BUCKET, **role}

    with pytest.raises(InvalidRequest, match=external_id(control, "acme")) as refused:
        create(control, config)

    assert refused.value.field == f"{above}external_id"
    with reading(control) as connection:
        assert list_connectors(connection, "acme") == []


def test_a_connector_cannot_be_given_anothers_later(control: sa.Engine) -> None:
    made = create(control, {**BUCKET, "role_arn": ROLE})
    stolen = {**BUCKET, "role_arn": ROLE, "external_id": external_id(control, "other")}

    with writing(control) as connection, pytest.raises(InvalidRequest, match="no other can be chosen"):
        replace_connector(connection, KEY, organization="acme", name="sales", config=stolen)

    assert stored(control, made).external_id == external_id(control, "acme")


def test_who_takes_a_role_on_with_a_key_of_its_own_chooses(control: sa.Engine) -> None:
    made = create(control, {**an_s3_connector(), "role_arn": ROLE, "external_id": "agreed-upon"})

    assert stored(control, made).external_id == "agreed-upon"


def test_operators_choose(control: sa.Engine) -> None:
    made = create(control, {**BUCKET, "role_arn": ROLE, "external_id": "agreed-upon"}, by_operator=True)

    assert stored(control, made).external_id == "agreed-upon"
