"""A connector, opened: the small set of things the pipeline asks of any store."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, Protocol

# What a store says to tell one state of an object from the next: an ETag, a generation.
# Compared, never parsed.
Version = NewType("Version", str)

# Given for the version of what is to be replaced where nobody can look: whatever is there, and nothing too.
WHATEVER = Version("")

# Every object we write carries these, so that a lost answer can be told from another's write:
# look, and compare.
EXPORT_ID = "export-id"
SHA256 = "sha256"


class Proof(StrEnum):
    """How it is known that an object lies at the destination as it was meant to, from strong to weak."""

    READ_BACK = "read back"  # every byte of it was read from there and compared
    CHECKSUM = "store's checksum"  # the store told a checksum of what it took, and it is ours
    ANSWER = "store's answer"  # the store says that it took it


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object as its store describes it. `size` in bytes; `metadata` is what its writer attached."""

    key: str
    size: int
    version: Version
    metadata: Mapping[str, str]


class Upload(Protocol):
    """One object being written. Nobody can see any of it before `commit` returns."""

    @property
    def proof(self) -> Proof:
        """What the store's answer to `commit` proves by itself, where the object cannot be read back."""

    def write(self, data: bytes) -> None:
        """Take the next bytes. Memory stays bounded whatever is written."""

    def begin_parts(self) -> bool:
        """Send it in parts that the store joins, however small it is. False where there is one way only."""

    def commit(self, *, replaces: Version | None) -> Version:
        """Publish all of it, if the object is still at `replaces` (None: if there is none; WHATEVER: always).

        Raises Conflict, TransientFailure or PermanentFailure, never a vendor's exception. After one that is
        `unheard` it may be published all the same. The upload is over either way: another attempt begins
        another.
        """

    def abort(self) -> str | None:
        """Leave nothing behind; if parts stay because nobody lets us end the upload, say why.

        Harmless after `commit` and when called twice.
        """


class Destination(Protocol):
    """Where files go. Keys are slash-separated, relative and never empty.

    Every method raises TransientFailure or PermanentFailure with a sentence for the customer. Where nobody
    can look, `head`, `get`, `list` and maybe `delete` raise Unreadable.
    """

    def begin(self, key: str, metadata: Mapping[str, str]) -> Upload:
        """Start writing the object `key`; `metadata` (short ASCII text) is stored with it."""

    def head(self, key: str) -> StoredObject | None:
        """What is at `key` now; None when nothing is."""

    def get(self, key: str) -> Iterator[bytes]:
        """The bytes at `key`, in pieces of about a megabyte. NotFound when nothing is there."""

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """The objects whose keys begin with `prefix`, in order of key; their `metadata` may be empty."""

    def delete(self, key: str) -> None:
        """Remove the object; done already when nothing is there."""
