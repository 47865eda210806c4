"""One object being written to a store: in one request if it fits, else in parts that the store joins."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from export_pipeline.connectors.destination import Proof, Version
from export_pipeline.connectors.limits import shown
from export_pipeline.connectors.parts import Part, Parts
from export_pipeline.errors import HourFailed, Kept, Spoilt, TransientFailure

# Every upload has a name of its own in its object's metadata. When the answer to a conditional write is lost,
# the client asks again and hears "precondition failed" although we won: then this says whose the object is.
UPLOAD_ID = "upload-id"


def named(metadata: Mapping[str, str]) -> dict[str, str]:
    """The metadata of an object with the name of a new upload among it."""
    return {**metadata, UPLOAD_ID: uuid.uuid4().hex}


def unnamed(metadata: Mapping[str, str]) -> dict[str, str]:
    """What the writer attached: the metadata without the upload's name."""
    return {name: value for name, value in metadata.items() if name != UPLOAD_ID}


@contextmanager
def nothing_published() -> Iterator[None]:
    """Whatever is not heard of a part, it makes no object."""
    try:
        yield
    except HourFailed as failure:
        failure.unheard = False
        raise


class Sending(Protocol):
    """How one store takes the parts of one upload. Every method raises as `Upload` does."""

    @property
    def proof(self) -> Proof:
        """See `Upload`."""

    def begin_parts(self) -> bool:
        """See `Upload`. An object that is not small begins so by itself."""

    def send(self, part: Part) -> None:
        """Send a full part that another one follows."""

    def publish(self, last: Part, *, replaces: Version | None) -> Version:
        """Send the last part, which may be the only one, and make an object of all of them."""

    def published(self) -> Version | None:
        """The version of the object that is there, if this upload has written it."""

    def abandon(self) -> str | None:
        """Have the store forget what was sent and not published; if it may not be told to, say why.

        Called once, whether or not anything was sent.
        """


class StreamedUpload:
    """See `Upload`. Holds one part at a time; parts are sent as they fill."""

    def __init__(self, key: str, sending: Sending) -> None:
        self._key = key
        self._sending = sending
        self._parts = Parts()
        self._over = False
        self._left: str | None = None

    @property
    def proof(self) -> Proof:
        return self._sending.proof

    def write(self, data: bytes) -> None:
        self._still_open()
        try:
            for part in self._parts.add(data):
                self._sending.send(part)
        except HourFailed:
            self.abort()  # some of `data` is in, some is not: nothing can be made of that
            raise

    def begin_parts(self) -> bool:
        self._still_open()
        try:
            return self._sending.begin_parts()
        except HourFailed:
            self.abort()
            raise

    def commit(self, *, replaces: Version | None) -> Version:
        self._still_open()
        try:
            try:
                return self._sending.publish(self._parts.last, replaces=replaces)
            except Spoilt:
                raise  # it bears this upload's name, and is not what was to be published
            except (Kept, TransientFailure) as failure:  # a policy keeps also what we have just written
                return self._published_after_all(failure)
        finally:
            self.abort()

    def abort(self) -> str | None:
        if not self._over:
            self._over = True
            self._parts.close()
            self._left = self._sending.abandon()
        return self._left

    def _published_after_all(self, failure: HourFailed) -> Version:
        """The version of the object if it is this upload's; raises `failure` if not, or if none can tell."""
        try:
            version = self._sending.published()
        except HourFailed:
            raise failure from failure.__cause__
        if version is None:
            raise failure
        return version

    def _still_open(self) -> None:
        if self._over:
            raise ValueError(f"the upload of {shown(self._key)} is over: begin another")
