"""One connector of every type; a new type adds the fixture `<type>_connector` here and nothing else."""

from pathlib import Path

import pytest

from export_pipeline.connectors.connector import CONNECTOR_TYPES, ConnectorConfig
from export_pipeline.connectors.destination import Destination
from export_pipeline.connectors.direct_download import DirectDownloadConfig
from export_pipeline.connectors.folder import FolderConfig
from export_pipeline.connectors.s3 import S3Config
from export_pipeline_tests.servers.s3 import S3Server


@pytest.fixture
def s3_connector(s3_server: S3Server) -> S3Config:
    return s3_server.config(s3_server.new_bucket(), prefix="exports/daily")


@pytest.fixture
def s3_on_moto_connector(moto_server: S3Server) -> S3Config:
    return moto_server.config(moto_server.new_bucket())


@pytest.fixture
def direct_download_connector(tmp_path: Path) -> DirectDownloadConfig:
    return DirectDownloadConfig(store=FolderConfig(path=tmp_path / "downloads"))


@pytest.fixture(params=[*CONNECTOR_TYPES, "s3_on_moto"])
def connector(request: pytest.FixtureRequest) -> ConnectorConfig:
    """A connector of each type to an empty place of its own."""
    config: ConnectorConfig = request.getfixturevalue(f"{request.param}_connector")
    return config


@pytest.fixture
def server_name(connector: ConnectorConfig, request: pytest.FixtureRequest) -> str | None:
    """Which S3 server the connector leads to; None if to another kind of store."""
    if not isinstance(connector, S3Config):
        return None
    servers: list[S3Server] = [request.getfixturevalue(name) for name in ("s3_server", "moto_server")]
    return next(server.name for server in servers if server.endpoint_url == connector.endpoint_url)


@pytest.fixture
def destination(connector: ConnectorConfig) -> Destination:
    return connector.open()
