"""Connectors as resources: each names one, holds no secret, and opens it when it is asked to."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster_graphql.test.utils import define_out_of_process_context, execute_dagster_graphql

from export_pipeline.connectors.connector import CONNECTOR_TYPES, ConnectorConfig
from export_pipeline.connectors.s3 import S3Config
from export_pipeline.connectors.secret import reveal
from export_pipeline.control.connectors import check_connector, create_connector, stop_connector
from export_pipeline.errors import InvalidRequest, NotFound, WrongState
from export_pipeline.orchestration import definitions
from export_pipeline.orchestration.connector_resources import (
    CONNECTOR_RESOURCES,
    MOST_COPIES,
    ConnectorResource,
    connector_resources,
)
from export_pipeline.store.connectors import add_connector, every_connector
from export_pipeline.store.database import reading, writing
from export_pipeline.store.organizations import ensure_organization
from export_pipeline.store.schema import CONNECTORS
from export_pipeline_tests.installations import Installation
from export_pipeline_tests.servers.s3 import S3Server

RESOURCES = """
query Resources($repository: RepositorySelector!) {
  allTopLevelResourceDetailsOrError(repositorySelector: $repository) {
    ... on ResourceDetailsList {
      results { name resourceType description configuredValues { key value type } configFields { name } }
    }
  }
}
"""


def made(
    installation: Installation, name: str, config: ConnectorConfig, *, organization: str = "default"
) -> None:
    """A connector whose check has passed."""
    deployment = installation.deployment
    with writing(deployment.control) as connection:
        ensure_organization(connection, organization)
        stored = create_connector(
            connection,
            deployment.secret_key,
            organization=organization,
            name=name,
            config=json.loads(reveal(config)),
        )
    assert all(step.ok for step in check_connector(deployment.control, stored, config))


@pytest.fixture
def bucket(installation: Installation, s3_server: S3Server) -> str:
    """The bucket of the connector `lake`."""
    bucket = s3_server.new_bucket()
    made(installation, "lake", s3_server.config(bucket))
    return bucket


def test_an_asset_writes_where_the_connector_leads(
    bucket: str, s3_server: S3Server, instance: dg.DagsterInstance
) -> None:
    @dg.asset
    def report(lake: ConnectorResource) -> None:
        upload = lake.open().begin("reports/today.txt", {})
        upload.write(b"all is well")
        upload.commit(replaces=None)

    resources = {"lake": CONNECTOR_RESOURCES["s3"](connector="lake")}
    assert dg.materialize([report], instance=instance, resources=resources).success

    written = s3_server.client().get_object(Bucket=bucket, Key="reports/today.txt")["Body"].read()
    assert written == b"all is well"


def test_its_name_may_come_from_the_environment(
    bucket: str, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHERE_REPORTS_GO", "lake")

    @dg.asset
    def location(lake: ConnectorResource) -> str:
        return lake.config().location

    resources = {"lake": ConnectorResource(connector=dg.EnvVar("WHERE_REPORTS_GO"))}
    result = dg.materialize([location], instance=instance, resources=resources)

    assert result.output_for_node("location") == f"s3://{bucket}"


@pytest.mark.usefixtures("bucket")
def test_one_of_another_type_is_refused_with_both_types() -> None:
    with pytest.raises(InvalidRequest, match="'lake' is of the type s3, and GcsConnector takes gcs alone"):
        CONNECTOR_RESOURCES["gcs"](connector="lake").open()


@pytest.mark.usefixtures("bucket")
def test_it_is_the_organization_s_that_is_named(installation: Installation) -> None:
    with writing(installation.deployment.control) as connection:
        ensure_organization(connection, "acme")

    with pytest.raises(NotFound, match="there is no connector 'lake'"):
        ConnectorResource(connector="lake", organization="acme").open()


@pytest.mark.usefixtures("bucket")
def test_one_that_is_stopped_is_not_opened_and_says_why(installation: Installation) -> None:
    with writing(installation.deployment.control) as connection:
        stop_connector(connection, "default", "lake")

    with pytest.raises(WrongState, match=r"'lake' is STOPPED, .* It was stopped by hand"):
        ConnectorResource(connector="lake").open()


@pytest.mark.parametrize("type_", CONNECTOR_TYPES)
def test_every_type_has_a_class_that_takes_it_and_no_field_for_a_secret(type_: str) -> None:
    resource = CONNECTOR_RESOURCES[type_]

    assert resource.takes == type_
    assert {*resource.model_fields} == {"connector", "organization"}


def test_any_other_field_is_refused_with_where_it_belongs() -> None:
    fields: dict[str, Any] = {"connector": "lake", "secret_access_key": "hunter2"}

    with pytest.raises(InvalidRequest, match=r"secret_access_key: .* kept with it") as caught:
        ConnectorResource(**fields)

    assert "hunter2" not in str(caught.value)


def test_no_two_connectors_are_called_alike(installation: Installation, s3_server: S3Server) -> None:
    """Not even those that differ only by where the dashes are, or from ours by one."""
    names = [("default", "direct-download"), ("a-b", "c1"), ("a-b", "b-c1"), ("a1", "b-c1")]
    for organization, name in names:
        made(installation, name, s3_server.config(s3_server.new_bucket()), organization=organization)

    with reading(installation.deployment.control) as connection:
        connectors = every_connector(connection)
    resources = connector_resources(connectors, jobs=1)

    assert len(resources) == len(connectors) == len(names) + 1
    assert resources["connector__a_b__b_c1"].connector == "b-c1"
    dg.Definitions.validate_loadable(definitions.defs())


def test_of_more_than_dagster_can_copy_into_every_job_none_is_shown(installation: Installation) -> None:
    with reading(installation.deployment.control) as connection:
        (one,) = every_connector(connection)

    assert len(connector_resources([one], jobs=MOST_COPIES)) == 1
    assert connector_resources([one], jobs=MOST_COPIES + 1) == {}


def test_they_are_there_before_anything_is_decrypted(installation: Installation) -> None:
    deployment = installation.deployment
    with writing(deployment.control) as connection:
        stored = add_connector(connection, deployment.secret_key, "default", "lake", S3Config(bucket="lake"))
        connection.execute(
            CONNECTORS.update().where(CONNECTORS.c.id == stored.id).values(sealed_config=b"nobody opens this")
        )

    assert definitions.defs().get_repository_def().get_top_level_resources()["connector__default__lake"]


def test_they_are_shown_without_a_secret(
    bucket: str, s3_server: S3Server, instance: dg.DagsterInstance
) -> None:
    selector = {"repositoryLocationName": "test_location", "repositoryName": "__repository__"}

    with define_out_of_process_context(str(Path(definitions.__file__)), "defs", instance) as context:
        answer = execute_dagster_graphql(context, RESOURCES, {"repository": selector})

    resources = {one["name"]: one for one in answer.data["allTopLevelResourceDetailsOrError"]["results"]}
    shown = resources["connector__default__lake"]
    assert shown["resourceType"].endswith(".S3Connector")
    assert {value["key"]: value["value"] for value in shown["configuredValues"]} == {
        "connector": '"lake"',
        "organization": '"default"',
    }
    assert resources["connector__default__direct__download"]["resourceType"].endswith(
        "DirectDownloadConnector"
    )
    assert s3_server.admin.secret_access_key not in json.dumps(answer.data)
    assert bucket not in json.dumps(answer.data)
