"""One connector of every type, and users of every store: what a new type adds here, and nothing elsewhere.

`<type>_connector` leads to an empty place of its own. `<type>_users` are ways to one more such place, for
types that ask a server.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from export_pipeline.connectors.azure import AzureConfig, AzureCredentials
from export_pipeline.connectors.connector import CONNECTOR_TYPES, ConnectorConfig
from export_pipeline.connectors.destination import Destination
from export_pipeline.connectors.direct_download import DirectDownloadConfig
from export_pipeline.connectors.folder import FolderConfig
from export_pipeline.connectors.gcs import GcsConfig
from export_pipeline.connectors.http import HttpConfig, HttpReading
from export_pipeline.connectors.mounted_folder import MountedFolderConfig
from export_pipeline.connectors.s3 import S3Config
from export_pipeline_tests.servers.azure import AzureServer
from export_pipeline_tests.servers.gcs import GcsServer, credentials_of
from export_pipeline_tests.servers.http import Receiver
from export_pipeline_tests.servers.s3 import S3Server, User

ASKING_A_SERVER = [name for name in CONNECTOR_TYPES if name not in ("direct_download", "folder")]

# Types with credentials of their own for reading.
READ_APART = ["azure", "gcs", "http", "s3"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Users:
    """Connectors to one place, of users with different rights; `nowhere` is a place that does not exist.

    `apart` writes as `writer` and reads as `reader`; `misread` writes as `owner` and reads as `stranger`.
    """

    owner: ConnectorConfig
    reader: ConnectorConfig
    writer: ConnectorConfig
    stranger: ConnectorConfig
    nowhere: ConnectorConfig
    apart: ConnectorConfig | None = None
    misread: ConnectorConfig | None = None


@pytest.fixture
def s3_connector(s3_server: S3Server) -> S3Config:
    return s3_server.config(s3_server.new_bucket(), prefix="exports/daily")


@pytest.fixture
def s3_on_moto_connector(moto_server: S3Server) -> S3Config:
    return moto_server.config(moto_server.new_bucket())


def _s3_users(server: S3Server) -> Users:
    bucket = server.new_bucket()
    guessing = User(access_key_id=server.admin.access_key_id, secret_access_key="guessed-guessed")
    return Users(
        owner=server.config(bucket),
        reader=server.config(bucket, user=server.reader),
        writer=server.config(bucket, user=server.writer),
        stranger=server.config(bucket, user=guessing),
        apart=server.config(bucket, user=server.writer, read=server.reader.credentials),
        misread=server.config(bucket, read=guessing.credentials),
        nowhere=server.config("nobody-made-this"),
    )


@pytest.fixture
def s3_users(s3_server: S3Server) -> Users:
    return _s3_users(s3_server)


@pytest.fixture
def s3_on_moto_users(moto_server: S3Server) -> Users:
    return _s3_users(moto_server)


@pytest.fixture
def azure_connector(azure_server: AzureServer) -> AzureConfig:
    return azure_server.config(azure_server.new_container(), prefix="exports/daily")


@pytest.fixture
def azure_users(azure_server: AzureServer) -> Users:
    container = azure_server.new_container()

    def bearer_of(permissions: str) -> AzureConfig:
        return azure_server.config(
            container, account_key=None, sas_token=azure_server.sas(container, permissions)
        )

    return Users(
        owner=azure_server.config(container),
        reader=bearer_of("rl"),
        writer=bearer_of("cw"),
        stranger=azure_server.config(container, account_key=SecretStr("Z3Vlc3NlZC1ndWVzc2Vk")),
        apart=bearer_of("cw").model_copy(
            update={"read": AzureCredentials(sas_token=azure_server.sas(container, "rl"))}
        ),
        misread=azure_server.config(
            container, read=AzureCredentials(account_key=SecretStr("Z3Vlc3NlZC1ndWVzc2Vk"))
        ),
        nowhere=azure_server.config("nobody-made-this"),
    )


@pytest.fixture
def gcs_connector(gcs_server: GcsServer) -> GcsConfig:
    return gcs_server.config(gcs_server.new_bucket(), prefix="exports/daily")


@pytest.fixture
def gcs_users(gcs_server: GcsServer) -> Users:
    bucket = gcs_server.new_bucket()
    return Users(
        owner=gcs_server.config(bucket),
        reader=gcs_server.config(bucket, account=gcs_server.reader),
        writer=gcs_server.config(bucket, account=gcs_server.writer),
        stranger=gcs_server.config(bucket, account=gcs_server.stranger),
        apart=gcs_server.config(bucket, account=gcs_server.writer, read=credentials_of(gcs_server.reader)),
        misread=gcs_server.config(bucket, read=credentials_of(gcs_server.stranger)),
        nowhere=gcs_server.config("nobody-made-this"),
    )


@pytest.fixture
def http_connector(http_receiver: Receiver) -> HttpConfig:
    return http_receiver.config(http_receiver.new_space())


@pytest.fixture
def http_users(http_receiver: Receiver) -> Users:
    space = http_receiver.new_space()
    return Users(
        owner=http_receiver.config(space),
        reader=http_receiver.config(space, bearer_token=http_receiver.token("r")),
        writer=http_receiver.config(space, bearer_token=http_receiver.token("w")),
        stranger=http_receiver.config(space, bearer_token=SecretStr("guessed-guessed")),
        apart=http_receiver.config(
            space,
            bearer_token=http_receiver.token("w"),
            readable=False,
            read=HttpReading(bearer_token=http_receiver.token("r")),
        ),
        misread=http_receiver.config(space, read=HttpReading(bearer_token=SecretStr("guessed-guessed"))),
        nowhere=http_receiver.config("nobody-made-this"),
    )


@pytest.fixture
def direct_download_connector(tmp_path: Path) -> DirectDownloadConfig:
    return DirectDownloadConfig(store=FolderConfig(path=tmp_path / "downloads"))


@pytest.fixture
def folder_connector(tmp_path: Path) -> MountedFolderConfig:
    mount = tmp_path / "mount"
    mount.mkdir()
    (mount / ".mounted").touch()
    return MountedFolderConfig(path=mount, marker=".mounted")


@pytest.fixture(params=[*CONNECTOR_TYPES, "s3_on_moto"])
def connector(request: pytest.FixtureRequest) -> ConnectorConfig:
    """A connector of each type to an empty place of its own."""
    config: ConnectorConfig = request.getfixturevalue(f"{request.param}_connector")
    return config


@pytest.fixture(params=ASKING_A_SERVER)
def asking_connector(request: pytest.FixtureRequest) -> ConnectorConfig:
    """A connector of each type that asks a server, to an empty place of its own."""
    config: ConnectorConfig = request.getfixturevalue(f"{request.param}_connector")
    return config


@pytest.fixture(params=[*ASKING_A_SERVER, "s3_on_moto"])
def users(request: pytest.FixtureRequest) -> Users:
    """Users of each store that has any."""
    found: Users = request.getfixturevalue(f"{request.param}_users")
    return found


@pytest.fixture(params=[*READ_APART, "s3_on_moto"])
def users_apart(request: pytest.FixtureRequest) -> Users:
    """Users of each store that can be read with other credentials than it is written with."""
    found: Users = request.getfixturevalue(f"{request.param}_users")
    return found


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
