"""An HTTP receiver, as a connector is configured for it."""

import re
from typing import Annotated, ClassVar, Literal
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, BaseModel, Field, SecretStr, model_validator

from export_pipeline.connectors.destination import Destination
from export_pipeline.connectors.limits import KeyLimits
from export_pipeline.connectors.reading import ReadApart
from export_pipeline.connectors.secret import Secret

KEY = "$key"

# No server that we know of takes a longer address: 8 KiB, of which the key's bytes may take three each.
HTTP_KEYS = KeyLimits(whole=1024)


def _template(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid or not re.fullmatch(r"[!-~]+", url) or "\\" in url or "@" in parts.netloc or parts.fragment:
        raise ValueError("must look like https://receiver.example.com/exports/$key, without user or password")
    if "$" in url.replace(KEY, "") or KEY in parts.netloc:
        raise ValueError("may hold $key, where a file's key goes, in its path or query, and no other $")
    return url


def _printable(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]+", secret.get_secret_value()):
        raise ValueError("must be printable ASCII without spaces")
    return secret


class HttpConfig(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """A receiver that takes files by HTTP."""

    type: Literal["http"] = "http"
    url: Annotated[str, AfterValidator(_template)] = Field(
        description="where files go: https://receiver.example.com/exports/$key; $key becomes the file's key"
    )
    method: Literal["PUT", "POST"] = Field("PUT", description="the request's method")
    bearer_token: Annotated[Secret, AfterValidator(_printable)] | None = Field(
        None, description="sent as Authorization: Bearer"
    )
    username: str | None = Field(
        None, pattern=r"^[^:\x00-\x1f\x7f]{1,200}$", description="sent with the password"
    )
    password: Secret | None = Field(None, description="sent with the user's name as Authorization: Basic")
    readable: bool = Field(
        False, description="whether the same address shows files to HEAD and GET, with ETag and our fields"
    )

    row_limit: ClassVar[int | None] = None
    inside: ClassVar[bool] = False

    @model_validator(mode="after")
    def _what_goes_together(self) -> "HttpConfig":
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together: give both")
        if self.bearer_token and self.password:
            raise ValueError("bearer_token and username are two ways to say who asks: give one of them")
        if KEY not in self.url and (self.readable or self.method == "PUT"):
            raise ValueError("url must hold $key: otherwise each file would take the place of the one before")
        return self

    @property
    def location(self) -> str:
        """The address without its query, where some have their secrets."""
        return self.url.partition("?")[0]

    @property
    def address(self) -> str:
        """The same: whose host is called on, and whose the credentials are."""
        return self.location

    @property
    def key_limits(self) -> KeyLimits:
        return HTTP_KEYS

    def address_of(self, key: str) -> str:
        """Where the object of that key goes."""
        return self.url.replace(KEY, quote(key, safe="/"))

    def open(self) -> Destination:
        """The receiver as a destination. Asks nobody anything yet."""
        from export_pipeline.connectors.http_store import HttpDestination

        receiver = HttpDestination(self)
        return ReadApart(writer=receiver, reader=receiver)
