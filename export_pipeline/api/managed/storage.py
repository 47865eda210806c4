"""The document's kinds of storage: what each asks for, as a connector's configuration, and what it shows."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import ValidationInfo, field_validator

from export_pipeline.api.bodies import JsonBody
from export_pipeline.connectors.azure import AzureConfig
from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.connectors.http import HttpConfig, address_shown
from export_pipeline.connectors.s3 import S3Config


class Storage(JsonBody, ABC, frozen=True, extra="forbid", hide_input_in_errors=True):
    """Where a connector leads, with credentials for reading and for writing."""

    # The document's word for each field of a configuration; those of its part for reading begin with `read`.
    spoken: ClassVar[Mapping[str, str]]

    @property
    @abstractmethod
    def config(self) -> dict[str, Any]:
        """The connector's configuration. What is left out of it is not kept from the one before."""

    @staticmethod
    @abstractmethod
    def shown(config: ConnectorConfig) -> dict[str, Any] | None:
        """What of a configuration is shown, without secrets; None if it is of another kind."""


class AmazonS3(Storage):
    """A bucket of Amazon S3, or of a store at `url` that speaks its protocol."""

    bucket_name: str
    region: str | None = None
    url: str | None = None
    username_write: str
    password_write: str
    username_read: str | None = None
    password_read: str | None = None

    spoken: ClassVar[Mapping[str, str]] = {
        "access_key_id": "username_write",
        "bucket": "bucket_name",
        "endpoint_url": "url",
        "secret_access_key": "password_write",
        "read": "username_read",
        "read.access_key_id": "username_read",
        "read.secret_access_key": "password_read",
    }

    @property
    def config(self) -> dict[str, Any]:
        read = {"access_key_id": self.username_read, "secret_access_key": self.password_read}
        return {
            "type": "s3",
            "bucket": self.bucket_name,
            **({"region": self.region} if self.region else {}),
            "endpoint_url": self.url or None,
            "access_key_id": self.username_write,
            "secret_access_key": self.password_write,
            "read": read if any(read.values()) else None,
        }

    @staticmethod
    def shown(config: ConnectorConfig) -> dict[str, Any] | None:
        if not isinstance(config, S3Config):
            return None
        return {
            "bucket_name": config.bucket,
            "region": config.region,
            "url": config.endpoint_url,
            "username_write": config.access_key_id,
            "username_read": config.read.access_key_id if config.read else None,
        }


class AzureStorage(Storage):
    """A container of Azure Blob Storage. Azure finds accounts wherever they are: `region` is no matter."""

    container_name: str
    region: str | None = None
    url: str | None = None
    account_name_write: str
    account_key_write: str
    account_name_read: str | None = None
    account_key_read: str | None = None

    spoken: ClassVar[Mapping[str, str]] = {
        "account_key": "account_key_write",
        "account_name": "account_name_write",
        "container": "container_name",
        "endpoint_url": "url",
        "read": "account_key_read",
        "read.account_key": "account_key_read",
    }

    @field_validator("account_name_read")
    @classmethod
    def _one_account(cls, name: str | None, given: ValidationInfo) -> str | None:
        if name and name != given.data.get("account_name_write", name):
            raise ValueError(
                "must be the account that is written to, whose files it reads; leave it out, or repeat that"
            )
        return name

    @property
    def config(self) -> dict[str, Any]:
        return {
            "type": "azure",
            "container": self.container_name,
            "endpoint_url": self.url or None,
            "account_name": self.account_name_write,
            "account_key": self.account_key_write,
            "sas_token": None,
            "read": {"account_key": self.account_key_read} if self.account_key_read else None,
        }

    @staticmethod
    def shown(config: ConnectorConfig) -> dict[str, Any] | None:
        if not isinstance(config, AzureConfig):
            return None
        return {
            "container_name": config.container,
            "url": config.endpoint_url,
            "account_name_write": config.account_name,
            "account_name_read": config.account_name if config.read else None,
        }


class HttpData(Storage):
    """Files that wait with us until they are fetched; with a `url`, a receiver that takes them by HTTP."""

    url: str | None = None
    method: Literal["PUT", "POST"] | None = None
    token_write: str | None = None
    username_write: str | None = None
    password_write: str | None = None
    url_read: str | None = None
    token_read: str | None = None
    username_read: str | None = None
    password_read: str | None = None

    spoken: ClassVar[Mapping[str, str]] = {
        "bearer_token": "token_write",
        "password": "password_write",
        "username": "username_write",
        "read": "url_read",
        "read.bearer_token": "token_read",
        "read.password": "password_read",
        "read.url": "url_read",
        "read.username": "username_read",
    }

    @property
    def config(self) -> dict[str, Any]:
        if not any(value for _, value in self):
            return {"type": "direct_download"}
        read = {
            "url": self.url_read,
            "bearer_token": self.token_read,
            "username": self.username_read,
            "password": self.password_read,
        }
        return {
            "type": "http",
            **({"url": self.url} if self.url else {}),
            **({"method": self.method} if self.method else {}),
            "bearer_token": self.token_write,
            "username": self.username_write,
            "password": self.password_write,
            "read": read if any(read.values()) else None,
        }

    @staticmethod
    def shown(config: ConnectorConfig) -> dict[str, Any] | None:
        if not isinstance(config, HttpConfig):
            return None
        read = config.read
        return {
            "url": address_shown(config.url),
            "method": config.method,
            "username_write": config.username,
            "url_read": address_shown(read.url) if read and read.url else None,
            "username_read": read.username if read else None,
        }


STORAGE: Mapping[str, type[Storage]] = {
    "AmazonS3": AmazonS3,
    "AzureStorage": AzureStorage,
    "HttpData": HttpData,
}

# The document's words for our types, where it has one.
STORAGE_TYPES = {"s3": "AmazonS3", "azure": "AzureStorage", "http": "HttpData", "direct_download": "HttpData"}
