"""The parts of one object on their way to Google Cloud Storage."""

import base64
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

import google_crc32c
import requests

from export_pipeline.connectors.destination import WHATEVER, Proof, Version
from export_pipeline.connectors.gcs_errors import refusal_in
from export_pipeline.connectors.limits import shown
from export_pipeline.connectors.parts import Part
from export_pipeline.connectors.retrying import retried
from export_pipeline.connectors.strangers import Odd, taken_from_an_answer
from export_pipeline.connectors.streamed import UPLOAD_ID, named
from export_pipeline.errors import Conflict, HourFailed, Kept, PermanentFailure, Spoilt, TransientFailure

if TYPE_CHECKING:
    from export_pipeline.connectors.gcs_store import GcsDestination

SECONDS_TO_CONNECT = 10
SECONDS_BETWEEN_BYTES = 60

# Of every request. Retries are ours: the client's own do not heed what the store asks for.
PATIENCE: dict[str, Any] = {"timeout": (SECONDS_TO_CONNECT, SECONDS_BETWEEN_BYTES)}
ONCE: dict[str, Any] = {**PATIENCE, "retry": None}

CONTENT_TYPE = "application/octet-stream"

# Four bytes in base64; what else stands there is no checksum.
_CRC32C = re.compile("[A-Za-z0-9+/]{6}==")

MORE = 308  # the store's answer to bytes that more must follow


