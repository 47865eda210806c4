"""A bucket of S3 as a destination."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import boto3.session
from botocore import exceptions as vendor
from botocore.parsers import ResponseParserError

from export_pipeline.connectors.destination import StoredObject, Version
from export_pipeline.connectors.limits import (
    checked_key,
    checked_metadata,
    checked_own,
    checked_prefix,
    shown,
    told,
)
from export_pipeline.connectors.locations import below
from export_pipeline.connectors.pacing import listed
from export_pipeline.connectors.reading import seen
from export_pipeline.connectors.retrying import (
    ATTEMPTS_PER_REQUEST,
    LONGEST_WAIT,
    leaves_open,
    seconds_of,
    unanswered,
    was_sent,
)
from export_pipeline.connectors.s3_credentials import S3Credentials
from export_pipeline.connectors.s3_errors import refusal_in, status_of
from export_pipeline.connectors.s3_network import confine
from export_pipeline.connectors.s3_sessions import (
    NOT_GIVEN,
    UNREACHABLE,
    cause_of,
    named,
    not_given,
    patient,
    session_of,
)
from export_pipeline.connectors.s3_upload import S3Sending, end_left_behind
from export_pipeline.connectors.strangers import MISREAD, a_bug, no_store
from export_pipeline.connectors.streamed import StreamedUpload, unnamed
from export_pipeline.errors import Denied, HourFailed, NotFound, PermanentFailure

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef, ListObjectsV2OutputTypeDef, ObjectTypeDef

    from export_pipeline.connectors.s3 import S3Config

PIECE = 1 << 20

# Our own, in what the client tells of a request.
UNHEARD = "ExportPipelineUnheard"

NO_CREDENTIALS = (vendor.NoCredentialsError, vendor.PartialCredentialsError)


def open_bucket(
    config: "S3Config", credentials: S3Credentials, *, reader: "S3Destination | None" = None
) -> "S3Destination":
    """The bucket that `config` names, with these credentials; `reader` is it as others see it.

    Asks nobody anything yet.
    """
    core = session_of(credentials, region=config.region, sts_endpoint_url=config.sts_endpoint_url)
    # Stores other than Amazon's seldom have a host name per bucket.
    style: Literal["path", "virtual", "auto"] = "path" if config.endpoint_url else "auto"
    if config.path_style is not None:
        style = "path" if config.path_style else "virtual"
    with named("endpoint_url"):
        client = boto3.session.Session(botocore_session=core, region_name=config.region).client(
            "s3",
            endpoint_url=config.endpoint_url,
            config=patient(s3={"addressing_style": style}, signature_version="s3v4"),
        )
    client.meta.events.register_first("needs-retry.s3", _note_unheard)
    client.meta.events.register_first("needs-retry.s3", _wait_as_asked)  # type: ignore[arg-type]  # the stubs want no answer
    if config.endpoint_url:
        confine(client, authorities=core.get_config_variable("ca_bundle"))
    return S3Destination(client, config, reader)


class S3Destination:
    """See `Destination`. Versions are ETags. Safe to use from many threads."""

    def __init__(self, client: "S3Client", config: "S3Config", reader: "S3Destination | None") -> None:
        self.client = client
        self._reader = reader
        self.bucket = config.bucket
        self._prefix = below(config.prefix)
        self._limits = config.key_limits
        self.kept = config.kept
        self.place = f"{client.meta.endpoint_url} {config.location}"
        self._tidied = False
        self._rights = config.rights

    def begin(self, key: str, metadata: Mapping[str, str]) -> StreamedUpload:
        sending = S3Sending(self, key, checked_metadata(metadata))
        if not self._tidied:
            self._tidied = True
            end_left_behind(self)
        return StreamedUpload(key, sending)

    def head(self, key: str) -> StoredObject | None:
        found = self.found(key)
        if found is None:
            return None
        with self.translated("look at", key):
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
            for found in listed(_contents(page) for page in pages):
                key = found["Key"].removeprefix(self._prefix)
                if key and not key.endswith("/"):  # consoles mark empty folders so
                    yield StoredObject(
                        key=key, size=found["Size"], version=Version(found["ETag"]), metadata={}
                    )

    def delete(self, key: str) -> None:
        full_key = self.full_key(key)
        with self.translated("delete", key):
            self.client.delete_object(Bucket=self.bucket, Key=full_key)

    def found(self, key: str) -> "HeadObjectOutputTypeDef | None":
        """What the store says of the object at `key`; None when there is none."""
        full_key = self.full_key(key)
        with self.translated("look at", key):
            try:
                return self.client.head_object(Bucket=self.bucket, Key=full_key)
            except vendor.ClientError as error:
                if status_of(error.response) == 404:
                    return None
                raise

    def present(self, key: str) -> "HeadObjectOutputTypeDef | None":
        """The same, as whoever may look sees it."""
        return seen(key, self._reader.found if self._reader else None, self.found)

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
        except HourFailed as failure:  # an address that must not be called on, a role that was refused
            found = failure.retold(f"{tried}: {failure}")
            found.unheard = failure.unheard or hasattr(failure, UNHEARD)
            raise found from failure
        except vendor.ClientError as error:
            region = self.client.meta.region_name
            found = refusal_in(error.response).failure(doing, key, bucket=self.bucket, region=region)
            if type(found) is Denied and doing == "write" and self._rights:
                asked = ", ".join(f"{right} for `{field}`" for right, field in self._rights.items())
                found = Denied(f"{found}; besides s3:PutObject it takes {asked}")
            found.unheard = bool(error.response.get(UNHEARD))
            raise found from error
        except NOT_GIVEN as error:
            raise not_given(tried, error) from error
        except UNREACHABLE as error:
            lost = unanswered(
                f"{tried}: no answer from {endpoint}; is the address right, and the store up?"
                f" ({cause_of(error)})",
                error,
            )
            lost.unheard = lost.unheard or hasattr(error, UNHEARD)
            raise lost from error
        except NO_CREDENTIALS as error:
            raise Denied(f"{tried}: the connector has no credentials; give it an access key") from error
        except vendor.BotoCoreError as error:
            raise PermanentFailure(
                f"{tried}: {told(str(error))}; change the connector's configuration"
            ) from error
        except (ResponseParserError, *MISREAD) as error:
            if a_bug(error):
                raise
            raise no_store(tried, endpoint, error, unheard=was_sent(error)) from error


def _note_unheard(response: Any, caught_exception: Any, request_dict: dict[str, Any], **_: object) -> None:
    """Have what is told of in the end say whether it is open if the same request was carried out before."""
    context = request_dict["context"]
    if caught_exception is not None:
        ours = isinstance(caught_exception, HourFailed)
        open_ = caught_exception.unheard if ours else was_sent(caught_exception)
        context[UNHEARD] = context.get(UNHEARD, False) or open_
        if context[UNHEARD]:
            setattr(caught_exception, UNHEARD, True)
        return
    _http_response, parsed = response
    if "Error" in parsed and leaves_open(status_of(parsed)):
        context[UNHEARD] = True
    if context.get(UNHEARD):
        parsed[UNHEARD] = True


def _wait_as_asked(response: Any, attempts: int, **_: object) -> Literal[False] | None:
    """Before the client's own wait for a retry, which heeds Amazon's private header and not Retry-After.

    False has the client not ask again: the store asks for more than anybody waits.
    """
    if response is None or attempts >= ATTEMPTS_PER_REQUEST:
        return None
    http_response, _parsed = response
    if http_response.status_code in (429, 503):
        asked = seconds_of(http_response.headers.get("Retry-After")) or 0
        if asked > LONGEST_WAIT:
            return False
        time.sleep(asked)
    return None


def _contents(page: "ListObjectsV2OutputTypeDef") -> "list[ObjectTypeDef]":
    checked_own(page.get("NextContinuationToken", ""))
    return page.get("Contents", [])
