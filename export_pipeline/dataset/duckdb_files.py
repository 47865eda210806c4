"""DuckDB files that are open for reading: each once in a process, however many read it.

In one process DuckDB opens a file in one way only, and the folder in which it sorts is part of that. So all
who read a file share what is open.
"""

import os
import tempfile
import threading
from pathlib import Path

import duckdb

# Two threads need more memory than that for the same sort. Hours are what is done in parallel.
THREADS = 1


# Device and inode.
Identity = tuple[int, int]


class Overwritten(duckdb.ConnectionException):
    """The file was written to while it is read. `cp` does that, and heeds no lock."""

    def __init__(self) -> None:
        super().__init__("the file was written over while it is read here")


class DuckdbFile:
    """A file that is open until the last who opened it has closed it. Each of them reads by cursors."""

    def __init__(self, file: Path, found: os.stat_result) -> None:
        # Not beside the file, which may be in a folder where nobody may write.
        self._spill = tempfile.TemporaryDirectory(prefix="export-pipeline-sort-")
        try:
            self.connection = duckdb.connect(
                str(file),
                read_only=True,
                config={
                    "threads": str(THREADS),
                    "temp_directory": self._spill.name,
                    # What it may fetch from the network by itself is none of an export's business.
                    "autoinstall_known_extensions": "false",
                },
            )
        except duckdb.Error:
            self._spill.cleanup()
            raise
        self._file, self._found = file, found
        # Its own way to the file: what is read may lie at its path no more. One that is closed has the system
        # forget the locks of all that the process has of the file, so none is opened before it is DuckDB's.
        try:
            self._descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:  # gone since it was opened, or too many are open
            self.connection.close()
            self._spill.cleanup()
            raise duckdb.IOException(f"it cannot be looked at: {error.strerror}") from error
        if self.overwritten or _identity(os.fstat(self._descriptor)) != _identity(found):
            self._end()
            raise Overwritten
        self._readers = 1

    @property
    def replaced(self) -> bool:
        """Whether there is something else to read by now. A file that is gone, and nothing in its place, is
        none.
        """
        try:
            now = self._file.stat()
        except OSError:
            return False
        return _identity(now) != _identity(self._found) or _written(self._found, now)

    @property
    def overwritten(self) -> bool:
        """Whether it was itself written to since it was opened: some of what is read is older than other."""
        try:
            return _written(self._found, os.fstat(self._descriptor))
        except OSError:  # of a server that has forgotten it: nobody knows
            return True

    def close(self) -> None:
        """Let go of it. To be called once by each who opened it."""
        with _lock:
            self._readers -= 1
            if not self._readers:
                del _open[os.getpid(), _identity(self._found)]
                self._end()

    def _end(self) -> None:
        self.connection.close()
        os.close(self._descriptor)
        self._spill.cleanup()


# By process: one that is forked while its parent reads must not sort in that one's folder. DuckDB refuses it.
# By what the file is, not by its path: links and `..` spell that otherwise, and others may come to lie there.
_open: dict[tuple[int, Identity], DuckdbFile] = {}
_lock = threading.Lock()


def open_file(file: Path) -> DuckdbFile:
    """Open a file that is there, or share it with those who have. duckdb.Error: it cannot be opened now, as
    when it was put in the place of one that is still read: DuckDB opens no other at the same path until then.
    Overwritten: the one that is still read was written to.
    """
    with _lock:
        # First: what is written there while it is opened is not taken for it.
        found = file.stat()
        opened = _open.get((os.getpid(), _identity(found)))
        if opened is None:
            opened = _open[os.getpid(), _identity(found)] = DuckdbFile(file.absolute(), found)
        elif opened.overwritten:  # DuckDB would go on with what it has of it
            raise Overwritten
        else:
            opened._readers += 1
        return opened


def _identity(found: os.stat_result) -> Identity:
    return found.st_dev, found.st_ino


def _written(before: os.stat_result, now: os.stat_result) -> bool:
    """Whether a file was written to. `cp -p` gives it another's times, and the system notes that by yet
    another, as it does a link more or less: a file that was replaced has one less.
    """
    if (now.st_mtime_ns, now.st_size) != (before.st_mtime_ns, before.st_size):
        return True
    return now.st_ctime_ns != before.st_ctime_ns and now.st_nlink == before.st_nlink