class GcsSending:
    """See `Sending`. An object of several parts is sent in a session, which the store forgets after a week.

    The store wants to know the condition when the session begins, and we learn it when it ends. So the object
    is looked at before the first part is sent, and whoever publishes under another condition is refused.
    """

    def __init__(self, store: "GcsDestination", key: str, metadata: Mapping[str, str]) -> None:
        self.proof = Proof.ANSWER
        self._store = store
        self._key = key
        self._blob = store.blob(key)
        self._metadata = named(metadata)
        self._blob.metadata = self._metadata
        self._session: str | None = None
        self._generation = 0  # that the object has while the session lasts; none: 0
        self._taken = 0  # bytes that the store has of it
        self._blind = False  # whether nobody may look at what is there
        self._checksum = google_crc32c.Checksum()

    def begin_parts(self) -> bool:
        if self._session is None:
            self._generation = self._present_generation()
            with self._told_blind():
                self._session = retried(self._begin)
        return True

    def send(self, part: Part) -> None:
        self.begin_parts()
        self._push(part, total="*")

    def publish(self, last: Part, *, replaces: Version | None) -> Version:
        generation = _generation_of(replaces)
        if self._session is None:
            self._count(last)
            version = retried(lambda: self._put(last, generation))
            # Not asked again: what it took is in the way of the same request.
            self._weigh(self._blob.crc32c)
            return version
        if generation not in (self._generation, None):
            raise Conflict(f"{shown(self._key)} has changed while it was written; try again")
        with self._told_blind():
            answer = self._push(last, total=str(self._taken + last.size))
        self._session = None  # it ended
        with self._store.translated("write", self._key), taken_from_an_answer():
            described = answer.json()
            version, told = Version(str(described["generation"])), described.get("crc32c")
        self._weigh(told)
        return version

    def published(self) -> Version | None:
        found = self._store.present(self._key)
        if found is None:
            return None
        with self._store.translated("look at", self._key), taken_from_an_answer():
            uploaded_by = (found.metadata or {}).get(UPLOAD_ID)
        if uploaded_by != self._metadata[UPLOAD_ID]:
            return None
        self._session = None
        return Version(str(found.generation))

    def abandon(self) -> None:
        if self._session is not None:
            with suppress(HourFailed), self._store.translated("abandon", self._key):
                self._store.session.delete(self._session, **PATIENCE)

    def _present_generation(self) -> int:
        try:
            found = self._store.present(self._key)
        except PermanentFailure:
            self._blind = True
            return 0  # who may not look may only create
        return found.generation if found else 0

    @contextmanager
    def _told_blind(self) -> Iterator[None]:
        """A session says at its beginning what it replaces: nothing, for who may not look. So trying again
        would meet the same object.
        """
        try:
            yield
        except Conflict as conflict:
            if not self._blind:
                raise
            told = Kept(
                f"{shown(self._key)} is there already, and what is sent in parts replaces it only for who may"
                " look at it: move it away, or let the connector's account read it (storage.objects.get)"
            )
            told.unheard = conflict.unheard  # it may be this very upload's
            raise told from conflict

    def _begin(self) -> str:
        with self._store.translated("write", self._key):
            session: str = self._blob.create_resumable_upload_session(
                CONTENT_TYPE, if_generation_match=self._generation, checksum=None, **ONCE
            )
        return session

    def _put(self, only: Part, generation: int | None) -> Version:
        with self._store.translated("write", self._key):
            self._blob.upload_from_string(
                only.content(), CONTENT_TYPE, if_generation_match=generation, checksum="crc32c", **ONCE
            )
            if self._blob.generation is None:
                raise Odd("no generation")
            return Version(str(self._blob.generation))

    def _count(self, part: Part) -> None:
        for piece in part.pieces():
            self._checksum.update(piece)

    @property
    def _crc32c(self) -> str:
        return base64.b64encode(self._checksum.digest()).decode()

    def _weigh(self, told: object) -> None:
        """What the store says of the whole object that it took, if it says that."""
        if told == self._crc32c:
            self.proof = Proof.CHECKSUM
        elif isinstance(told, str) and _CRC32C.fullmatch(told):
            raise Spoilt(
                f"could not write {shown(self._key)} in bucket {self._store.bucket!r}: it took something else"
                " than was sent, and that is there until the next attempt replaces it"
            )

    def _push(self, part: Part, *, total: str) -> requests.Response:
        """The answer to the last byte of the part; `total` is the object's size, or * if more follows."""
        start, end = self._taken, self._taken + part.size
        self._count(part)
        unheard = False

        def ask(content: bytes | IO[bytes], span: str) -> requests.Response:
            answer = self._ask(content, span, total)
            if answer.status_code == MORE:
                with self._store.translated("write", self._key), taken_from_an_answer():
                    self._taken = _held(answer, within=range(start, end + 1))
            return answer

        def push() -> requests.Response:
            nonlocal unheard
            # Who was not heard may have been understood: so it is asked first how far the store is.
            answer = ask(b"", "*") if unheard else None
            unheard = True
            while answer is None or (answer.status_code == MORE and (self._taken < end or total != "*")):
                before = self._taken
                span = f"{before}-{end - 1}" if before < end else "*"
                answer = ask(part.content(before - start), span)
                if answer.status_code == MORE and self._taken <= before:
                    raise TransientFailure(
                        f"could not write {shown(self._key)}: the store takes no more of it"
                    )
            return answer

        return retried(push)

    def _ask(self, content: bytes | IO[bytes], span: str, total: str) -> requests.Response:
        assert self._session is not None
        headers = {"Content-Range": f"bytes {span}/{total}"}
        if total != "*":
            headers["X-Goog-Hash"] = f"crc32c={self._crc32c}"
        with self._store.translated("write", self._key):
            answer = self._store.session.put(
                self._session, data=content, headers=headers, allow_redirects=False, **PATIENCE
            )
        if answer.status_code not in (MORE, 200, 201):
            raise refusal_in(answer).failure("write", self._key, bucket=self._store.bucket)
        return answer


def _held(answer: requests.Response, *, within: range) -> int:
    """How many bytes the store has: all of earlier parts, and no more than were sent."""
    # Without the header it has none of it yet.
    _, _, last = answer.headers.get("Range", "bytes=0--1").partition("0-")
    held = int(last) + 1
    if held not in within:
        raise Odd("other bytes than were sent")
    return held


def _generation_of(version: Version | None) -> int | None:
    """The generation that is asked for: 0 for an object that is not there, None for any."""
    if version == WHATEVER:
        return None
    return int(version) if version else 0
