"""One object into its place: written if it is not there yet, then read back and compared."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from export_pipeline.connectors.destination import (
    EXPORT_ID,
    SHA256,
    WHATEVER,
    Destination,
    Proof,
    StoredObject,
    Upload,
)
from export_pipeline.connectors.pacing import paced
from export_pipeline.errors import (
    Conflict,
    Contended,
    HourFailed,
    NotFound,
    PermanentFailure,
    Spoilt,
    TransientFailure,
    Unreadable,
)

# What a store's client is handed at once; it collects parts of its own size.
PIECE_BYTES = 1024 * 1024


class Taken(PermanentFailure):
    """Something is there already, and nobody may look whose it is."""


class Begun(Protocol):
    """The keys of an hour that attempts at it have begun to write, and have not recorded."""

    def note(self, key: str) -> bool:
        """Note that `key` is about to be written: a first time, or after an attempt that may have done so."""

    def withdraw(self, key: str) -> None:
        """Note that nothing of ours is there after all."""


class Content(Protocol):
    """Bytes of known size and digest that can be read more than once."""

    @property
    def size(self) -> int: ...
    @property
    def sha256(self) -> str: ...
    def pieces(self) -> Iterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class FileContent:
    """A local file, whose size and digest were taken as it was written."""

    path: Path
    size: int
    sha256: str

    def pieces(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece


@dataclass(frozen=True, slots=True)
class BytesContent:
    """A small object held in memory."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def pieces(self) -> Iterator[bytes]:
        yield self.data


def place(
    destination: Destination,
    key: str,
    content: Content,
    identity: str,
    *,
    still_ours: Callable[[], None],
    after_piece: Callable[[int], None],
    ours: bool = False,
    begun: Begun | None = None,
) -> Proof:
    """Make `content` the object at `key`, and say how that is known. What is there and equal is left alone.

    `identity` names the export in the object's metadata. An object without it is somebody else's, or was
    changed by somebody, and is never overwritten. `still_ours` is asked between the look at what is there
    and the conditional write: whoever takes the work over later changes what is there, and our write is
    refused. `after_piece` hears how many bytes are sent.

    Where nobody may look, `ours` says that the export is known to have written what is there: then it is
    replaced. So it is if `begun` knows of an attempt whose end is not known; otherwise nothing is (Taken).
    """
    unseen, there = _seen(destination, key)
    if there is not None and there.metadata.get(EXPORT_ID) != identity:
        raise PermanentFailure(
            f"{key!r} is there already and not this export's ({identity}), or somebody changed it;"
            " move it away, or change the export's path"
        )
    if there is not None and _described_as(there, content) and _proven(destination, key, content):
        return Proof.READ_BACK
    upload = destination.begin(key, {EXPORT_ID: identity, SHA256: content.sha256})
    try:
        sent = 0
        for piece in content.pieces():
            upload.write(piece)
            sent += len(piece)
            after_piece(sent)
        still_ours()
        # Also of what can be looked at: the next attempt may be made with credentials that may not look.
        known = ours or (begun is not None and begun.note(key))
        if unseen and known:
            upload.commit(replaces=WHATEVER)
        else:
            _publish(upload, key, there, begun=None if ours else begun, unseen=unseen)
    except BaseException:
        upload.abort()
        raise
    try:
        good = _reads_back(destination, key, content)
    except Unreadable:
        return upload.proof
    if not good:
        raise TransientFailure(f"{key!r} does not read back as it was written; the store lost or changed it")
    return Proof.READ_BACK


def lies_there(destination: Destination, key: str, content: Content, identity: str) -> bool:
    """Whether the object at `key` is the export's own and is `content`, as far as anybody may look.

    What a store has spoilt is described as it should be, so it is read, where it can be: what is archived, or
    lies under a key that was taken away, is as it is described.
    """
    _, there = _seen(destination, key)
    if there is None or there.metadata.get(EXPORT_ID) != identity or not _described_as(there, content):
        return False
    try:
        return _reads_back(destination, key, content)
    except PermanentFailure:
        return True


def _seen(destination: Destination, key: str) -> tuple[bool, StoredObject | None]:
    """Whether nobody may look, and what is there if somebody may."""
    try:
        return False, destination.head(key)
    except Unreadable:
        return True, None


def _publish(
    upload: Upload, key: str, there: StoredObject | None, *, begun: Begun | None, unseen: bool
) -> None:
    """Make the object if only `there` is there. What else is, no later attempt must take for ours then."""
    try:
        upload.commit(replaces=there.version if there else None)
    except Spoilt:
        raise
    except HourFailed as failure:
        if failure.unheard:
            raise
        changed = isinstance(failure, Conflict)
        if begun is not None and (changed or there is None):
            begun.withdraw(key)
        if not (unseen and changed) or isinstance(failure, Contended):
            raise
        raise Taken(
            f"{key!r} is there already, and nobody may look whether it is this export's; move it away, or"
            " give the connector credentials that may read"
        ) from failure


def _described_as(there: StoredObject, content: Content) -> bool:
    return there.size == content.size and there.metadata.get(SHA256) == content.sha256


def _proven(destination: Destination, key: str, content: Content) -> bool:
    """Whether it can be read and is `content`; what cannot be read is proven by being written anew."""
    try:
        return _reads_back(destination, key, content)
    except Unreadable:
        return False


def _reads_back(destination: Destination, key: str, content: Content) -> bool:
    digest = hashlib.sha256()
    try:
        for piece in paced(destination.get(key), content.size):
            digest.update(piece)
    except NotFound:
        return False
    return digest.hexdigest() == content.sha256
