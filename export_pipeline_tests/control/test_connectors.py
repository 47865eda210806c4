"""What people may do with connectors: every refusal names the field and stores nothing."""

from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.connectors.direct_download import DirectDownloadConfig
from export_pipeline.connectors.folder import FolderConfig
from export_pipeline.control.connectors import create_connector, delete_connector
from export_pipeline.control.exports import create_export, delete_export
from export_pipeline.errors import AlreadyExists, InvalidRequest, NotFound
from export_pipeline.store.connectors import (
    StoredConnector,
    add_connector,
    connector_config,
    find_connector,
    list_connectors,
)
from export_pipeline.store.database import reading, writing
from export_pipeline.store.organizations import ensure_organization
from export_pipeline_tests.builders import ORGANIZATION, a_dataset, a_definition, an_s3_connector
from export_pipeline_tests.control_databases import KEY


@pytest.fixture(autouse=True)
def _organization(control: sa.Engine) -> None:
    with writing(control) as connection:
        ensure_organization(connection, ORGANIZATION)


def create(
    control: sa.Engine, name: str = "bucket", config: Mapping[str, Any] | None = None
) -> StoredConnector:
    with writing(control) as connection:
        return create_connector(
            connection, KEY, organization=ORGANIZATION, name=name, config=config or an_s3_connector()
        )


def delete(control: sa.Engine, name: str, *, organization: str = ORGANIZATION) -> StoredConnector:
    with writing(control) as connection:
        return delete_connector(connection, organization, name)


def names(control: sa.Engine) -> list[str]:
    with reading(control) as connection:
        return [connector.name for connector in list_connectors(connection, ORGANIZATION)]


def exporting(control: sa.Engine, connector: str, slug: str = "flights") -> None:
    with writing(control) as connection:
        create_export(
            connection,
            KEY,
            a_dataset(),
            organization=ORGANIZATION,
            slug=slug,
            connector=connector,
            definition=a_definition(),
        )


def test_a_connector_is_stored_under_its_name(control: sa.Engine) -> None:
    stored = create(control)

    with reading(control) as connection:
        assert find_connector(connection, ORGANIZATION, "bucket") == stored
        assert connector_config(connection, KEY, stored.id).location == "s3://acme-exports"


@pytest.mark.parametrize(
    "name",
    ["", "a", "Bucket", "1-bucket", "my_bucket", "my bucket", "bucket\n", "../bucket", "b" * 64, "büro"],
)
def test_a_name_that_cannot_be_is_refused(control: sa.Engine, name: str) -> None:
    with pytest.raises(InvalidRequest, match="2 to 63 of a-z, 0-9 and -, one of a-z first") as caught:
        create(control, name)

    assert caught.value.field == "name"
    assert names(control) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "ftp"}, "type"),
        ({"bucket": "s3://acme"}, "bucket"),
        ({"colour": "red"}, "colour"),
        ({"prefix": "../other"}, "prefix"),
        ({"endpoint_url": "not a url"}, "endpoint_url"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(
    control: sa.Engine, changes: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        create(control, config=an_s3_connector(**changes))

    assert caught.value.field == field
    assert field in str(caught.value)
    assert names(control) == []


def test_a_refusal_does_not_show_the_secret(control: sa.Engine) -> None:
    config = an_s3_connector(bucket="s3://acme")

    with pytest.raises(InvalidRequest) as caught:
        create(control, config=config)

    assert config["secret_access_key"] not in str(caught.value) + repr(caught.value.__cause__)


def test_a_name_is_given_once(control: sa.Engine) -> None:
    create(control)

    with pytest.raises(AlreadyExists):
        create(control, config=an_s3_connector(bucket="second"))

    assert names(control) == ["bucket"]


@pytest.mark.parametrize("fields", [{}, {"store": {"type": "folder", "path": "/etc"}}])
def test_nobody_makes_a_direct_download(control: sa.Engine, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="there already, under that name") as caught:
        create(control, config={"type": "direct_download", **fields})

    assert caught.value.field == "type"
    assert names(control) == []


def test_nobody_deletes_the_direct_download(control: sa.Engine) -> None:
    with writing(control) as connection:
        config = DirectDownloadConfig.model_construct(
            store=FolderConfig.model_validate({"path": "/srv/downloads"}), row_limit=1
        )
        add_connector(connection, KEY, ORGANIZATION, "direct_download", config)

    with pytest.raises(InvalidRequest, match="cannot be deleted") as caught:
        delete(control, "direct_download")

    assert caught.value.field == "name"
    assert names(control) == ["direct_download"]


def test_a_connector_that_nothing_goes_through_is_deleted(control: sa.Engine) -> None:
    stored = create(control)

    assert delete(control, "bucket") == stored

    assert names(control) == []
    with reading(control) as connection, pytest.raises(NotFound):
        connector_config(connection, KEY, stored.id)


def test_a_connector_in_use_stays_and_its_users_are_named(control: sa.Engine) -> None:
    create(control)
    exporting(control, "bucket")

    with pytest.raises(
        InvalidRequest, match="exports go through 'bucket': flights; delete those first"
    ) as caught:
        delete(control, "bucket")

    assert caught.value.field == "name"
    assert names(control) == ["bucket"]


def test_a_connector_is_free_once_its_exports_are_deleted(control: sa.Engine) -> None:
    create(control)
    exporting(control, "bucket")
    with writing(control) as connection:
        delete_export(connection, ORGANIZATION, "flights")

    delete(control, "bucket")

    assert names(control) == []


def test_another_organizations_connector_cannot_be_deleted(control: sa.Engine) -> None:
    create(control)

    with pytest.raises(NotFound):
        delete(control, "bucket", organization="other")

    assert names(control) == ["bucket"]
