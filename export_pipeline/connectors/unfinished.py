"""Uploads whose parts a store keeps until somebody ends them, noted so that a killed one can be ended later.

A note is a file that its writer holds a lock on. The system gives the lock up when the process dies, whatever
kills it: a note that can be locked is of an upload that nobody goes on with. Only what is noted is ever
ended, so nobody else's upload is.
"""

import fcntl
import json
import logging
import os
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

# As with addresses, the operator's word holds for the process. Untold, nothing is noted.
_folder: Path | None = None


def keep_in(folder: Path | None) -> None:
    """Keep the notes of this process there, and find those of others."""
    global _folder
    _folder = folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """An upload by the names that its store has for it; `place` is the bucket and where that is."""

    place: str
    key: str
    upload_id: str


class Note:
    """Says that an upload is going on, while it is held."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor: int | None = descriptor

    def write(self, upload: Unfinished) -> None:
        """Say which upload. The note gets the name by which it is found when it is held and written."""
        assert self._descriptor is not None
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        with os.fdopen(os.dup(self._descriptor), "wb") as file:  # unlike os.write, it writes all or fails
            file.write(json.dumps(asdict(upload)).encode())
        os.fsync(self._descriptor)
        self._path = self._path.rename(self._path.with_suffix(".json"))

    def forget(self) -> None:
        """Nothing is left of the upload."""
        self._path.unlink(missing_ok=True)
        self.leave()

    def leave(self) -> None:
        """Something is left, for somebody else to end."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def noted(upload: Unfinished) -> Note | None:
    """A note of an upload that begins; None where none is, or can be, kept: the upload goes on without."""
    if _folder is None:
        return None
    name = _folder / uuid.uuid4().hex
    try:
        _folder.mkdir(parents=True, exist_ok=True)
        note = Note(name, os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            note.write(upload)
        except OSError:
            note.forget()
            raise
    except OSError as error:
        logger.warning("cannot note in %s that an upload has begun: %s", _folder, error)
        return None
    return note


def left_behind(place: str) -> Iterator[tuple[Unfinished, Note]]:
    """The uploads there that nobody goes on with, each with its note, now held by us."""
    if _folder is None:
        return
    for path in sorted(_folder.glob("*.json")):
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue  # somebody else has just ended it
        except OSError as error:
            logger.warning("cannot open the note of an upload, it is left: %s", error)
            continue
        note = Note(path, descriptor)
        try:
            upload = _held(path, descriptor)
            if upload is not None and upload.place == place:
                yield upload, note
        finally:
            note.leave()


def _held(path: Path, descriptor: int) -> Unfinished | None:
    """What the note says, now held by us; None if somebody is at it, or it says nothing that we know."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        said = json.loads(path.read_bytes())
        upload = Unfinished(**said)
    except (BlockingIOError, FileNotFoundError):
        return None
    except (OSError, ValueError, TypeError) as error:
        logger.warning("the note %s cannot be read, it is left: %s", path, error)
        return None
    if not all(isinstance(value, str) for value in asdict(upload).values()):
        logger.warning("the note %s says something that is no text, it is left", path)
        return None
    return upload
