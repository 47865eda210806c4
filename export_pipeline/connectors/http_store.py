"""An HTTP receiver as a destination."""

import base64
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.client import HTTPException, HTTPResponse
from importlib.metadata import version
from typing import TYPE_CHECKING

from export_pipeline.connectors.destination import StoredObject, Version
from export_pipeline.connectors.http import HTTP_KEYS, address_of, address_shown
from export_pipeline.connectors.http_errors import Refusal, host_in
from export_pipeline.connectors.http_requests import asked
from export_pipeline.connectors.http_upload import META, HttpSending
from export_pipeline.connectors.limits import checked_key, checked_metadata, checked_prefix, shown
from export_pipeline.connectors.reading import ShowsNothing, seen
from export_pipeline.connectors.retrying import reason_of, retried, seconds_of, unanswered
from export_pipeline.connectors.streamed import StreamedUpload, unnamed
from export_pipeline.errors import NotFound, PermanentFailure, Unreadable

if TYPE_CHECKING:
    from export_pipeline.connectors.http import HttpCredentials

PIECE = 1 << 20
NOTHING_THERE = (404, 410)


class HttpDestination:
    """See `Destination`. Versions are ETags. Safe to use from many threads.

    Only a receiver that is `readable` shows its files, and none lists them.
    """

    def __init__(
        self,
        url: str,
        who: "HttpCredentials",
        *,
        readable: bool,
        method: str = "PUT",
        reader: "HttpDestination | None" = None,
    ) -> None:
        self._url = url
        self.location = address_shown(url)
        self.method = method
        self._readable = readable
        self._reader = reader
        # Whether somebody can look: then files are replaced on conditions, and deleted.
        self.seen = readable or reader is not None
        self.fields = {"User-Agent": f"export-pipeline/{version('export-pipeline')}"}
        if who.bearer_token:
            self.fields["Authorization"] = f"Bearer {who.bearer_token.get_secret_value()}"
        elif who.username and who.password:
            pair = f"{who.username}:{who.password.get_secret_value()}"
            self.fields["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"

    def address_of(self, key: str) -> str:
        """Where the object of that key goes, or is shown."""
        return address_of(key, self._url)

    def begin(self, key: str, metadata: Mapping[str, str]) -> StreamedUpload:
        return StreamedUpload(key, HttpSending(self, self._checked(key), checked_metadata(metadata)))

    def head(self, key: str) -> StoredObject | None:
        found = self.looked_at(key)
        return None if found is None else replace(found, metadata=unnamed(found.metadata))

    def get(self, key: str) -> Iterator[bytes]:
        self._must_show_files(key, seen=self._readable)
        with ExitStack() as connections:

            def begin() -> HTTPResponse:
                with self.translated("read", key):
                    answer = connections.enter_context(asked("GET", self.address_of(key), self.fields))
                    if answer.status in NOTHING_THERE:
                        raise NotFound(f"there is no {shown(key)}")
                    self.must_be_success(answer, "read", key)
                    return answer

            answer = retried(begin)
            with self.translated("read", key):
                while piece := answer.read(PIECE):
                    yield piece
                if answer.length:  # the standard library takes a connection's end for that of the file
                    raise ConnectionError

    def list(self, prefix: str) -> Iterator[StoredObject]:
        checked_prefix(prefix)
        raise Unreadable(f"an HTTP receiver cannot be asked what it holds ({self.location})")

    def delete(self, key: str) -> None:
        self._must_show_files(key, seen=self.seen)

        def delete() -> None:
            with (
                self.translated("delete", key),
                asked("DELETE", self.address_of(key), self.fields) as answer,
            ):
                if answer.status not in NOTHING_THERE:
                    self.must_be_success(answer, "delete", key)

        retried(delete)

    def looked_at(self, key: str) -> StoredObject | None:
        """What is at `key`, with the upload's name among its metadata; None when nothing is."""
        self._must_show_files(key, seen=self._readable)

        def look() -> StoredObject | None:
            with (
                self.translated("look at", key),
                asked("HEAD", self.address_of(key), self.fields) as answer,
            ):
                if answer.status in NOTHING_THERE:
                    return None
                self.must_be_success(answer, "look at", key)
                return self._described(key, answer)

        return retried(look)

    def present(self, key: str) -> StoredObject | None:
        """The same, as whoever may look sees it."""
        return seen(key, self._reader.looked_at if self._reader else None, self.looked_at)

    def must_be_success(self, answer: HTTPResponse, doing: str, key: str) -> None:
        """Raise what the answer means, unless it is a success."""
        if not 200 <= answer.status < 300:
            wait = seconds_of(answer.headers.get("Retry-After"))
            elsewhere = host_in(answer.headers.get("Location") or "")
            refusal = Refusal(status=answer.status, wait=wait, elsewhere=elsewhere)
            raise refusal.failure(doing, key, receiver=self.location)

    @contextmanager
    def translated(self, doing: str, key: str) -> Iterator[None]:
        """The network's errors as ours. Their texts name no secrets: those are sent in fields alone."""
        tried = f"could not {doing} {shown(key)} at {self.location}"
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            raise PermanentFailure(
                f"{tried}: its certificate is not trusted ({error.verify_message}); is the address right?"
            ) from error
        except (OSError, HTTPException) as error:
            raise unanswered(
                f"{tried}: no answer; is the address right, and the store up? ({reason_of(error)})", error
            ) from error

    def _described(self, key: str, answer: HTTPResponse) -> StoredObject:
        etag, size = answer.headers.get("ETag"), answer.headers.get("Content-Length") or ""
        if etag is None or not re.fullmatch(r"[0-9]{1,18}", size):
            raise PermanentFailure(
                f"{shown(key)} is shown without {'an ETag' if etag is None else 'its length'} at"
                f" {self.location}; have the receiver say it, or set `readable` to false"
            )
        metadata = {
            name.lower().removeprefix(META): value
            for name, value in answer.headers.items()
            if name.lower().startswith(META)
        }
        return StoredObject(key=key, size=int(size), version=Version(etag), metadata=metadata)

    def _must_show_files(self, key: str, *, seen: bool) -> None:
        self._checked(key)
        if not seen:
            raise (Unreadable if self.seen else ShowsNothing)(
                f"the receiver at {self.location} takes files and shows none"
            )

    def _checked(self, key: str) -> str:
        return checked_key(key, HTTP_KEYS)
