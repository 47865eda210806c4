"""A folder of this machine as a destination. Files appear whole or not at all, whenever we are killed.

    <folder>/some/key.csv                              what readers see
    <folder>/.export-pipeline/incoming/<random>        files being written, locked by their writers
    <folder>/.export-pipeline/metadata/ab/<hash>.json  the metadata of a key's present and next version
    <folder>/.export-pipeline/locks/ab                 held while a key is published or deleted
    <folder>/.export-pipeline/locks/folders            shared by who makes folders, held by who removes them

A version is a file's time and size. The metadata of the next version is written before the file itself is
linked into place, next to that of the present one: whichever of them a reader finds, its metadata is there.
"""

import fcntl
import json
import os
import stat
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated, BinaryIO, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError

from export_pipeline.connectors.destination import WHATEVER, Proof, StoredObject, Version
from export_pipeline.connectors.folder_errors import overtaken, translated
from export_pipeline.connectors.folder_links import leads_out, names_in, unlinked
from export_pipeline.connectors.incoming import Incoming, sync_file, sync_folder
from export_pipeline.connectors.limits import (
    FOLDER_KEYS,
    KeyLimits,
    checked_key,
    checked_metadata,
    checked_prefix,
    shown,
)
from export_pipeline.errors import HourFailed, NotFound, PermanentFailure

Versions = dict[Version, dict[str, str]]
VERSIONS: TypeAdapter[Versions] = TypeAdapter(Versions)
OURS = ".export-pipeline"
PIECE = 1 << 20


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("the folder's path must be absolute, beginning with a slash")
    return path


