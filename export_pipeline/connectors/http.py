"""An HTTP receiver, as a connector is configured for it."""

import re
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, BaseModel, Field, SecretStr, model_validator

from export_pipeline.connectors.destination import Destination
from export_pipeline.connectors.limits import KeyLimits
from export_pipeline.connectors.locations import asks_a_host
from export_pipeline.connectors.reading import ReadApart
from export_pipeline.connectors.secret import Secret

KEY = "$key"

# No server that we know of takes a longer address: 8 KiB, of which the key's bytes may take three each.
HTTP_KEYS = KeyLimits(whole=1024)


def _template(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = asks_a_host(parts)
    except ValueError:
        valid = False
    if not valid or not re.fullmatch(r"[!-~]+", url) or "\\" in url or "@" in parts.netloc or parts.fragment:
        raise ValueError("must look like https://receiver.example.com/exports/$key, without user or password")
    if "$" in url.replace(KEY, "") or KEY in parts.netloc:
        raise ValueError("may hold $key, where a file's key goes, in its path or query, and no other $")
    return url


def address_of(key: str, url: str) -> str:
    """Where the object of that key is, by an address with a place for it."""
    return url.replace(KEY, quote(key, safe="/"))


def address_shown(url: str) -> str:
    """The address without its query, where some have their secrets."""
    return url.partition("?")[0]


def _printable(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]+", secret.get_secret_value()):
        raise ValueError("must be printable ASCII without spaces")
    return secret


Template = Annotated[str, AfterValidator(_template)]


class HttpCredentials(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """Who asks a receiver: by token, by name and password, or nobody in particular."""

    bearer_token: Annotated[Secret, AfterValidator(_printable)] | None = Field(
        None, description="sent as Authorization: Bearer"
    )
    username: str | None = Field(
        None, pattern=r"^[^:\x00-\x1f\x7f]{1,200}$", description="sent with the password"
    )
    password: Secret | None = Field(None, description="sent with the user's name as Authorization: Basic")

    @model_validator(mode="after")
    def _one_way_to_say_who_asks(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together: give both")
        if self.bearer_token and self.password:
            raise ValueError("bearer_token and username are two ways to say who asks: give one of them")
        return self


class HttpReading(HttpCredentials, frozen=True, extra="forbid", hide_input_in_errors=True):
    """Where a receiver shows the files that it took, and to whom."""

    url: Template | None = Field(
        None, description="where files are shown, if not where they go; $key becomes the file's key"
    )

    @model_validator(mode="after")
    def _each_file_has_an_address(self) -> Self:
        if self.url is not None and KEY not in self.url:
            raise ValueError("url must hold $key: otherwise all files would be shown at one address")
        return self


class HttpConfig(HttpCredentials, frozen=True, extra="forbid", hide_input_in_errors=True):
    """A receiver that takes files by HTTP."""

    type: Literal["http"] = "http"
    url: Template = Field(
        description="where files go: https://receiver.example.com/exports/$key; $key becomes the file's key"
    )
    method: Literal["PUT", "POST"] = Field("PUT", description="the request's method")
    readable: bool = Field(
        False, description="whether the same address shows files to HEAD and GET, with ETag and our fields"
    )
    read: HttpReading | None = Field(
        None, description="where and to whom files are shown, if not as they are written"
    )

    row_limit: ClassVar[int | None] = None
    inside: ClassVar[bool] = False

    @model_validator(mode="after")
    def _each_file_has_its_place(self) -> Self:
        shown_here = self.readable or (self.read is not None and self.read.url is None)
        if KEY not in self.url and (shown_here or self.method == "PUT"):
            raise ValueError("url must hold $key: otherwise each file would take the place of the one before")
        return self

    @property
    def operators_only(self) -> None:
        """Nothing of it is ours: customers may have it."""

    @property
    def location(self) -> str:
        return address_shown(self.url)

    @property
    def address(self) -> str:
        """All of it, the query too, so it is shown to nobody: whose host is called on."""
        return self.url

    @property
    def shown_to(self) -> tuple[str, ...]:
        """The addresses of all who are shown its credentials. The query may say who, behind the host."""
        return (self.url,)

    @property
    def key_limits(self) -> KeyLimits:
        return HTTP_KEYS

    def open(self) -> Destination:
        """The receiver as a destination. Asks nobody anything yet."""
        from export_pipeline.connectors.http_store import HttpDestination

        if self.read is None:
            receiver = HttpDestination(self.url, self, method=self.method, readable=self.readable)
            return ReadApart(writer=receiver, reader=receiver)
        reader = HttpDestination(self.read.url or self.url, self.read, readable=True)
        writer = HttpDestination(self.url, self, method=self.method, readable=self.readable, reader=reader)
        return ReadApart(writer=writer, reader=reader)
