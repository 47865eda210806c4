"""The object that a check writes, and what is tried with it."""

import uuid
from contextlib import suppress

from export_pipeline.connectors.destination import WHATEVER, Destination, Proof, Upload, Version
from export_pipeline.connectors.reading import ShowsNothing
from export_pipeline.errors import (
    Conflict,
    Contended,
    Denied,
    ExportPipelineError,
    Kept,
    PermanentFailure,
    Unreadable,
)

METADATA = {"purpose": "check"}
CONTENT = b"Written by Export Pipeline to check this connector. It may be deleted.\n"
REWRITTEN = CONTENT + b"Second version.\n"

# How a store says that it does not overwrite what is there: the latter where it never does so.
REFUSED = (Conflict, Kept)


class Unsuitable(ExportPipelineError):
    """The store answered, but not as exports need it."""


def probe_key() -> str:
    """A key for a probe, which nobody else uses."""
    return f"export-pipeline-check-{uuid.uuid4().hex}.txt"


class Probe:
    """A small object of a name that nobody else uses."""

    def __init__(self, destination: Destination, key: str, *, stays: bool) -> None:
        self._destination = destination
        self._key = key
        self._stays = stays
        self._written = False
        self.there = self.shared = stays
        self._proof = Proof.ANSWER
        self._late: Upload | None = None
        self._left: str | None = None  # why parts of uploads stay, if they do

    def authenticate(self) -> str:
        try:
            self._destination.head(self._key)
        except Unreadable as unreadable:
            return f"Nobody may look here, so the credentials are tried by writing something: {unreadable}."
        return "Somebody who shows these credentials may look for an object."

    def list(self) -> str:
        try:
            for _ in self._destination.list(self._key):
                break
        except Unreadable as unreadable:
            return f"Objects are not listed, and need not be: {unreadable}."
        return "The destination answers and lists its objects."

    def write(self) -> str:
        self._written = self.there = True  # from here on something may be there, even if we do not hear of it
        if not (self._stays and self._written_over()):
            self._begin_late()
            # Where large files are joined of parts: whoever may not do that is told so here.
            self._put(CONTENT, replaces=None, in_parts=True)
        return f"An object was written: {self._key}."

    def read(self) -> str:
        try:
            self._expect(CONTENT)
            found = self._destination.head(self._key)
        except Unreadable as unreadable:
            return f"It cannot be read back, so the {self._proof} has to do for a proof: {unreadable}."
        if found is None or found.metadata != METADATA:
            raise Unsuitable(
                f"what was attached to {self._key} did not come back: exports could not tell their own"
                " objects from others'; use a store that keeps metadata, or one that is not read"
            )
        return "It was read back, byte for byte."

    def overwrite(self) -> str:
        first = None
        try:
            first = self._version()
        except ShowsNothing:
            return "It is told no conditions: what it does with a file that it has already is up to it."
        except Unreadable:
            pass  # a write that only creates is compared all the same
        self._must_refuse_late(replaces=None)
        self._must_refuse(replaces=None)
        if first is None:
            return "An object that is there already is not overwritten, although nobody can look at it."
        self._begin_late()  # a store may heed one of the conditions there, and not the other
        self._replace(first)
        self._must_refuse_late(replaces=first)
        self._must_refuse(replaces=first)
        with suppress(Unreadable):  # the version was seen by who writes; who reads was heard a step before
            self._expect(REWRITTEN)
        return "An object is only overwritten by whoever knows its present version."

    def delete(self) -> str:
        deleted = self._delete()
        if self._left is None:
            return deleted
        return (
            f"{deleted} Parts of uploads that were refused stay there, {self._left}; let who writes end"
            " uploads, which on S3 takes s3:AbortMultipartUpload, or have a lifecycle rule remove them."
        )

    def _delete(self) -> str:
        try:
            self._destination.delete(self._key)
            left = self._destination.head(self._key)
        except Unreadable:
            return f"The destination does not delete objects for us: {self._key} may stay there."
        except PermanentFailure as refused:
            return f"Exports delete nothing, so this does not matter: {self._key} stays there, {refused}."
        if left is not None:
            raise Unsuitable(
                f"{self._key} is still there after it was deleted: let the connector's user delete objects"
            )
        self.there = False
        return "The object was deleted again."

    def remove(self) -> None:
        """Leave nothing behind, as far as we are let."""
        self._end_late()
        if self._written and self.there:
            with suppress(ExportPipelineError):
                self._destination.delete(self._key)
                self.there = self._destination.head(self._key) is not None

    def _written_over(self) -> bool:
        """Whether the probe that an earlier check had to leave could be used again."""
        replaces: Version | None = WHATEVER
        try:
            with suppress(Unreadable):
                found = self._destination.head(self._key)
                replaces = found.version if found else None
            with suppress(Kept):  # by Google's, in parts, if it is there and nobody may look
                self._begin_late()
            self._put(CONTENT, replaces=replaces, in_parts=self._late is not None)
        except Denied:  # neither deleted nor overwritten: each check leaves one
            self._end_late()
            self._key = probe_key()
            self.shared = False
            return False
        return True

    def _begin_late(self) -> None:
        """Begin what is to be ended when the probe is there, or another than now, as where two write at
        once: joins have conditions of their own. Nothing is begun where nothing is joined.
        """
        upload = self._destination.begin(self._key, METADATA)
        try:
            if upload.begin_parts():
                self._late = upload
        finally:
            if self._late is not upload:
                self._abort(upload)

    def _end_late(self) -> None:
        if self._late is not None:
            self._abort(self._late)
            self._late = None

    def _abort(self, upload: Upload) -> None:
        self._left = upload.abort() or self._left

    def _put(self, content: bytes, *, replaces: Version | None, in_parts: bool = False) -> None:
        upload = self._destination.begin(self._key, METADATA)
        try:
            if in_parts:
                upload.begin_parts()
            upload.write(content)
            upload.commit(replaces=replaces)
            self._proof = upload.proof
        finally:
            self._abort(upload)

    def _must_refuse_late(self, *, replaces: Version | None) -> None:
        late, self._late = self._late, None
        if late is not None:
            self._must_refuse(replaces=replaces, upload=late)

    def _replace(self, first: Version) -> None:
        try:
            self._put(REWRITTEN, replaces=first)
        except Kept:
            raise
        except Denied as denied:
            raise denied.retold(f"{self._what_is_let()}: {denied}") from denied

    def _what_is_let(self) -> str:
        """What lets nobody replace the probe on the condition If-Match, although it could be created."""
        try:
            self._put(REWRITTEN, replaces=WHATEVER)
        except Denied:
            self._must_refuse(replaces=None)  # or it is not let come to that condition any more either
            return (
                "objects can be created here (If-None-Match) and not replaced, neither on the condition of"
                " their version (If-Match) nor on none; if a policy of the bucket asks for If-None-Match,"
                " have it let writes with If-Match through too"
            )
        return (
            "objects can be replaced here, but not on the condition of their version (If-Match); let who"
            " writes ask for that, which on S3 takes s3:GetObject besides s3:PutObject"
        )

    def _must_refuse(self, *, replaces: Version | None, upload: Upload | None = None) -> None:
        try:
            upload = upload or self._destination.begin(self._key, METADATA)
            upload.write(b"This should have been refused.\n")
            upload.commit(replaces=replaces)
        except Contended:  # others are there: nothing is known yet
            raise
        except REFUSED:
            return
        except Denied as denied:  # it might be any write, and a later one may be let through
            raise denied.retold(
                "a first write was taken, and one over it was not allowed where it was to be refused on its"
                f" condition, so nobody knows whether the store heeds that: {denied}"
            ) from denied
        finally:
            if upload is not None:
                self._abort(upload)
        raise Unsuitable(
            "the store overwrites an object that has changed, although it was told not to: two exports could"
            " undo each other's work; use a store that honours If-None-Match and If-Match, also where"
            " it joins the parts of a large file"
        )

    def _version(self) -> Version:
        found = self._destination.head(self._key)
        if found is None:
            raise Unsuitable(f"{self._key} was written but is not there: use a store that shows it at once")
        return found.version

    def _expect(self, content: bytes) -> None:
        found = b""
        for piece in self._destination.get(self._key):
            found += piece
            if len(found) > len(content):  # it may have no end
                break
        if found != content:
            raise Unsuitable(f"{self._key} does not read as it was written: is something changing objects?")
