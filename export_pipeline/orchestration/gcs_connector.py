"""A GCS connector as a resource that hands out Google's client, wherever Dagster's own one is expected."""

from typing import Any

from dagster_gcp.gcs import GCSResource

from export_pipeline.connectors.gcs import GcsConfig
from export_pipeline.orchestration.connector_resources import ConnectorResource, no_fields_of


class GcsConnectorResource(ConnectorResource, GCSResource):
    """A connector of the type gcs, by its name."""

    __annotations__ = no_fields_of(GCSResource)

    takes = "gcs"

    def get_client(self) -> Any:
        """The official client, with the connector's credentials for writing and its address."""
        config = self.config()
        assert isinstance(config, GcsConfig)
        return config.client()
