"""One file on its way to an HTTP receiver: kept here until the commit, then sent in one request."""

import base64
import hashlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

from export_pipeline.connectors.destination import WHATEVER, Proof, Version
from export_pipeline.connectors.http_requests import asked
from export_pipeline.connectors.limits import shown
from export_pipeline.connectors.parts import Part
from export_pipeline.connectors.retrying import retried
from export_pipeline.connectors.streamed import UPLOAD_ID, named
from export_pipeline.errors import Denied, Spoilt, TransientFailure, Unreadable

if TYPE_CHECKING:
    from http.client import HTTPResponse

    from export_pipeline.connectors.http_store import HttpDestination

# What the names of metadata begin with, among the fields of a request and of its answer.
META = "export-pipeline-meta-"

# As RFC 9530 has a digest of that kind. Some receivers say none, or other words, in its place.
_DIGEST = re.compile("sha-256=:[A-Za-z0-9+/]{43}=:")

# What layers around a receiver say of the content of an answer that has none, whatever the receiver took.
_OF_NOTHING = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"

PIECE = 1 << 20
CONTENT_TYPE = "application/octet-stream"


class HttpSending:
    """See `Sending`.

    A receiver shows what it likes of a request that is not over, and knows no undoing: so it hears of a file
    when all of it is here, and its length and digest are known. Parts wait in a temporary file.
    """

    def __init__(self, store: "HttpDestination", key: str, metadata: Mapping[str, str]) -> None:
        self.proof = Proof.ANSWER
        self._store = store
        self._key = key
        self._metadata = named(metadata)
        self._digest = hashlib.sha256()
        self._size = 0
        self._waiting: IO[bytes] | None = None

    def begin_parts(self) -> bool:
        return False  # every file goes in one request

    def send(self, part: Part) -> None:
        try:
            if self._waiting is None:
                self._waiting = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `abandon`
            for piece in part.pieces():
                self._count(piece)
                self._waiting.write(piece)
        except OSError as error:
            raise TransientFailure(
                f"could not keep {shown(self._key)} in {tempfile.gettempdir()} until all of it is here:"
                f" {error.strerror}; make room, or set TMPDIR"
            ) from error

    def publish(self, last: Part, *, replaces: Version | None) -> Version:
        for piece in last.pieces():
            self._count(piece)
        fields = self._fields(replaces)

        def content() -> Iterator[bytes]:
            if self._waiting is not None:
                self._waiting.seek(0)
                while piece := self._waiting.read(PIECE):
                    yield piece
            yield from last.pieces()

        def deliver() -> "HTTPResponse":
            with (
                self._store.translated("write", self._key),
                asked(
                    self._store.method,
                    self._store.address_of(self._key),
                    fields,
                    body=content,
                    size=self._size,
                ) as answer,
            ):
                self._store.must_be_success(answer, "write", self._key)
                return answer

        answer = retried(deliver)
        # Not asked again: what it took is in the way of the same request.
        self._look_for_digest(answer, fields["Repr-Digest"])
        etag = answer.headers.get("ETag")
        return Version(etag) if etag else self._version_elsewhere()

    def published(self) -> Version | None:
        found = self._store.present(self._key)
        if found is None or found.metadata.get(UPLOAD_ID) != self._metadata[UPLOAD_ID]:
            return None
        return found.version

    def abandon(self) -> None:
        if self._waiting is not None:
            self._waiting.close()

    def _count(self, piece: bytes) -> None:
        self._digest.update(piece)
        self._size += len(piece)

    def _look_for_digest(self, answer: "HTTPResponse", ours: str) -> None:
        """Whether the receiver says what it took. If its answer has content, the digest may be of that."""
        told = _digest_in(answer.headers.get_all("Repr-Digest", []))
        if told == ours:
            self.proof = Proof.CHECKSUM
        elif answer.length == 0 and told not in (None, _OF_NOTHING):
            raise Spoilt(
                f"could not write {shown(self._key)} at {self._store.location}: it took something else"
                " than was sent, and that is there until the next attempt replaces it"
            )

    def _version_elsewhere(self) -> Version:
        if self._store.seen:
            with suppress(Denied, Unreadable, TransientFailure):  # it was taken, whoever may look, and when
                if found := self._store.present(self._key):
                    return found.version
        return Version(f"sha-256:{self._digest.hexdigest()}")

    def _fields(self, replaces: Version | None) -> dict[str, str]:
        digest = f"sha-256=:{base64.b64encode(self._digest.digest()).decode()}:"  # as RFC 9530 has it
        fields = {
            **self._store.fields,
            "Content-Type": CONTENT_TYPE,
            "Content-Digest": digest,
            "Repr-Digest": digest,
            "Idempotency-Key": f'"{self._metadata[UPLOAD_ID]}"',
            "Export-Pipeline-Key": quote(self._key, safe="/"),
            **{f"{META}{name}": value for name, value in self._metadata.items()},
        }
        if self._store.seen and replaces != WHATEVER:
            fields |= {"If-None-Match": "*"} if replaces is None else {"If-Match": replaces}
        return fields


def _digest_in(fields: list[str]) -> str | None:
    """The sha-256 that the fields say, as RFC 9530 has it; None where they say none.

    They make one dictionary (RFC 8941), in which the last of equal keys counts.
    """
    members = [part.partition(";")[0].strip() for field in fields for part in field.split(",")]
    said = [member for member in members if member.startswith("sha-256=")]
    return said[-1] if said and _DIGEST.fullmatch(said[-1]) else None
