"""Amazon S3 and the stores that speak its protocol, as a connector is configured for them."""

import re
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, Field

from export_pipeline.connectors.destination import Destination
from export_pipeline.connectors.limits import S3_KEYS, KeyLimits
from export_pipeline.connectors.locations import Endpoint, Prefix
from export_pipeline.connectors.reading import ReadApart
from export_pipeline.connectors.s3_credentials import S3Credentials
from export_pipeline.connectors.s3_storage import S3Storage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from export_pipeline.connectors.s3_store import S3Destination


AMAZON = "the region's own service at Amazon"


def _bucket_name(bucket: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]", bucket):
        raise ValueError("must be the bucket's bare name, without s3:// and without a path")
    return bucket


class S3Place(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """Where the bucket is."""

    type: Literal["s3"] = "s3"
    bucket: Annotated[str, AfterValidator(_bucket_name)] = Field(description="the bucket's name")
    prefix: Prefix = Field("", description="a folder in the bucket")
    region: str = Field("us-east-1", pattern=r"^[a-z0-9-]{1,63}$", description="the bucket's region")
    endpoint_url: Endpoint | None = Field(None, description="the store's address; leave it out for Amazon S3")
    sts_endpoint_url: Endpoint | None = Field(
        None, description="the address of the service that gives roles; leave it out for Amazon's"
    )
    path_style: bool | None = Field(
        None, description="whether the bucket's name stands in the path; leave it out unless the store asks"
    )


class S3Config(S3Storage, S3Credentials, S3Place, frozen=True, extra="forbid", hide_input_in_errors=True):
    """A bucket of Amazon S3 or of a store that speaks its protocol, with the credentials to write there."""

    read: S3Credentials | None = Field(
        None, description="the credentials for reading back; leave it out if those for writing may read too"
    )

    row_limit: ClassVar[int | None] = None

    @property
    def inside(self) -> bool:
        """Whether it may lie where not everybody can reach it: Amazon may, by a private endpoint."""
        return self.endpoint_url is None

    @property
    def location(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".removesuffix("/")

    @property
    def address(self) -> str:
        """The bucket's, as a URL: whose host is called on."""
        if self.endpoint_url:
            return f"{self.endpoint_url}/{self.bucket}"
        china = ".cn" if self.region.startswith("cn-") else ""
        return f"https://s3.{self.region}.amazonaws.com{china}/{self.bucket}"

    @property
    def shown_to(self) -> tuple[str, ...]:
        """The addresses of all who are shown its credentials: the bucket's, and of who gives roles."""
        return self.address, self.sts_endpoint_url or AMAZON

    @property
    def key_limits(self) -> KeyLimits:
        return S3_KEYS.below(self.prefix)

    @property
    def operators_only(self) -> str | None:
        """Why customers must not have this connector; None if they may.

        A role of theirs may be taken on in our name, with the external id that is theirs (`control` sees to
        that); but our identity is shown to nobody whom they name.
        """
        for above, who in (("", self), ("read.", self.read)):
            if who is None or who.access_key_id is not None:
                continue
            if who.role_arn is None:
                return (
                    f"{above}access_key_id is missing, and our own identity is for operators; give a key, or"
                    f" {above}role_arn"
                )
            if self.sts_endpoint_url is not None:
                return (
                    f"sts_endpoint_url would be shown our own identity, without {above}access_key_id, and"
                    " that is for operators; leave it out, or give a key"
                )
        return None

    def open(self) -> Destination:
        """The bucket as a destination. Asks nobody anything yet."""
        reader = self.opened(self.read) if self.read else None
        writer = self.opened(reader=reader)
        return ReadApart(writer=writer, reader=reader or writer)

    def client(self) -> "S3Client":
        """The vendor's own client, as the destination has it: for what people do there besides exports."""
        return self.opened().client

    def opened(
        self, credentials: S3Credentials | None = None, *, reader: "S3Destination | None" = None
    ) -> "S3Destination":
        """The bucket with one pair of credentials: those for writing, unless others are given.

        `reader` is it as others see it.
        """
        from export_pipeline.connectors.s3_store import open_bucket

        return open_bucket(self, credentials or self, reader=reader)
