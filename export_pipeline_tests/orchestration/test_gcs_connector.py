"""A GCS connector wherever Dagster's own GCS resource is expected."""

from typing import Any

import dagster as dg
import pytest
from dagster_gcp.gcs import GCSResource

from export_pipeline.errors import InvalidRequest
from export_pipeline.orchestration.gcs_connector import GcsConnectorResource
from export_pipeline_tests.installations import Installation
from export_pipeline_tests.orchestration.test_connector_resources import made
from export_pipeline_tests.servers.gcs import GcsServer


def test_it_hands_out_the_vendor_s_client(
    installation: Installation, gcs_server: GcsServer, instance: dg.DagsterInstance
) -> None:
    bucket = gcs_server.new_bucket()
    made(installation, "lake", gcs_server.config(bucket))

    @dg.asset
    def report(gcs: GCSResource) -> None:
        gcs.get_client().bucket(bucket).blob("report.txt").upload_from_string(b"all is well")

    resources = {"gcs": GcsConnectorResource(connector="lake")}
    assert dg.materialize([report], instance=instance, resources=resources).success

    assert gcs_server.client().bucket(bucket).blob("report.txt").download_as_bytes() == b"all is well"


def test_no_field_of_dagster_s_own_can_be_set() -> None:
    fields: dict[str, Any] = {"connector": "lake", "project": "hunter2"}

    with pytest.raises(InvalidRequest, match="project: GcsConnectorResource has no such field"):
        GcsConnectorResource(**fields)

    assert {*GCSResource.model_fields} == {"project"}
    assert {*GcsConnectorResource.model_fields} == {"connector", "organization"}
