"""Declared connectors: their names are stored, and nothing else of them."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from export_pipeline.connectors.s3 import S3Config
from export_pipeline.dataset.connector_section import ConnectorSection
from export_pipeline.dataset.declaration import load_dataset
from export_pipeline.dataset.tables import Dataset
from export_pipeline.errors import ExportPipelineError, InvalidRequest, NotFound
from export_pipeline.store.connectors import (
    StoredConnector,
    add_connector,
    check_key,
    connector_config,
    declare_connector,
    declared_or_named,
    find_connector,
    list_connectors,
)
from export_pipeline.store.database import reading, writing
from export_pipeline.store.declared_connectors import config_of, declared_config, digest_of
from export_pipeline.store.organizations import ensure_organization
from export_pipeline.store.schema import CONNECTORS
from export_pipeline_tests.builders import ORGANIZATION
from export_pipeline_tests.control_databases import KEY
from export_pipeline_tests.dataset.declaring import FLIGHTS

LAKE = """
[connectors.lake]
type = "s3"
organization = "acme"
bucket = "acme-lake"
access_key_id = "AKIA1"
secret_access_key = {env = "LAKE_SECRET"}
"""


def declared(folder: Path, text: str = LAKE, environ: Mapping[str, str] | None = None) -> Dataset:
    file = folder / "dataset.toml"
    file.write_text(FLIGHTS + text)
    return load_dataset(file, {"LAKE_SECRET": "hunter2"} if environ is None else environ)


@pytest.fixture
def lake(control: sa.Engine) -> StoredConnector:
    with writing(control) as connection:
        ensure_organization(connection, ORGANIZATION)
        declare_connector(connection, ORGANIZATION, "lake", "s3", "of its section")
        return find_connector(connection, ORGANIZATION, "lake")


def test_a_name_is_declared_once(control: sa.Engine, lake: StoredConnector) -> None:
    with writing(control) as connection:
        assert not declare_connector(connection, ORGANIZATION, "lake", "s3", "of its section")
        assert list_connectors(connection, ORGANIZATION) == [lake]


def test_what_cannot_be_stored_is_not_taken_for_declared_already(control: sa.Engine) -> None:
    with pytest.raises(IntegrityError), writing(control) as connection:
        declare_connector(connection, "nobody", "lake", "s3", "of its section")


def test_its_configuration_is_that_of_the_declaration(
    control: sa.Engine, lake: StoredConnector, tmp_path: Path
) -> None:
    with reading(control) as connection:
        config = config_of(connection, KEY, declared(tmp_path), lake)

    assert isinstance(config, S3Config)
    assert config.secret_access_key is not None
    assert (config.bucket, config.secret_access_key.get_secret_value()) == ("acme-lake", "hunter2")


def test_nothing_of_it_is_stored(control: sa.Engine, lake: StoredConnector) -> None:
    with reading(control) as connection:
        row = connection.execute(sa.select(CONNECTORS)).one()
        with pytest.raises(NotFound):
            connector_config(connection, KEY, lake.id)

    assert lake.declared
    assert lake.always_there
    assert (row.name, row.type, row.sealed_config) == ("lake", "s3", None)


def test_one_that_is_stored_is_not_looked_for_in_the_declaration(control: sa.Engine, tmp_path: Path) -> None:
    with writing(control) as connection:
        ensure_organization(connection, ORGANIZATION)
        stored = add_connector(connection, KEY, ORGANIZATION, "lake", S3Config(bucket="stored"))

    with reading(control) as connection:
        assert config_of(connection, KEY, declared(tmp_path), stored).location == "s3://stored"
        assert not find_connector(connection, ORGANIZATION, "lake").declared


@pytest.mark.parametrize("text", ["", LAKE.replace("acme", "other", 1)], ids=["removed", "another's"])
def test_one_that_is_declared_no_more_says_so(lake: StoredConnector, tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"'lake' is no longer declared .*: declare it again, as \[conn"):
        declared_config(declared(tmp_path, text), lake)


def test_without_its_variable_it_cannot_be_used(lake: StoredConnector, tmp_path: Path) -> None:
    dataset = declared(tmp_path, environ={})

    with pytest.raises(
        InvalidRequest,
        match=r"dataset\.toml:25:21: connectors\.lake\.secret_access_key: .* LAKE_SECRET is not",
    ):
        declared_config(dataset, lake)


def test_what_is_wrong_with_its_fields_is_pointed_at(lake: StoredConnector, tmp_path: Path) -> None:
    dataset = declared(tmp_path, LAKE.replace('"acme-lake"', '"s3://acme-lake"'))

    with pytest.raises(
        InvalidRequest, match=r"dataset\.toml:23:10: connectors\.lake\.bucket: must be"
    ) as caught:
        declared_config(dataset, lake)

    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


def test_declaring_it_twice_changes_nothing(control: sa.Engine, lake: StoredConnector) -> None:
    with writing(control) as connection:
        declare_connector(connection, ORGANIZATION, "lake", "s3", "of its section")

    with reading(control) as connection:
        assert list_connectors(connection, ORGANIZATION) == [lake]


def test_a_key_is_tried_on_what_is_sealed(control: sa.Engine, lake: StoredConnector) -> None:
    """Of a declared connector nothing is, and it is older."""
    with writing(control) as connection:
        stored = add_connector(connection, KEY, ORGANIZATION, "stored", S3Config(bucket="stored"))
        connection.execute(
            CONNECTORS.update().where(CONNECTORS.c.id == stored.id).values(sealed_config=b"of another key")
        )

    with reading(control) as connection, pytest.raises(ExportPipelineError, match="another key"):
        check_key(connection, KEY)
    assert lake.declared


def test_declared_ones_are_found_and_those_of_a_name(control: sa.Engine, lake: StoredConnector) -> None:
    with writing(control) as connection:
        for name in ("sea", "river"):
            add_connector(connection, KEY, ORGANIZATION, name, S3Config(bucket="stored"))

    with reading(control) as connection:
        found = declared_or_named(connection, ["sea", "pond"])
    assert [one.name for one in found] == [lake.name, "sea"]


def section(folder: Path, text: str = LAKE) -> ConnectorSection:
    return declared(folder, text).connectors["lake"]


def test_what_is_written_in_it_tells_a_declaration_from_another(tmp_path: Path) -> None:
    digest = digest_of(section(tmp_path))

    assert digest_of(section(tmp_path, f"\n# moved down\n{LAKE}")) == digest
    for old, new in (('"acme-lake"', '"acme-sea"'), ('"LAKE_SECRET"', '"SEA_SECRET"')):
        assert digest_of(section(tmp_path, LAKE.replace(old, new))) != digest


@pytest.mark.parametrize(
    "field", ["secret_access_key", "secret_acces_key"], ids=["secret", "spelled wrongly"]
)
def test_a_secret_that_was_written_there_is_not_found_by_it(tmp_path: Path, field: str) -> None:
    written = LAKE.replace('secret_access_key = {env = "LAKE_SECRET"}', f'{field} = "%s"')
    assert written != LAKE

    assert digest_of(section(tmp_path, written % "summer")) == digest_of(
        section(tmp_path, written % "winter")
    )
