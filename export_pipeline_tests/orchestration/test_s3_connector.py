"""An S3 connector wherever Dagster's own S3 resource is expected."""

from typing import Any

import dagster as dg
import pytest
from dagster_aws.s3 import S3Resource

from export_pipeline.errors import InvalidRequest
from export_pipeline.orchestration.s3_connector import S3ConnectorResource
from export_pipeline_tests.orchestration.test_connector_resources import bucket as bucket
from export_pipeline_tests.servers.s3 import S3Server


def test_it_hands_out_the_vendor_s_client(
    bucket: str, s3_server: S3Server, instance: dg.DagsterInstance
) -> None:
    @dg.asset
    def report(s3: S3Resource) -> None:
        s3.get_client().put_object(Bucket=bucket, Key="report.txt", Body=b"all is well")

    resources = {"s3": S3ConnectorResource(connector="lake")}
    assert dg.materialize([report], instance=instance, resources=resources).success

    written = s3_server.client().get_object(Bucket=bucket, Key="report.txt")["Body"].read()
    assert written == b"all is well"


@pytest.mark.usefixtures("bucket")
def test_it_opens_the_connector_too() -> None:
    assert [*S3ConnectorResource(connector="lake").open().list("")] == []


@pytest.mark.parametrize("field", S3Resource.model_fields)
def test_no_field_of_dagster_s_own_can_be_set(field: str) -> None:
    fields: dict[str, Any] = {"connector": "lake", field: "hunter2"}

    with pytest.raises(InvalidRequest, match=f"{field}: S3ConnectorResource has no such field") as caught:
        S3ConnectorResource(**fields)

    assert "hunter2" not in str(caught.value)
    assert {*S3ConnectorResource.model_fields} == {"connector", "organization"}


@pytest.mark.usefixtures("installation")
def test_another_type_has_no_such_client() -> None:
    with pytest.raises(
        InvalidRequest, match="is of the type direct_download, and S3ConnectorResource takes s3"
    ):
        S3ConnectorResource(connector="direct_download").get_client()
