"""What an error of the operating system means for us: whether to try again, and if not, what to change."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from export_pipeline.connectors.limits import shown
from export_pipeline.errors import Conflict, PermanentFailure, TransientFailure

# What keeps failing until somebody changes something. Full disks are emptied and mounts come back: not here.
CURES = {
    errno.EACCES: "this process is not allowed to; change the folder's owner or rights",
    errno.EPERM: "not allowed, or the file system has no hard links; choose another folder",
    errno.EOPNOTSUPP: "the file system has no hard links or no locks; choose another folder",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.ENAMETOOLONG: "a part of the name is too long for the file system; shorten the path",
    errno.ELOOP: "a part of the path is a link that leads in a circle; remove it",
    errno.ENOTDIR: "a part of the path is a file already; change the path",
    errno.EEXIST: "a part of the path is a file already; change the path",
}


def overtaken(key: str) -> Conflict:
    """The failure that the file is another than it was when it was looked at."""
    return Conflict(f"{shown(key)} was written or deleted by somebody else since we looked; try again")


@contextmanager
def translated(key: str) -> Iterator[None]:
    """The operating system's errors as ours, with the cause kept and a cure offered."""
    try:
        yield
    except OSError as error:
        if cure := CURES.get(error.errno or 0):
            raise PermanentFailure(f"could not use {shown(key)} in the folder: {cure}") from error
        raise TransientFailure(f"could not use {shown(key)} in the folder: {error.strerror}") from error
