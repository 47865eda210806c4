"""Azure Blob Storage, as a connector is configured for it."""

import base64
import binascii
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, Field, SecretStr, model_validator

from export_pipeline.connectors.destination import Destination
from export_pipeline.connectors.limits import AZURE_KEYS, KeyLimits
from export_pipeline.connectors.locations import EndpointWithPath, Prefix
from export_pipeline.connectors.reading import ReadApart
from export_pipeline.connectors.secret import Secret


def _base64(key: SecretStr) -> SecretStr:
    try:
        base64.b64decode(key.get_secret_value(), validate=True)
    except (ValueError, binascii.Error):
        raise ValueError("must be the key as the portal shows it, in Base64") from None  # it quotes the key
    return key


def _token(sas: SecretStr) -> SecretStr:
    bare = sas.get_secret_value().removeprefix("?")
    if "://" in bare or "sig=" not in bare:
        raise ValueError("must be the token alone, like sv=...&sig=..., without the address before it")
    return SecretStr(bare)


class AzureConfig(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """A container of Azure Blob Storage.

    Without a key and without a SAS token the deployment's own identity is used (environment, workload or
    managed identity): for operators.
    """

    type: Literal["azure"] = "azure"
    account_name: str = Field(pattern=r"^[a-z0-9]{3,24}$", description="the storage account's name")
    container: str = Field(
        pattern=r"^([a-z0-9](-?[a-z0-9]){2,62}|\$root)$", description="the container's name"
    )
    prefix: Prefix = Field("", description="a folder in the container")
    endpoint_url: EndpointWithPath | None = Field(
        None, description="the account's address; leave it out for https://<account>.blob.core.windows.net"
    )
    account_key: Annotated[Secret, AfterValidator(_base64)] | None = Field(
        None, description="one of the account's two keys"
    )
    sas_token: Annotated[Secret, AfterValidator(_token)] | None = Field(
        None, description="a shared access signature, instead of the account's key"
    )
    identity_client_id: str | None = Field(
        None, pattern=r"^[0-9a-fA-F-]{36}$", description="which managed identity, where there are several"
    )
    encryption_scope: str | None = Field(
        None, pattern=r"^[A-Za-z0-9-]{3,63}$", description="the scope whose key encrypts the blobs"
    )
    access_tier: Literal["Hot", "Cool", "Cold"] | None = Field(
        None, description="the blobs' access tier; leave it out for the account's own"
    )

    row_limit: ClassVar[int | None] = None
    inside: ClassVar[bool] = True

    @model_validator(mode="after")
    def _one_credential(self) -> "AzureConfig":
        if self.account_key and self.sas_token:
            raise ValueError("account_key and sas_token are two ways to say the same: give one of them")
        if not (self.account_key or self.sas_token) and self.url.startswith("http:"):
            raise ValueError(
                "endpoint_url must be https:// without a key: an identity is shown over TLS only"
            )
        return self

    @property
    def url(self) -> str:
        """The account's address."""
        return self.endpoint_url or f"https://{self.account_name}.blob.core.windows.net"

    @property
    def location(self) -> str:
        return f"azure://{self.account_name}/{self.container}/{self.prefix}".removesuffix("/")

    @property
    def address(self) -> str:
        """The container's, as a URL: whose host is called on, and whose the credentials are."""
        return f"{self.url}/{self.account_name}/{self.container}"

    @property
    def key_limits(self) -> KeyLimits:
        return AZURE_KEYS.below(self.prefix)

    def open(self) -> Destination:
        """The container as a destination. Asks nobody anything yet."""
        from export_pipeline.connectors.azure_store import open_container  # the client takes a while to load

        container = open_container(self)
        return ReadApart(writer=container, reader=container)
