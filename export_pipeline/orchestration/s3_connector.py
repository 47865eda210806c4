"""An S3 connector as a resource that hands out boto3's client, wherever Dagster's own one is expected."""

from typing import TYPE_CHECKING

from dagster_aws.s3 import S3Resource

from export_pipeline.connectors.s3 import S3Config
from export_pipeline.orchestration.connector_resources import ConnectorResource, no_fields_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3ConnectorResource(ConnectorResource, S3Resource):
    """A connector of the type s3, by its name."""

    __annotations__ = no_fields_of(S3Resource)

    takes = "s3"

    def get_client(self) -> "S3Client":
        """The official client, with the connector's address, time limits and credentials for writing."""
        config = self.config()
        assert isinstance(config, S3Config)
        return config.client()
