"""A bucket of Google Cloud Storage as a destination."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import google.auth
import requests
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import GoogleAPICallError
from google.api_core.exceptions import NotFound as NotFoundThere
from google.auth import exceptions as auth
from google.auth.credentials import Credentials as GoogleCredentials
from google.auth.transport.requests import AuthorizedSession, Request
from google.cloud import storage
from google.cloud.storage.exceptions import InvalidResponse
from google.oauth2.service_account import Credentials

from export_pipeline.connectors.confined import OBJECTS_PER_PAGE
from export_pipeline.connectors.confined_requests import confined
from export_pipeline.connectors.destination import StoredObject, Version
from export_pipeline.connectors.gcs_errors import Refusal, refusal_in, without_token
from export_pipeline.connectors.gcs_upload import ONCE, PATIENCE, GcsSending
from export_pipeline.connectors.limits import checked_key, checked_metadata, checked_prefix, shown
from export_pipeline.connectors.locations import below
from export_pipeline.connectors.paced_requests import pace
from export_pipeline.connectors.pacing import listed
from export_pipeline.connectors.reading import seen
from export_pipeline.connectors.retrying import reason_of, retried, unanswered
from export_pipeline.connectors.strangers import MISREAD, Odd, a_bug, no_store, taken_from_an_answer
from export_pipeline.connectors.streamed import StreamedUpload, unnamed
from export_pipeline.errors import Denied, NotFound, PermanentFailure

if TYPE_CHECKING:
    from export_pipeline.connectors.gcs import GcsConfig, GcsCredentials

SCOPES = ("https://www.googleapis.com/auth/devstorage.read_write",)
PIECE = 1 << 20

# Of lists: what is taken from them, and no more.
PAGES: dict[str, Any] = {
    "page_size": OBJECTS_PER_PAGE,
    "fields": "items(name,size,generation,metadata),nextPageToken",
}

# The network's fault or the far side's, not the configuration's.
UNREACHABLE = (requests.RequestException, auth.TransportError)


def open_bucket(
    config: "GcsConfig", who: "GcsCredentials", *, reader: "GcsDestination | None" = None
) -> "GcsDestination":
    """The bucket that `config` names, with the credentials `who`; `reader` is it as others see it."""
    credentials = Tokens(lambda: _credentials(who, config.location))
    # Said always: or the environment may lead the client to another place.
    options = ClientOptions(api_endpoint=config.url)
    session = _session(
        credentials, confine=config.endpoint_url is not None, own_identity=who.service_account is None
    )
    client = storage.Client(project="-", credentials=credentials, client_options=options, _http=session)
    # Or it asks for the bucket besides, for its traces, in a thread that nobody waits for.
    client._bucket_metadata_cache = None
    # Nor may the environment have it ask at an address for who shows a certificate.
    client._connection.API_BASE_MTLS_URL = config.url
    return GcsDestination(client, session, config, reader)


def _session(credentials: GoogleCredentials, *, confine: bool, own_identity: bool) -> AuthorizedSession:
    """What all requests are made by. An address that a customer gave must not lead inside our network."""
    if not confine:
        session = AuthorizedSession(credentials)
        pace(session)
        return session
    asking = requests.Session()  # for tokens; our own identity's come from inside
    session = AuthorizedSession(credentials, auth_request=Request(asking))
    for one in (session,) if own_identity else (session, asking):
        confined(one)
    return session


def _credentials(who: "GcsCredentials", location: str) -> GoogleCredentials:
    try:
        if who.service_account is None:
            own: GoogleCredentials
            own, _project = google.auth.default(scopes=SCOPES)
            return own
        info = json.loads(who.service_account.get_secret_value())
        given: GoogleCredentials = Credentials.from_service_account_info(info, scopes=SCOPES)
    except auth.DefaultCredentialsError as error:
        raise Denied(
            f"this machine has no identity for {location}; give the connector a service account"
        ) from error
    except ValueError:
        raise Denied(
            f"the private key of the service account for {location} cannot be read; download it anew"
        ) from None  # it may quote the key
    return given


class Tokens(GoogleCredentials):
    """Credentials that get tokens and do no more, and are made when the first token is needed.

    The vendor's own also ask Google in the background where on earth they may be used, of every store, and
    also with tokens that are not Google's. And they are made by asking the machine who it is: a wrong reader
    must not keep a writer from being opened.
    """

    def __init__(self, make: Callable[[], GoogleCredentials]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._make = make
        self._source: GoogleCredentials | None = None

    def refresh(self, request: object) -> None:
        try:
            self._source = source = self._source or self._make()
            source.refresh(request)
        except MISREAD as error:  # here, so that what is stumbled over elsewhere was a store's answer
            if a_bug(error):
                raise
            raise auth.RefreshError("what answers gives out no tokens") from error
        self.token, self.expiry = source.token, source.expiry


class GcsDestination:
    """See `Destination`. Versions are generations. Safe to use from many threads."""

    def __init__(
        self,
        client: storage.Client,
        session: AuthorizedSession,
        config: "GcsConfig",
        reader: "GcsDestination | None",
    ) -> None:
        self.client = client
        self._reader = reader
        self.session = session
        self.bucket = config.bucket
        self._config = config
        self._bucket = client.bucket(config.bucket)
        self._prefix = below(config.prefix)

    def begin(self, key: str, metadata: Mapping[str, str]) -> StreamedUpload:
        return StreamedUpload(key, GcsSending(self, key, checked_metadata(metadata)))

    def head(self, key: str) -> StoredObject | None:
        found = self.found(key)
        with self.translated("look at", key), taken_from_an_answer():
            return None if found is None else _described(key, found)

    def get(self, key: str) -> Iterator[bytes]:
        path = f"{quote(self.bucket, safe='')}/o/{quote(self.full_key(key), safe='')}"
        url = f"{self._config.url}/download/storage/v1/b/{path}?alt=media"

        def begin() -> requests.Response:
            with self.translated("read", key):
                answer = self.session.get(url, stream=True, **PATIENCE)
            if answer.status_code == 404 and not refusal_in(answer).of_bucket:
                answer.close()
                raise NotFound(f"there is no {shown(key)}")
            if answer.status_code != 200:
                with answer:
                    raise refusal_in(answer).failure("read", key, bucket=self.bucket)
            return answer

        with retried(begin) as answer, self.translated("read", key):
            yield from answer.iter_content(PIECE)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        full_prefix = self._prefix + checked_prefix(prefix)

        def page(token: str | None) -> tuple[list[StoredObject], str | None]:
            with self.translated("list", prefix):
                found = self.client.list_blobs(
                    self._bucket, prefix=full_prefix, page_token=token, **PAGES, **ONCE
                )
                blobs = list(next(found.pages, ()))
                with taken_from_an_answer():
                    described = [
                        _described(blob.name.removeprefix(self._prefix), blob)
                        for blob in blobs
                        if not blob.name.endswith("/")  # consoles mark empty folders so
                    ]
                return described, found.next_page_token

        def pages() -> Iterator[list[StoredObject]]:
            described, token = retried(partial(page, None))
            yield described
            while token is not None:
                described, token = retried(partial(page, token))
                yield described

        yield from listed(pages())

    def delete(self, key: str) -> None:
        blob = self.blob(key)

        def delete() -> None:
            with self.translated("delete", key):
                try:
                    blob.delete(**ONCE)
                except NotFoundThere as error:
                    if _refusal(error).of_bucket:
                        raise

        retried(delete)

    def found(self, key: str) -> storage.Blob | None:
        """What the store says of the object at `key`; None when there is none."""
        blob = self.blob(key)

        def look() -> storage.Blob | None:
            with self.translated("look at", key):
                try:
                    blob.reload(**ONCE)
                except NotFoundThere as error:
                    if _refusal(error).of_bucket:
                        raise
                    return None
                if blob.generation is None:
                    raise Odd("no generation")
                return blob

        return retried(look)

    def present(self, key: str) -> storage.Blob | None:
        """The same, as whoever may look sees it."""
        return seen(key, self._reader.found if self._reader else None, self.found)

    def blob(self, key: str) -> storage.Blob:
        """The object in the bucket, with what is to be said of it when it is written."""
        blob = self._bucket.blob(self.full_key(key), kms_key_name=self._config.kms_key_name)
        if self._config.storage_class:
            blob.storage_class = self._config.storage_class
        return blob

    def full_key(self, key: str) -> str:
        """The key in the bucket: that of the destination, below the connector's prefix."""
        full_key = self._prefix + checked_key(key, self._config.key_limits)
        if full_key.startswith(".well-known/acme-challenge/"):
            raise PermanentFailure(
                f"{shown(key)} cannot be an object's key: Google forbids it; change the path"
            )
        return full_key

    @contextmanager
    def translated(self, doing: str, key: str) -> Iterator[None]:
        """The vendor's errors as ours, with the cause kept and a cure offered."""
        bucket = self.bucket
        tried = f"could not {doing} {shown(key)} in bucket {bucket!r}"
        try:
            yield
        except Denied:
            raise
        except PermanentFailure as error:  # the store's address is one that must not be called on
            raise PermanentFailure(f"{tried}: {error}") from None
        except (GoogleAPICallError, InvalidResponse) as error:
            raise _refusal(error).failure(doing, key, bucket=bucket) from error
        except auth.RefreshError as error:
            raise without_token(error, doing, key, bucket=bucket) from error
        # Before what it is a kind of, for the client: an answer that did not come.
        except requests.exceptions.JSONDecodeError as error:
            raise no_store(tried, self._config.url, error, unheard=True) from error
        except UNREACHABLE as error:
            raise unanswered(
                f"{tried}: no answer from {self._config.url}; is the address right, and the store up?"
                f" ({reason_of(error)})",
                error,
            ) from error
        except auth.GoogleAuthError as error:
            raise Denied(
                f"{tried}: this machine has no identity that Google knows;"
                " give the connector a service account"
            ) from error
        except MISREAD as error:
            if a_bug(error):
                raise
            raise no_store(tried, self._config.url, error, unheard=True) from error


def _refusal(error: GoogleAPICallError | InvalidResponse) -> Refusal:
    # The texts of the errors themselves begin with the whole address.
    if isinstance(error.response, requests.Response):
        return refusal_in(error.response)
    return Refusal(status=int(getattr(error, "code", 0) or 0), text="")


def _described(key: str, blob: storage.Blob) -> StoredObject:
    return StoredObject(
        key=key, size=blob.size, version=Version(str(blob.generation)), metadata=unnamed(blob.metadata or {})
    )
