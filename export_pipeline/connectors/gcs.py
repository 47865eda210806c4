"""Google Cloud Storage, as a connector is configured for it."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, SecretStr, model_validator

from export_pipeline.connectors.destination import Destination
from export_pipeline.connectors.limits import GCS_KEYS, KeyLimits
from export_pipeline.connectors.locations import Endpoint, Prefix
from export_pipeline.connectors.reading import ReadApart
from export_pipeline.connectors.secret import Secret

GOOGLE = "https://storage.googleapis.com"
STORAGE_CLASSES = Literal["STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE"]
NEEDED = ("client_email", "private_key", "token_uri")


def _service_account(text: SecretStr) -> SecretStr:
    """A key's file. Some of other kinds name programs to run or files to read: not for customers."""
    try:
        info = json.loads(text.get_secret_value())
    except ValueError:
        info = None  # and not the error as cause: it quotes the text
    if not isinstance(info, dict) or info.get("type") != "service_account":
        raise ValueError('must be the JSON of a service account\'s key, with "type": "service_account"')
    if missing := [name for name in NEEDED if not isinstance(info.get(name), str)]:
        raise ValueError(f"the service account's key lacks {', '.join(missing)}: download it anew")
    return text


class GcsCredentials(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """Who asks Google Cloud Storage.

    Without a service account it is the deployment itself (workload identity, application default
    credentials): for operators.
    """

    service_account: Annotated[Secret, AfterValidator(_service_account)] | None = Field(
        None, description="the JSON of a service account's key, as one text"
    )


class GcsConfig(GcsCredentials, frozen=True, extra="forbid", hide_input_in_errors=True):
    """A bucket of Google Cloud Storage."""

    type: Literal["gcs"] = "gcs"
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$", description="the bucket's name")
    prefix: Prefix = Field("", description="a folder in the bucket")
    endpoint_url: Endpoint | None = Field(None, description="the store's address; leave it out for Google's")
    read: GcsCredentials | None = Field(
        None, description="who reads files back, if not who writes them: a service_account of its own"
    )
    storage_class: STORAGE_CLASSES | None = Field(
        None, description="the objects' storage class; leave it out for the bucket's own"
    )
    kms_key_name: str | None = Field(
        None,
        pattern=r"^projects/[^/\s]+/locations/[^/\s]+/keyRings/[^/\s]+/cryptoKeys/[^/\s]+$",
        description="the key of Cloud KMS that encrypts the objects: projects/.../cryptoKeys/...",
    )

    row_limit: ClassVar[int | None] = None

    @model_validator(mode="after")
    def _tokens_come_from_google_or_the_store(self) -> "GcsConfig":
        """Whoever gives us a key must not make us call on any address they like."""
        for field, account in self._service_accounts():
            if account is None:
                continue
            uri = urlsplit(json.loads(account.get_secret_value())["token_uri"])
            google = uri.scheme == "https" and f".{uri.hostname}".endswith(".googleapis.com")
            own = self.endpoint_url is not None and uri.netloc == urlsplit(self.endpoint_url).netloc
            if not (google or own):
                raise ValueError(f"{field}: its token_uri must be Google's: download the key anew")
        return self

    def _service_accounts(self) -> Iterator[tuple[str, SecretStr | None]]:
        yield "service_account", self.service_account
        if self.read:
            yield "read.service_account", self.read.service_account

    @property
    def operators_only(self) -> str | None:
        """Why customers must not have this connector; None if they may."""
        for field, account in self._service_accounts():
            if account is None:
                return f"{field} is missing, and our own identity is for operators; give a key"
        return None

    @property
    def inside(self) -> bool:
        """Whether it may lie where not everybody can reach it: Google may, by a private endpoint."""
        return self.endpoint_url is None

    @property
    def url(self) -> str:
        """The store's address."""
        return self.endpoint_url or GOOGLE

    @property
    def location(self) -> str:
        return f"gs://{self.bucket}/{self.prefix}".removesuffix("/")

    @property
    def address(self) -> str:
        """The bucket's, as a URL: whose host is called on."""
        return f"{self.url}/{self.bucket}"

    @property
    def shown_to(self) -> tuple[str, ...]:
        """The addresses of all who are shown its credentials."""
        return (self.address,)

    @property
    def key_limits(self) -> KeyLimits:
        return GCS_KEYS.below(self.prefix)

    def open(self) -> Destination:
        """The bucket as a destination. Asks nobody anything yet."""
        from export_pipeline.connectors.gcs_store import open_bucket  # the client takes a while to load

        reader = open_bucket(self, self.read) if self.read else None
        writer = open_bucket(self, self, reader=reader)
        return ReadApart(writer=writer, reader=reader or writer)

    def client(self) -> Any:
        """The vendor's own client (which has no types), as the destination has it: for what people do there
        besides exports.
        """
        from export_pipeline.connectors.gcs_store import open_bucket

        return open_bucket(self, self).client
