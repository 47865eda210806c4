"""Tries whether a destination can do what exports need, step by step, on a probe that is removed again."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from export_pipeline.connectors.destination import WHATEVER, Destination, Proof, Upload, Version
from export_pipeline.connectors.reaching import Server
from export_pipeline.connectors.reading import ShowsNothing
from export_pipeline.errors import (
    Conflict,
    Contended,
    Denied,
    ExportPipelineError,
    Kept,
    NotFound,
    PermanentFailure,
    TransientFailure,
    Unreadable,
)

METADATA = {"purpose": "check"}
CONTENT = b"Written by Export Pipeline to check this connector. It may be deleted.\n"
REWRITTEN = CONTENT + b"Second version.\n"

# How a store says that it does not overwrite what is there: the latter where it never does so.
REFUSED = (Conflict, Kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStep:
    """What came out of one step; `message` is a sentence for the customer, with the cure if it failed.

    `passes`: what it failed for may pass without anybody's doing. `leaves`: a probe may still be there,
    because nothing can be deleted there, or could not be then.
    """

    name: str
    ok: bool
    message: str
    passes: bool = False
    leaves: bool = False


class _Unsuitable(ExportPipelineError):
    """The store answered, but not as exports need it."""


def check(
    destination: Destination,
    address: str,
    *,
    inside: bool = True,
    probe: str | None = None,
    stays: bool = False,
) -> Iterator[CheckStep]:
    """The steps in order, each as it ends; stops after the first that fails.

    `address` is a URL; where it names a host, that is looked for before the destination is asked anything,
    `inside` a network of the operator's if it may be. `probe` is the key of the object that is written, a new
    one if none is named; `stays`: an earlier check may have left that there, so it is written over.
    """
    tried = _Probe(destination, probe or probe_key(), stays=stays)
    server = Server(address, inside=inside)
    steps: tuple[tuple[str, Callable[[], str]], ...] = (
        ("resolve", server.resolve),
        ("connect", server.connect),
        ("authenticate", tried.authenticate),
        ("list", tried.list),
        ("write", tried.write),
        ("read", tried.read),
        ("conditional write", tried.overwrite),
        ("delete", tried.delete),
    )
    try:
        for name, step in steps:
            try:
                message = step()
                yield CheckStep(name=name, ok=True, message=message, leaves=name == "delete" and tried.there)
            except ExportPipelineError as error:
                tried.remove()
                # Another check may have had it in hands, of a copy of this installation or one that took very
                # long: what is wrong with the store is so with a probe of its own.
                crossed = tried.shared and isinstance(error, _Unsuitable | NotFound | Conflict)
                alone = _problem_alone(destination) if crossed else None
                failed = failed_step(name, alone or error, leaves=tried.there)
                yield replace(failed, passes=True) if crossed and alone is None else failed
                return
    finally:
        tried.remove()


def probe_key() -> str:
    """A key for a probe, which nobody else uses."""
    return f"export-pipeline-check-{uuid.uuid4().hex}.txt"


def _problem_alone(destination: Destination) -> ExportPipelineError | None:
    """What is wrong with the destination, tried with an object that nobody else knows of."""
    tried = _Probe(destination, probe_key(), stays=False)
    try:
        for step in (tried.write, tried.read, tried.overwrite, tried.delete):
            step()
    except ExportPipelineError as problem:
        return problem
    finally:
        tried.remove()
    return None


def failed_step(name: str, error: ExportPipelineError, *, leaves: bool = False) -> CheckStep:
    """The step that ended with that error."""
    passes = isinstance(error, TransientFailure)
    return CheckStep(name=name, ok=False, message=_sentence(str(error)), passes=passes, leaves=leaves)


class _Probe:
    """A small object of a name that nobody else uses."""

    def __init__(self, destination: Destination, key: str, *, stays: bool) -> None:
        self._destination = destination
        self._key = key
        self._stays = stays
        self._written = False
        self.there = self.shared = stays
        self._proof = Proof.ANSWER
        self._late: Upload | None = None

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
            raise _Unsuitable(
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
        if self._late is not None:
            self._must_refuse(replaces=None, upload=self._late)
        self._must_refuse(replaces=None)
        if first is None:
            return "An object that is there already is not overwritten, although nobody can look at it."
        self._put(REWRITTEN, replaces=first)
        self._must_refuse(replaces=first)
        with suppress(Unreadable):  # the version was seen by who writes; who reads was heard a step before
            self._expect(REWRITTEN)
        return "An object is only overwritten by whoever knows its present version."

    def delete(self) -> str:
        try:
            self._destination.delete(self._key)
            left = self._destination.head(self._key)
        except Unreadable:
            return f"The destination does not delete objects for us: {self._key} may stay there."
        except PermanentFailure as refused:
            return f"Exports delete nothing, so this does not matter: {self._key} stays there, {refused}."
        if left is not None:
            raise _Unsuitable(
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
        """Begin what is to be ended when the probe is there, as where two write at once: joins have
        conditions of their own. Nothing is begun where nothing is joined.
        """
        upload = self._destination.begin(self._key, METADATA)
        try:
            if upload.begin_parts():
                self._late = upload
        finally:
            if self._late is not upload:
                upload.abort()

    def _end_late(self) -> None:
        if self._late is not None:
            self._late.abort()
            self._late = None

    def _put(self, content: bytes, *, replaces: Version | None, in_parts: bool = False) -> None:
        upload = self._destination.begin(self._key, METADATA)
        try:
            if in_parts:
                upload.begin_parts()
            upload.write(content)
            upload.commit(replaces=replaces)
            self._proof = upload.proof
        finally:
            upload.abort()

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
                upload.abort()
        raise _Unsuitable(
            "the store overwrites an object that has changed, although it was told not to: two exports could"
            " undo each other's work; use a store that honours If-None-Match and If-Match, also where"
            " it joins the parts of a large file"
        )

    def _version(self) -> Version:
        found = self._destination.head(self._key)
        if found is None:
            raise _Unsuitable(f"{self._key} was written but is not there: use a store that shows it at once")
        return found.version

    def _expect(self, content: bytes) -> None:
        found = b""
        for piece in self._destination.get(self._key):
            found += piece
            if len(found) > len(content):  # it may have no end
                break
        if found != content:
            raise _Unsuitable(f"{self._key} does not read as it was written: is something changing objects?")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."
