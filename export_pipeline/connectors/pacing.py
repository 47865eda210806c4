"""Writing to a store that may be slow, and reading back from it, but not without end."""

import errno
import io
import os
import ssl
import time
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, ClassVar, TypeVar

from export_pipeline.errors import TransientFailure

SECONDS_OF_PATIENCE = 300.0
SLOWEST = 10_000  # bytes a second

# What the system is given at once to send, and how long it may take until it has taken all of that.
PIECE = 1 << 16
SECONDS_PER_PIECE = 60.0

Thing = TypeVar("Thing")

# Of an answer's lines: status, fields, lengths of chunks, and whatever comes before and after those. Beyond
# the first 256 KiB there may be as much of them as there is content.
LONGEST_LINE = 1 << 16
BYTES_OF_LINES = 1 << 18

# How a connection with TLS says on writing that the other side has hung up.
HUNG_UP = (ssl.SSLEOFError, ssl.SSLZeroReturnError)


def paced(
    pieces: Iterable[bytes],
    size: int,
    *,
    seconds: float = SECONDS_OF_PATIENCE,
    slowest: float = SLOWEST,
) -> Iterator[bytes]:
    """The pieces of what should have `size` bytes; of what has more, no more than shows it.

    TransientFailure if that takes longer than `seconds` and the time of the `slowest` store we wait for: each
    piece comes in time on its own, and whoever waits for all of them holds an hour, and a run.
    """
    give_up = time.monotonic() + seconds + size / slowest
    taken = 0
    for piece in pieces:
        taken += len(piece)
        yield piece
        if taken > size:
            return
        if taken < size and time.monotonic() > give_up:
            raise TransientFailure(
                f"of {size:,} bytes the store gave {taken:,} in {seconds + size / slowest:,.0f} s:"
                " look why it is so slow"
            )


def listed(pages: Iterable[Iterable[Thing]], *, seconds: float = SECONDS_OF_PATIENCE) -> Iterator[Thing]:
    """What is on the pages of a list, which may well be empty, but not for ever.

    TransientFailure if for longer than `seconds` there was nothing on any.
    """
    give_up = time.monotonic() + seconds
    for page in pages:
        for thing in page:
            yield thing
            give_up = time.monotonic() + seconds
        if time.monotonic() > give_up:
            raise TransientFailure(
                f"for {seconds:,.0f} s the store gave empty pages of its list, each with another to follow:"
                " look whether the address is right"
            )


class PacedResponse(HTTPResponse):
    """An answer that does not come for ever, byte by byte, each in time on its own.

    TimeoutError if we have waited for it longer than `seconds` and the time of the `slowest` store we wait
    for. HTTPException if there is much more to it than content, however fast that comes.
    """

    seconds: ClassVar[float] = SECONDS_OF_PATIENCE
    slowest: ClassVar[float] = SLOWEST

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Below its buffer: whoever reads a piece from that waits until it is full.
        self.fp = _Lines(_Paced(self.fp.detach(), seconds=self.seconds, slowest=self.slowest))

    def _read_status(self) -> tuple[str, int, str]:
        """The standard library waits for what follows on 100 alone: so all that is not the answer is called
        that. After 101 none follows.
        """
        version, status, reason = super()._read_status()  # type: ignore[misc]  # the stubs lack it
        interim = 100 <= status < 200 and status != HTTPStatus.SWITCHING_PROTOCOLS
        return version, HTTPStatus.CONTINUE if interim else status, reason


class _Lines(io.BufferedReader):
    """An answer as it is read: content by its length, all else line by line."""

    raw: "_Paced"

    def __init__(self, answer: "_Paced") -> None:
        super().__init__(answer)
        self._read_so = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        limited = size is not None and 0 <= size <= LONGEST_LINE + 1  # whoever asks so looks for themselves
        line = super().readline(size if limited else LONGEST_LINE + 1)
        self._read_so += len(line)
        content = self.raw.taken - self._read_so
        if self._read_so > BYTES_OF_LINES + content or (not limited and len(line) > LONGEST_LINE):
            raise HTTPException("more is said than an answer")
        return line


class _Paced(io.RawIOBase):
    """What comes on a connection. Counts the time we wait for it, not what we do with it meanwhile."""

    def __init__(self, connection: io.RawIOBase, *, seconds: float, slowest: float) -> None:
        self._connection = connection
        self._left = seconds
        self._slowest = slowest
        self.taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        started = time.monotonic()
        taken = self._connection.readinto(buffer)
        self.taken += taken or 0
        self._left += (taken or 0) / self._slowest - (time.monotonic() - started)
        if taken and self._left < 0:
            raise TimeoutError("what is said comes too slowly")
        return taken

    def close(self) -> None:
        self._connection.close()
        super().close()


class PacedConnection(HTTPConnection):
    """Sends piece by piece, each in time on its own: over a slow line, all of a large body takes long.

    TimeoutError if a piece is not taken in time, or we have waited for all of them longer than `seconds` and
    the time of the `slowest` store we wait for.
    """

    seconds: ClassVar[float] = SECONDS_OF_PATIENCE
    slowest: ClassVar[float] = SLOWEST
    seconds_per_piece: ClassVar[float] = SECONDS_PER_PIECE

    _left: float = SECONDS_OF_PATIENCE  # of a request to a proxy; others begin with `putrequest`

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        self._left = self.seconds
        super().putrequest(*args, **kwargs)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        clients = self.sock.gettimeout()  # which some clients mean for the connecting only
        self.sock.settimeout(self.seconds_per_piece)
        try:
            whole = memoryview(data).cast("B")
            for start in range(0, len(whole), PIECE):
                self._send(whole[start : start + PIECE])
        except HUNG_UP as error:
            # As without TLS; clients know then that it may have said why before.
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from error
        finally:
            self.sock.settimeout(clients)

    def _send(self, piece: memoryview) -> None:
        started = time.monotonic()
        super().send(piece)
        self._left += len(piece) / self.slowest - (time.monotonic() - started)
        if self._left < 0:
            raise TimeoutError("what is sent is taken too slowly")
