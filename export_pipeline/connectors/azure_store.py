"""Azure Blob Storage as a destination."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests
from azure.core import exceptions as vendor
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential, TokenCredential
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import (
    BlobClient,
    BlobProperties,
    ContainerClient,
    StandardBlobTier,
    StorageStreamDownloader,
)

from export_pipeline.connectors.azure_refusals import as_refused, code_of, refusal_in
from export_pipeline.connectors.azure_upload import AzureSending, from_identifiers, version_of
from export_pipeline.connectors.confined import OBJECTS_PER_PAGE
from export_pipeline.connectors.confined_requests import confined
from export_pipeline.connectors.destination import StoredObject
from export_pipeline.connectors.limits import (
    AZURE_KEYS,
    checked_key,
    checked_metadata,
    checked_prefix,
    shown,
    told,
)
from export_pipeline.connectors.locations import below
from export_pipeline.connectors.paced_requests import pace
from export_pipeline.connectors.pacing import listed
from export_pipeline.connectors.reading import seen
from export_pipeline.connectors.retrying import reason_of, retried, unanswered, was_sent
from export_pipeline.connectors.strangers import MISREAD, a_bug, no_store
from export_pipeline.connectors.streamed import StreamedUpload, unnamed
from export_pipeline.errors import Denied, NotFound, PermanentFailure, TransientFailure

if TYPE_CHECKING:
    from export_pipeline.connectors.azure import AzureConfig, AzureCredentials

SECONDS_TO_CONNECT = 10
SECONDS_BETWEEN_BYTES = 60
PIECE = 1 << 20

# Every so much is a request of its own when a blob is read.
BYTES_PER_READ = 4 * PIECE

# How the client begins to say that the store tells another MD5 of a block than it was sent.
OTHER_BYTES = "MD5 mismatch"

# The network's fault or the far side's, not the configuration's.
UNREACHABLE = (vendor.ServiceRequestError, vendor.ServiceResponseError, vendor.DecodeError)


def open_container(
    config: "AzureConfig", who: "AzureCredentials", *, reader: "AzureDestination | None" = None
) -> "AzureDestination":
    """The container that `config` names, with the credentials `who`; `reader` is it as others see it."""
    container = ContainerClient(
        config.url,
        config.container,
        credential=_credential(config.account_name, who),
        retry_total=0,  # `retried` does it: their waits are long and do not heed what the store asks for
        connection_timeout=SECONDS_TO_CONNECT,
        read_timeout=SECONDS_BETWEEN_BYTES,
        max_single_get_size=BYTES_PER_READ,
        max_chunk_get_size=BYTES_PER_READ,
        transport=_transport(confine=config.endpoint_url is not None),
    )
    scope, tier, tags = config.encryption_scope, config.access_tier, config.tags
    return AzureDestination(
        container,
        reader=reader,
        prefix=config.prefix,
        encrypted={"encryption_scope": scope} if scope else {},
        published={
            **({"standard_blob_tier": StandardBlobTier(tier)} if tier else {}),
            **({"tags": dict(tags)} if tags else {}),
        },
    )


def _transport(*, confine: bool) -> RequestsTransport:
    """What all requests are made by. An address that a customer gave must not lead inside our network."""
    session = requests.Session()
    (confined if confine else pace)(session)
    return RequestsTransport(
        session=session,
        session_owner=False,
        connection_timeout=SECONDS_TO_CONNECT,
        read_timeout=SECONDS_BETWEEN_BYTES,
    )


def _credential(
    account_name: str, who: "AzureCredentials"
) -> AzureNamedKeyCredential | AzureSasCredential | TokenCredential:
    if who.account_key:
        return AzureNamedKeyCredential(account_name, who.account_key.get_secret_value())
    if who.sas_token:
        return AzureSasCredential(who.sas_token.get_secret_value())
    from azure.identity import DefaultAzureCredential  # takes a while to load, and few need it

    return DefaultAzureCredential(
        managed_identity_client_id=who.identity_client_id,
        # Those of a developer's own machine: whose they are is not for us to find out.
        exclude_developer_cli_credential=True,
        exclude_cli_credential=True,
        exclude_powershell_credential=True,
        exclude_visual_studio_code_credential=True,
        exclude_shared_token_cache_credential=True,
    )


class AzureDestination:
    """See `Destination`. Versions are ETags. Safe to use from many threads."""

    def __init__(
        self,
        container: ContainerClient,
        *,
        reader: "AzureDestination | None",
        prefix: str,
        encrypted: Mapping[str, Any],
        published: Mapping[str, Any],
    ) -> None:
        self._container = container
        self._reader = reader
        self._prefix = below(prefix)
        self._limits = AZURE_KEYS.below(prefix)
        self.encrypted = encrypted  # arguments of every request that writes
        self.published = published  # of those that publish

    def begin(self, key: str, metadata: Mapping[str, str]) -> StreamedUpload:
        return StreamedUpload(key, AzureSending(self, key, checked_metadata(metadata)))

    def head(self, key: str) -> StoredObject | None:
        found = self.properties(key)
        with self.translated("look at", key):
            return None if found is None else self._described(key, found)

    def get(self, key: str) -> Iterator[bytes]:
        blob = self.blob(key)

        def begin() -> StorageStreamDownloader[bytes]:
            with self.translated("read", key):
                try:
                    with as_refused():
                        return blob.download_blob()
                except vendor.ResourceNotFoundError as error:
                    if code_of(error) == "ContainerNotFound":
                        raise
                    raise NotFound(f"there is no {shown(key)}") from error

        reading = retried(begin)
        with self.translated("read", key):
            for answer in reading.chunks():
                if not answer and reading.size:
                    raise TransientFailure(
                        f"could not read {shown(key)}: the store gives nothing of a part of it"
                    )
                for start in range(0, len(answer), PIECE):
                    yield answer[start : start + PIECE]

    def list(self, prefix: str) -> Iterator[StoredObject]:
        full_prefix = self._prefix + checked_prefix(prefix, self._limits)
        pages = self._container.list_blobs(
            full_prefix, include=["metadata"], results_per_page=OBJECTS_PER_PAGE
        ).by_page()

        def next_page() -> list[StoredObject] | None:
            with self.translated("list", prefix):
                page = next(pages, None)
                if page is None:
                    return None
                return [
                    self._described(self._key_of(found), found) for found in page if not _is_folder(found)
                ]

        yield from listed(iter(lambda: retried(next_page), None))

    def delete(self, key: str) -> None:
        blob = self.blob(key)

        def delete() -> None:
            with self.translated("delete", key):
                try:
                    with as_refused():
                        blob.delete_blob()
                except vendor.ResourceNotFoundError as error:
                    if code_of(error) == "ContainerNotFound":
                        raise

        retried(delete)

    def properties(self, key: str) -> BlobProperties | None:
        """What the store says of the blob at `key`; None when there is none."""
        blob = self.blob(key)

        def ask() -> BlobProperties | None:
            with self.translated("look at", key):
                try:
                    found = blob.get_blob_properties()
                except vendor.ResourceNotFoundError as error:
                    if code_of(error) == "ContainerNotFound":
                        raise
                    return None
                version_of(found.etag)  # or what was said is not of a blob
                return found

        found = retried(ask)
        return None if found is None or _is_folder(found) else found

    def present(self, key: str) -> BlobProperties | None:
        """The same, as whoever may look sees it."""
        return seen(key, self._reader.properties if self._reader else None, self.properties)

    def blob(self, key: str) -> BlobClient:
        """The blob in the container: that of the destination's key, below the connector's prefix."""
        return self._container.get_blob_client(self._prefix + checked_key(key, self._limits))

    @contextmanager
    def translated(self, doing: str, key: str) -> Iterator[None]:
        """The vendor's errors as ours, with a cure offered, and the cause kept where it tells no secret."""
        container = self._container.container_name
        tried = f"could not {doing} {shown(key)} in container {container!r}"
        try:
            with as_refused():
                yield
        except Denied:
            raise
        except PermanentFailure as error:  # the store's address is one that must not be called on
            raise PermanentFailure(f"{tried}: {error}") from None
        except UNREACHABLE as error:
            # The address in the error's own text holds the SAS token.
            raise self._unanswered(tried, error) from None
        except vendor.HttpResponseError as error:
            if error.response is None and isinstance(error, vendor.ClientAuthenticationError):
                raise Denied(
                    f"{tried}: this machine has no identity that Azure knows; give the connector a key"
                ) from error
            if error.response is None:  # it broke off while it was read
                raise self._unanswered(tried, error) from None
            raise refusal_in(error).failure(doing, key, container=container) from error
        except vendor.AzureError as error:
            if str(error).startswith(OTHER_BYTES):
                raise TransientFailure(f"{tried}: it took something else than was sent; try again") from error
            raise PermanentFailure(
                f"{tried}: {told(str(error))}; change the connector's configuration"
            ) from error
        except MISREAD as error:
            if a_bug(error):
                raise
            raise no_store(tried, self._address, error, unheard=was_sent(error)) from error

    @property
    def _address(self) -> str:
        return f"{self._container.scheme}://{self._container.primary_hostname}"

    def _unanswered(self, tried: str, error: Exception) -> TransientFailure:
        why = reason_of(error)
        return unanswered(
            f"{tried}: no answer from {self._address}; is the address right, and the store up? ({why})", error
        )

    def _key_of(self, found: BlobProperties) -> str:
        return str(found.name).removeprefix(self._prefix)

    def _described(self, key: str, found: BlobProperties) -> StoredObject:
        metadata = unnamed(from_identifiers(found.metadata or {}))
        return StoredObject(key=key, size=found.size, version=version_of(found.etag), metadata=metadata)


def _is_folder(found: BlobProperties) -> bool:
    """Whether it only marks a folder, as accounts with a hierarchical namespace do."""
    return (found.metadata or {}).get("hdi_isfolder", "").lower() == "true"