class FolderConfig(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """A folder of the machine that runs the pipeline. For operators: customers do not name our folders."""

    type: Literal["folder"] = "folder"
    path: Annotated[Path, AfterValidator(_absolute)] = Field(description="the folder's absolute path")
    row_limit: ClassVar[int | None] = None
    inside: ClassVar[bool] = True

    @property
    def location(self) -> str:
        return str(self.path)

    @property
    def address(self) -> str:
        return self.path.as_uri()

    @property
    def key_limits(self) -> KeyLimits:
        return _limits(self.path)

    def open(self) -> "FolderDestination":
        """The folder as a destination; it is made when the first file is written."""
        return FolderDestination(self.path)


class FolderDestination:
    """See `Destination`. Safe to use from many threads and processes at once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = Incoming(root / OURS / "incoming")

    def begin(self, key: str, metadata: Mapping[str, str]) -> "FolderUpload":
        self.path_of(key)
        checked = checked_metadata(metadata)
        with translated(key):
            self._incoming.sweep()
            return FolderUpload(self, key, checked, *self._incoming.create())

    def head(self, key: str) -> StoredObject | None:
        path = self.path_of(key)
        with translated(key):
            while found := _stat(path):
                version = _version(found)
                known = self._metadata(key).get(version)
                again = _stat(path) if known is None else found
                if again and _version(again) == version:
                    # Without metadata: somebody put the file here by hand.
                    return StoredObject(key=key, size=found.st_size, version=version, metadata=known or {})
        return None

    def get(self, key: str) -> Iterator[bytes]:
        path = self.path_of(key)
        with translated(key):
            try:
                file = path.open("rb")
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
                raise NotFound(f"there is no {shown(key)}") from error
            with file:
                yield from iter(lambda: file.read(PIECE), b"")

    def list(self, prefix: str) -> Iterator[StoredObject]:
        above, _, _ = checked_prefix(prefix, FOLDER_KEYS).rpartition("/")
        yield from self._below(f"{above}/" if above else "", prefix)

    def delete(self, key: str) -> None:
        path = self.path_of(key)
        with translated(key):
            if not self._root.exists():
                return
            with self.locked(key):
                if _stat(path):
                    path.unlink()
                self._metadata_path(key).unlink(missing_ok=True)
                # Nobody is between making a folder and putting a file into it.
                with self._lock("folders", fcntl.LOCK_EX), suppress(OSError):
                    for folder in self._folders_of(path):
                        folder.rmdir()  # the first that is not empty ends it

    def path_of(self, key: str) -> Path:
        """Where the object of that key lies; PermanentFailure if that were outside or among our own files."""
        return unlinked(self._root / checked_key(key, _limits(self._root)), self._root, but=OURS)

    @contextmanager
    def locked(self, key: str) -> Iterator[None]:
        """While nobody else publishes or deletes `key`. The lock ends with its holder, however it ends."""
        with self._lock(_digest(key)[:2], fcntl.LOCK_EX):
            yield

    @contextmanager
    def _lock(self, name: str, how: int) -> Iterator[None]:
        locks = self._root / OURS / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        # Lock files are shared between keys and never removed: removing one that another waits for
        # would give two holders.
        with (locks / name).open("ab") as lock:
            fcntl.flock(lock, how)
            yield

    def publish(
        self, key: str, written: Path, metadata: Mapping[str, str], replaces: Version | None
    ) -> Version:
        """Make the finished file `written` the object `key`, in one step, if it is still at `replaces`."""
        path = self.path_of(key)
        with self.locked(key):
            if path.is_dir():
                raise PermanentFailure(f"{shown(key)} is a folder that holds other files; change the path")
            present = _stat(path)
            current = _version(present) if present else None
            if replaces not in (current, WHATEVER):
                raise overtaken(key)
            version = _version(written.stat())
            kept = {old: of_old for old, of_old in self._metadata(key).items() if old == current}
            self._keep_metadata(key, {**kept, version: metadata})
            self._put(written, path, key=key, new=replaces is None)
        return version

    def _put(self, written: Path, path: Path, *, key: str, new: bool) -> None:
        with self._lock("folders", fcntl.LOCK_SH):
            path.parent.mkdir(parents=True, exist_ok=True)
            _move(written, path, key=key, new=new)
        for folder in (*self._folders_of(path), self._root):
            sync_folder(folder)

    def _folders_of(self, path: Path) -> Sequence[Path]:
        """The folders between the root and `path`, innermost first."""
        return [folder for folder in path.parents if self._root in folder.parents]

    def _below(self, above: str, prefix: str, within: Collection[str] = ()) -> Iterator[StoredObject]:
        """The objects under the folder `above` (named with its slash), in the order of their keys' bytes.

        `within`: the folders in which that lies, as they are without links.
        """
        folder = self._root / above
        if above.casefold().startswith(f"{OURS}/") or leads_out(folder, self._root, but=OURS):
            return
        within = {*within, os.path.realpath(folder)}
        with translated(above):
            for key in (f"{above}{name}" for name in names_in(folder, self._root, but=OURS, within=within)):
                if not key.startswith(prefix):
                    continue
                if key.endswith("/"):
                    yield from self._below(key, prefix, within)
                elif found := _stat(self._root / key):
                    yield StoredObject(key=key, size=found.st_size, version=_version(found), metadata={})

    def _metadata_path(self, key: str) -> Path:
        digest = _digest(key)
        return self._root / OURS / "metadata" / digest[:2] / f"{digest[2:]}.json"

    def _metadata(self, key: str) -> Versions:
        path = self._metadata_path(key)
        try:
            return VERSIONS.validate_json(path.read_bytes(), strict=True)
        except FileNotFoundError:
            return {}
        except ValidationError:
            raise PermanentFailure(
                f"what is kept about {shown(key)} is damaged: bring {path.relative_to(self._root)} back, or"
                " delete it and the file too, so that it is written anew"
            ) from None

    def _keep_metadata(self, key: str, versions: Mapping[Version, Mapping[str, str]]) -> None:
        path = self._metadata_path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        written, file = self._incoming.create()
        with file:
            file.write(json.dumps(versions).encode())
            sync_file(file)
            written.replace(path)
        sync_folder(path.parent)


class FolderUpload:
    """See `Upload`. The bytes lie in a hidden file of the same file system until they are published."""

    proof = Proof.ANSWER

    def __init__(
        self, store: FolderDestination, key: str, metadata: Mapping[str, str], path: Path, file: BinaryIO
    ) -> None:
        self._store = store
        self._key = key
        self._metadata = metadata
        self._path = path
        self._file = file

    def write(self, data: bytes) -> None:
        try:
            with translated(self._key):
                self._file.write(data)
        except HourFailed:
            self.abort()  # some of `data` is in, some is not: nothing can be made of that
            raise

    def begin_parts(self) -> bool:
        return False

    def commit(self, *, replaces: Version | None) -> Version:
        try:
            with translated(self._key):
                sync_file(self._file)
                # The version is the file's time, so it is set from the finest clock there is: the file
                # system's own may tick only every few milliseconds.
                now = time.time_ns()
                os.utime(self._path, ns=(now, now))
                return self._store.publish(self._key, self._path, self._metadata, replaces)
        finally:
            self.abort()

    def abort(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        with suppress(OSError):  # what is still buffered may not fit on the disk
            self._file.close()


def _limits(root: Path) -> KeyLimits:
    return replace(FOLDER_KEYS.below(str(root)), reserved=OURS)


def _move(written: Path, path: Path, *, key: str, new: bool) -> None:
    if not new:
        written.replace(path)
        return
    try:
        # Linking fails where a file is, even one put there by somebody who knows nothing of our locks.
        os.link(written, path)
    except FileExistsError as error:
        raise overtaken(key) from error


def _stat(path: Path) -> os.stat_result | None:
    """About the file at `path`; None if there is none, or a folder."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _version(found: os.stat_result) -> Version:
    return Version(f"{found.st_mtime_ns:x}-{found.st_size:x}")


def _digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()
