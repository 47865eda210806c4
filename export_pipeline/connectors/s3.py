"""Amazon S3 and the stores that speak its protocol."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import boto3.session
import botocore.session
from botocore import exceptions as vendor
from botocore.config import Config
from pydantic import AfterValidator, BaseModel, Field, model_validator

from export_pipeline.connectors.destination import Destination, StoredObject, Version
from export_pipeline.connectors.limits import (
    S3_KEYS,
    KeyLimits,
    checked_key,
    checked_metadata,
    checked_prefix,
    shown,
)
from export_pipeline.connectors.locations import Endpoint, Prefix, below
from export_pipeline.connectors.reading import ReadApart
from export_pipeline.connectors.retrying import ATTEMPTS_PER_REQUEST, LONGEST_WAIT, seconds_of
from export_pipeline.connectors.s3_errors import Refusal
from export_pipeline.connectors.s3_network import SECONDS_BETWEEN_BYTES, SECONDS_TO_CONNECT, confine
from export_pipeline.connectors.s3_upload import S3Sending
from export_pipeline.connectors.secret import Secret
from export_pipeline.connectors.streamed import StreamedUpload, unnamed
from export_pipeline.errors import Denied, NotFound, PermanentFailure, TransientFailure

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PIECE = 1 << 20

# The network's fault or the far side's, not the configuration's.
UNREACHABLE = (
    vendor.ConnectionError,
    vendor.HTTPClientError,
    vendor.IncompleteReadError,
    vendor.FlexibleChecksumError,
    vendor.CredentialRetrievalError,
    vendor.MetadataRetrievalError,
)
NO_CREDENTIALS = (vendor.NoCredentialsError, vendor.PartialCredentialsError)


def _bucket_name(bucket: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]", bucket):
        raise ValueError("must be the bucket's bare name, without s3:// and without a path")
    return bucket


class S3Config(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """A bucket of Amazon S3 or of a store that speaks its protocol.

    Without keys the deployment's own identity is used (environment, instance role): for operators.
    """

    type: Literal["s3"] = "s3"
    bucket: Annotated[str, AfterValidator(_bucket_name)] = Field(description="the bucket's name")
    prefix: Prefix = Field("", description="a folder in the bucket")
    region: str = Field("us-east-1", pattern=r"^[a-z0-9-]{1,63}$", description="the bucket's region")
    endpoint_url: Endpoint | None = Field(None, description="the store's address; leave it out for Amazon S3")
    path_style: bool | None = Field(
        None, description="whether the bucket's name stands in the path; leave it out unless the store asks"
    )
    access_key_id: str | None = Field(
        None, pattern=r"^[!-~]{1,128}$", description="the public half of the access key"
    )
    secret_access_key: Secret | None = Field(None, description="the secret half of the access key")

    row_limit: ClassVar[int | None] = None
    inside: ClassVar[bool] = True

    @model_validator(mode="after")
    def _both_halves_of_the_key(self) -> "S3Config":
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key go together: give both")
        return self

    @property
    def location(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".removesuffix("/")

    @property
    def address(self) -> str:
        """The bucket's, as a URL: whose host is called on, and whose the credentials are."""
        if self.endpoint_url:
            return f"{self.endpoint_url}/{self.bucket}"
        china = ".cn" if self.region.startswith("cn-") else ""
        return f"https://s3.{self.region}.amazonaws.com{china}/{self.bucket}"

    @property
    def key_limits(self) -> KeyLimits:
        return S3_KEYS.below(self.prefix)

    def open(self) -> Destination:
        """The bucket as a destination. Asks nobody anything yet."""
        bucket = self.opened()
        return ReadApart(writer=bucket, reader=bucket)

    def client(self) -> "S3Client":
        """The vendor's own client, as the destination has it: for what people do there besides exports."""
        return self.opened().client

    def opened(self) -> "S3Destination":
        secret = self.secret_access_key
        core = botocore.session.Session()
        session = boto3.session.Session(
            botocore_session=core,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=secret.get_secret_value() if secret else None,
            region_name=self.region,
        )
        # Stores other than Amazon's seldom have a host name per bucket.
        style: Literal["path", "virtual", "auto"] = "path" if self.endpoint_url else "auto"
        if self.path_style is not None:
            style = "path" if self.path_style else "virtual"
        client = session.client(
            "s3",
            endpoint_url=self.endpoint_url,
            config=Config(
                signature_version="s3v4",
                connect_timeout=SECONDS_TO_CONNECT,
                read_timeout=SECONDS_BETWEEN_BYTES,
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS_PER_REQUEST},
                s3={"addressing_style": style},
                # The connector alone says where to write, whatever this process's environment says.
                ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]  # the stubs lack it
            ),
        )
        client.meta.events.register_first("needs-retry.s3", _wait_as_asked)
        if self.endpoint_url:
            confine(client, authorities=core.get_config_variable("ca_bundle"))
        return S3Destination(client, bucket=self.bucket, prefix=self.prefix)


