"""The file of secret keys, one a line: made once, replaced whole, readable by its owner alone."""

import fcntl
import logging
import os
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.fernet import Fernet

from export_pipeline.errors import ExportPipelineError, InUse

LOG = logging.getLogger(__name__)


def read_keys(key_file: Path) -> str:
    """The file's text. ExportPipelineError with the cure when it is gone, or others can get at it."""
    try:
        mode = key_file.stat().st_mode
    except FileNotFoundError as error:
        raise ExportPipelineError(
            f"{key_file} is gone, and with it the key to stored credentials; put it back"
        ) from error
    if mode & 0o077:
        raise ExportPipelineError(f"{key_file} can be read by others; protect it: chmod 600 {key_file}")
    return key_file.read_text(errors="replace").strip()


def keys_in(text: str) -> list[str]:
    """The keys in a text, each once: on lines of their own, or separated by commas."""
    return list(dict.fromkeys(re.split(r"\s*,\s*|\s+", text.strip())))


def made_if_missing(key_file: Path) -> None:
    """Make the file with a first key, unless it is there."""
    if key_file.exists():
        return
    key_file.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and linked into place: of two processes that start at once, one makes the key and
    # both use it. The draft of one that was killed is in nobody's way.
    draft = key_file.with_name(f"{key_file.name}.{uuid.uuid4().hex}")
    _write(draft, [Fernet.generate_key().decode()], os.O_EXCL)
    try:
        os.link(draft, key_file)
        LOG.warning("made the key that encrypts stored credentials: %s; back it up", key_file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


@contextmanager
def changing(key_file: Path) -> Iterator["KeyFile"]:
    """The file, for whoever is the only one to change it. InUse when somebody else is at it."""
    place = key_file.resolve()  # a link stays one
    handle = os.open(place.with_name(f"{place.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        # Whatever becomes of the process, the lock ends with it.
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise InUse(f"another rotation is at work on {key_file}; try again when it has ended") from error
    try:
        yield KeyFile(place)
    finally:
        os.close(handle)


class KeyFile:
    """The file in the hands of the one who may change it."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def add_in_front(self) -> None:
        """Make a new key the first."""
        self._replace([Fernet.generate_key().decode(), *self._lines()])

    def keep(self, numbers: Sequence[int]) -> None:
        """Drop every line but those, counted from 0."""
        lines = self._lines()
        self._replace([lines[number] for number in numbers])

    def _lines(self) -> list[str]:
        return keys_in(read_keys(self._place))

    def _replace(self, lines: Sequence[str]) -> None:
        """All at once and for good: whoever reads finds the old lines or the new ones, also after a crash."""
        # One name for all: what a process that was killed left there, keys too, is written over.
        draft = self._place.with_name(f"{self._place.name}.draft")
        draft.unlink(missing_ok=True)
        _write(draft, lines, os.O_EXCL)
        owner, now = self._place.stat(), draft.stat()
        if (owner.st_uid, owner.st_gid) != (now.st_uid, now.st_gid):  # an administrator at work on it
            os.chown(draft, owner.st_uid, owner.st_gid)
        draft.replace(self._place)
        folder = os.open(self._place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _write(path: Path, lines: Sequence[str], flags: int) -> None:
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | flags, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write("\n".join(lines))
        file.flush()
        os.fsync(file.fileno())
