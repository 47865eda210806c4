"""The kinds of outputs: what each asks for, as a connector's configuration, and what of that it shows."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from export_pipeline.api.bitmovin.words import LONGEST_DESCRIPTION, LONGEST_NAME, Words
from export_pipeline.connectors.azure import AzureConfig
from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.connectors.gcs import GcsConfig
from export_pipeline.connectors.s3 import S3Config


def _private(acl: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if any(entry.get("permission") != "PRIVATE" for entry in acl):
        raise ValueError("files are never made public from here; leave it out, or say PRIVATE")
    return acl


def _no_tag(asked: Any) -> Any:
    if asked not in (None, False, "", "false"):
        raise ValueError("no MD5 is attached to files; each has its SHA-256 in its metadata; leave it out")
    return asked


# EU_CENTRAL_1 for eu-central-1.
AwsRegion = Annotated[str, Field(pattern=r"^[A-Z]{2,4}(_[A-Z]+)+_[0-9]{1,2}$")]


class Output(Words, ABC):
    """A way out, as its owner describes it. `endpointUrl` is our own: a store that is not its maker's."""

    kind: ClassVar[str]

    name: str | None = Field(None, max_length=LONGEST_NAME)
    description: str | None = Field(None, max_length=LONGEST_DESCRIPTION)
    custom_data: dict[str, Any] | None = None
    acl: Annotated[list[dict[str, Any]], AfterValidator(_private)] = Field([])
    type: str | None = None
    endpoint_url: str | None = None

    @property
    def config(self) -> dict[str, Any]:
        """The connector's configuration, where the output says something of it."""
        return {name: value for name, value in self._config().items() if value is not None}

    @property
    def properties(self) -> dict[str, Any]:
        """What is kept with the connector, and shown again."""
        return self.model_dump(
            include={"name", "description", "custom_data"}, exclude_none=True, by_alias=True
        )

    @abstractmethod
    def _config(self) -> dict[str, Any]:
        """The same, with None for what it does not say."""

    @staticmethod
    @abstractmethod
    def shown(config: ConnectorConfig) -> Mapping[str, Any] | None:
        """What of a configuration is shown; None if it is of another kind."""


class _Bucket(Output):
    """A bucket of S3."""

    bucket_name: str
    cloud_region: AwsRegion | None = None
    md5_meta_tag: Annotated[Any, AfterValidator(_no_tag)] = None
    signature_version: Literal["S3_V4"] | None = None

    def _config(self) -> dict[str, Any]:
        return {
            "type": "s3",
            "bucket": self.bucket_name,
            "region": self.cloud_region.lower().replace("_", "-") if self.cloud_region else None,
            "endpoint_url": self.endpoint_url,
        }


def _shown_bucket(config: S3Config) -> dict[str, Any]:
    return {
        "bucketName": config.bucket,
        "cloudRegion": config.region.upper().replace("-", "_"),
        "signatureVersion": "S3_V4",
        "endpointUrl": config.endpoint_url,
    }


class S3RoleBased(_Bucket):
    """A bucket of S3, written to in a role that its owner lets us take on."""

    kind = "S3_ROLE_BASED"

    role_arn: str
    external_id: str | None = None
    # Whichever is asked for: the organization has one external id, which nobody chooses.
    external_id_mode: Literal["CUSTOM", "GLOBAL", "GENERATED"] | None = None

    def _config(self) -> dict[str, Any]:
        return {**super()._config(), "role_arn": self.role_arn, "external_id": self.external_id}

    @staticmethod
    def shown(config: ConnectorConfig) -> Mapping[str, Any] | None:
        if not isinstance(config, S3Config) or config.access_key_id or not config.role_arn:
            return None
        return {
            **_shown_bucket(config),
            "roleArn": config.role_arn,
            "externalId": config.external_id,
            "externalIdMode": "GLOBAL",
        }


class S3(_Bucket):
    """A bucket of S3, written to with an access key: our own, Bitmovin has no such output for analytics."""

    kind = "S3"

    access_key: str
    secret_key: str

    def _config(self) -> dict[str, Any]:
        keys = {"access_key_id": self.access_key, "secret_access_key": self.secret_key}
        return {**super()._config(), **keys}

    @staticmethod
    def shown(config: ConnectorConfig) -> Mapping[str, Any] | None:
        if not isinstance(config, S3Config) or not config.access_key_id:
            return None
        return {**_shown_bucket(config), "accessKey": config.access_key_id}


class GcsServiceAccount(Output):
    """A bucket of Google Cloud Storage."""

    kind = "GCS_SERVICE_ACCOUNT"

    bucket_name: str
    service_account_credentials: str
    cloud_region: str | None = Field(None, pattern=r"^[A-Z0-9_]{1,63}$")  # Google finds buckets without it

    def _config(self) -> dict[str, Any]:
        return {
            "type": "gcs",
            "bucket": self.bucket_name,
            "service_account": self.service_account_credentials,
            "endpoint_url": self.endpoint_url,
        }

    @property
    def properties(self) -> dict[str, Any]:
        region = {"cloudRegion": self.cloud_region} if self.cloud_region else {}
        return {**super().properties, **region}

    @staticmethod
    def shown(config: ConnectorConfig) -> Mapping[str, Any] | None:
        if not isinstance(config, GcsConfig):
            return None
        return {"bucketName": config.bucket, "endpointUrl": config.endpoint_url}


class Azure(Output):
    """A container of Azure Blob Storage."""

    kind = "AZURE"

    account_name: str
    account_key: str
    container: str

    def _config(self) -> dict[str, Any]:
        return {
            "type": "azure",
            "account_name": self.account_name,
            "account_key": self.account_key,
            "container": self.container,
            "endpoint_url": self.endpoint_url,
        }

    @staticmethod
    def shown(config: ConnectorConfig) -> Mapping[str, Any] | None:
        if not isinstance(config, AzureConfig):
            return None
        return {
            "accountName": config.account_name,
            "container": config.container,
            "endpointUrl": config.endpoint_url,
        }


# By the end of their addresses.
KINDS: Mapping[str, type[Output]] = {
    "s3-role-based": S3RoleBased,
    "gcs-service-account": GcsServiceAccount,
    "azure": Azure,
    "s3": S3,
}
