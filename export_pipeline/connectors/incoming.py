"""Files being written, hidden until they are moved to their place."""

import fcntl
import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

BUFFER = 1 << 20


class Incoming:
    """A folder of files being written. Each is locked while its writer lives, so the dead's can be told."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self) -> tuple[Path, BinaryIO]:
        """A new file of a random name, open for writing and locked until it is closed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        while True:
            path = self._folder / uuid.uuid4().hex
            file = path.open("xb", buffering=BUFFER)
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file.fileno()).st_nlink:
                return path, file
            file.close()  # swept between its making and its locking

    def sweep(self) -> None:
        """Remove what killed writers left behind."""
        with suppress(FileNotFoundError):
            for path in self._folder.iterdir():
                # Open for writing, or NFS lends no lock. Locked, gone, or not ours to remove: left alone.
                with suppress(OSError), path.open("r+b") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()


def sync_file(file: BinaryIO) -> None:
    """Make what was written outlast a power cut."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
