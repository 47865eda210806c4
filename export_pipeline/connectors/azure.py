"""Azure Blob Storage, as a connector is configured for it."""

import base64
import binascii
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, SecretStr, StringConstraints, model_validator

from export_pipeline.connectors.destination import Destination
from export_pipeline.connectors.limits import AZURE_KEYS, KeyLimits
from export_pipeline.connectors.locations import EndpointWithPath, Prefix
from export_pipeline.connectors.reading import ReadApart
from export_pipeline.connectors.secret import Secret

# As Azure takes index tags.
TagName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 +./:=_-]{1,128}$")]
TagValue = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 +./:=_-]{0,256}$")]


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


class AzureCredentials(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """Who asks Azure Blob Storage.

    Without a key and without a SAS token it is the deployment itself (environment, workload or managed
    identity): for operators.
    """

    account_key: Annotated[Secret, AfterValidator(_base64)] | None = Field(
        None, description="one of the account's two keys"
    )
    sas_token: Annotated[Secret, AfterValidator(_token)] | None = Field(
        None, description="a shared access signature, instead of the account's key"
    )
    identity_client_id: str | None = Field(
        None, pattern=r"^[0-9a-fA-F-]{36}$", description="which managed identity, where there are several"
    )

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if self.account_key and self.sas_token:
            raise ValueError("account_key and sas_token are two ways to say the same: give one of them")
        return self

    @property
    def own_identity(self) -> bool:
        """Whether it is the deployment itself."""
        return not (self.account_key or self.sas_token)


class AzureConfig(AzureCredentials, frozen=True, extra="forbid", hide_input_in_errors=True):
    """A container of Azure Blob Storage."""

    type: Literal["azure"] = "azure"
    account_name: str = Field(pattern=r"^[a-z0-9]{3,24}$", description="the storage account's name")
    container: str = Field(
        pattern=r"^([a-z0-9](-?[a-z0-9]){2,62}|\$root)$", description="the container's name"
    )
    prefix: Prefix = Field("", description="a folder in the container")
    endpoint_url: EndpointWithPath | None = Field(
        None, description="the account's address; leave it out for https://<account>.blob.core.windows.net"
    )
    read: AzureCredentials | None = Field(
        None, description="who reads files back, if not who writes them: an account_key or sas_token"
    )
    encryption_scope: str | None = Field(
        None, pattern=r"^[A-Za-z0-9-]{3,63}$", description="the scope whose key encrypts the blobs"
    )
    access_tier: Literal["Hot", "Cool", "Cold"] | None = Field(
        None, description="the blobs' access tier; leave it out for the account's own"
    )

    tags: dict[TagName, TagValue] = Field(
        {}, max_length=10, description="the blobs' index tags, by which they are found and managed"
    )

    row_limit: ClassVar[int | None] = None

    @model_validator(mode="after")
    def _identities_are_shown_over_tls(self) -> Self:
        if (self.own_identity or (self.read and self.read.own_identity)) and self.url.startswith("http:"):
            raise ValueError(
                "endpoint_url must be https:// without a key: an identity is shown over TLS only"
            )
        return self

    @property
    def operators_only(self) -> str | None:
        """Why customers must not have this connector; None if they may."""
        for field, who in (("account_key", self), ("read.account_key", self.read)):
            if who and who.own_identity:
                return f"{field} is missing, and our own identity is for operators; give a key or a sas_token"
        return None

    @property
    def inside(self) -> bool:
        """Whether it may lie where not everybody can reach it: Azure may, by a private endpoint."""
        return self.endpoint_url is None

    @property
    def url(self) -> str:
        """The account's address."""
        return self.endpoint_url or f"https://{self.account_name}.blob.core.windows.net"

    @property
    def location(self) -> str:
        return f"azure://{self.account_name}/{self.container}/{self.prefix}".removesuffix("/")

    @property
    def address(self) -> str:
        """The container's, as a URL: whose host is called on."""
        return f"{self.url}/{self.account_name}/{self.container}"

    @property
    def shown_to(self) -> tuple[str, ...]:
        """The addresses of all who are shown its credentials."""
        return (self.address,)

    @property
    def key_limits(self) -> KeyLimits:
        return AZURE_KEYS.below(self.prefix)

    def open(self) -> Destination:
        """The container as a destination. Asks nobody anything yet."""
        from export_pipeline.connectors.azure_store import open_container  # the client takes a while to load

        reader = open_container(self, self.read) if self.read else None
        writer = open_container(self, self, reader=reader)
        return ReadApart(writer=writer, reader=reader or writer)