class S3Destination:
    """See `Destination`. Versions are ETags. Safe to use from many threads."""

    def __init__(self, client: "S3Client", *, bucket: str, prefix: str) -> None:
        self.client = client
        self.bucket = bucket
        self._prefix = below(prefix)
        self._limits = S3_KEYS.below(prefix)

    def begin(self, key: str, metadata: Mapping[str, str]) -> StreamedUpload:
        return StreamedUpload(key, S3Sending(self, key, checked_metadata(metadata)))

    def head(self, key: str) -> StoredObject | None:
        full_key = self.full_key(key)
        with self.translated("look at", key):
            try:
                found = self.client.head_object(Bucket=self.bucket, Key=full_key)
            except vendor.ClientError as error:
                if _status(error) == 404:
                    return None
                raise
        return StoredObject(
            key=key,
            size=found["ContentLength"],
            version=Version(found["ETag"]),
            metadata=unnamed(found["Metadata"]),
        )

    def get(self, key: str) -> Iterator[bytes]:
        full_key = self.full_key(key)
        with self.translated("read", key):
            try:
                body = self.client.get_object(Bucket=self.bucket, Key=full_key)["Body"]
            except self.client.exceptions.NoSuchKey as error:
                raise NotFound(f"there is no {shown(key)}") from error
            with body:
                yield from body.iter_chunks(PIECE)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """In the store's order. Amazon's is that of the keys' bytes; some put `a/b` before `a.csv`."""
        full_prefix = self._prefix + checked_prefix(prefix)
        with self.translated("list", prefix):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=full_prefix
            )
            for page in pages:
                for found in page.get("Contents", []):
                    key = found["Key"].removeprefix(self._prefix)
                    if key and not key.endswith("/"):  # consoles mark empty folders so
                        yield StoredObject(
                            key=key, size=found["Size"], version=Version(found["ETag"]), metadata={}
                        )

    def delete(self, key: str) -> None:
        full_key = self.full_key(key)
        with self.translated("delete", key):
            self.client.delete_object(Bucket=self.bucket, Key=full_key)

    def full_key(self, key: str) -> str:
        """The key in the bucket: that of the destination, below the connector's prefix."""
        return self._prefix + checked_key(key, self._limits)

    @contextmanager
    def translated(self, doing: str, key: str) -> Iterator[None]:
        """The vendor's errors as ours, with the cause kept and a cure offered."""
        tried = f"could not {doing} {shown(key)} in bucket {self.bucket!r}"
        endpoint = self.client.meta.endpoint_url
        try:
            yield
        except PermanentFailure as error:  # the store's address is one that must not be called on
            raise PermanentFailure(f"{tried}: {error}") from None
        except vendor.ClientError as error:
            told = error.response.get("Error", {})
            refusal = Refusal(status=_status(error), code=told.get("Code", ""), text=told.get("Message", ""))
            region = self.client.meta.region_name
            raise refusal.failure(doing, key, bucket=self.bucket, region=region) from error
        except UNREACHABLE as error:
            raise TransientFailure(
                f"{tried}: no answer from {endpoint}; is the address right, and the store up? ({error})"
            ) from error
        except NO_CREDENTIALS as error:
            raise Denied(f"{tried}: the connector has no credentials; give it an access key") from error
        except vendor.BotoCoreError as error:
            raise PermanentFailure(f"{tried}: {error}; change the connector's configuration") from error


def _wait_as_asked(response: Any, attempts: int, **_: object) -> None:
    """Before the client's own wait for a retry, which heeds Amazon's private header and not Retry-After."""
    if response is None or attempts >= ATTEMPTS_PER_REQUEST:
        return
    http_response, _parsed = response
    if http_response.status_code in (429, 503):
        time.sleep(min(seconds_of(http_response.headers.get("Retry-After")) or 0, LONGEST_WAIT))


def _status(error: vendor.ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
