"""Compressing a file while it is written, and reading it back: the same bytes in, the same bytes out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import RawIOBase
from typing import Any, BinaryIO, Literal, Protocol, assert_never

import pyarrow as pa
from isal import igzip, igzip_lib, isal_zlib

from export_pipeline.errors import TransientFailure

Compression = Literal["none", "gzip", "zstd"]

# What a compressed file's name gets, after the format's own ending.
SUFFIXES: dict[Compression, str] = {"none": "", "gzip": ".gz", "zstd": ".zst"}

# Compressors are fed pieces of exactly this size. igzip's output depends on how its input is cut,
# so the cuts must not depend on how rows came in; and small writes cost more than the compression.
PIECE = 2**20

# Of igzip's four levels. For CSV of 1,000,000 rows of 20 columns, 399 MB, on one core:
# level 0: 0.65 s, 157 MB; level 1: 0.71 s, 120 MB; level 2: 0.82 s, 120 MB; level 3: 1.10 s, 118 MB.
GZIP_LEVEL = 1

# Its type stub takes the class for an instance.
DAMAGED: type[Exception] = igzip_lib.IsalError  # type: ignore[assignment]

# A gzip header and trailer around the deflated data; the header then has neither time nor name.
GZIP_WINDOW = 31


class Writer(Protocol):
    """Takes bytes, and is finished by whoever opened it."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Take the next bytes."""


@contextmanager
def compressed(sink: BinaryIO, compression: Compression) -> Iterator[Writer]:
    """Writes what it is given to `sink`, compressed; `sink` stays open.

    The file is ended when the block is left in peace. After an error it has no end, so that no
    reader takes it for a whole one.
    """
    match compression:
        case "none":
            yield sink
        case "gzip":
            deflate = isal_zlib.compressobj(GZIP_LEVEL, isal_zlib.DEFLATED, GZIP_WINDOW)
            pieces = _Pieces(lambda data: sink.write(deflate.compress(data)))
            yield pieces
            pieces.flush()
            sink.write(deflate.flush())
        case "zstd":
            lent = Lent(sink)
            stream = pa.CompressedOutputStream(pa.PythonFile(lent, "w"), "zstd")
            try:
                pieces = _Pieces(stream.write)
                yield pieces
                pieces.flush()
            except BaseException:
                lent.take_back()
                raise
            finally:
                stream.close()
        case _:
            assert_never(compression)


def decompressed(source: BinaryIO, compression: Compression) -> Iterator[bytes]:
    """The bytes that were compressed into `source`, in pieces of at most a megabyte.

    TransientFailure when the file is cut off or its damage shows: writing it again may help. gzip has a
    checksum of its contents; zstd as Arrow writes it has none, so there the digest of the file must tell.
    """
    lent = Lent(source)
    try:
        reader: Any
        match compression:
            case "none":
                reader = source
            case "gzip":
                reader = igzip.open(lent, "rb")  # type: ignore[no-untyped-call]  # isal types this one not
            case "zstd":
                reader = pa.CompressedInputStream(pa.PythonFile(lent, "r"), "zstd")
            case _:
                assert_never(compression)
        while piece := reader.read(PIECE):
            yield piece
    except (EOFError, OSError, DAMAGED) as error:
        raise TransientFailure(
            f"the {compression} file is damaged or cut off ({error}); write it again"
        ) from error
    if compression != "none" and not lent.touched:
        raise TransientFailure(f"the {compression} file is empty, without even an end; write it again")


class Lent(RawIOBase):
    """A file in the hands of a library that wants to close it, or to write after the end: neither happens."""

    def __init__(self, file: BinaryIO) -> None:
        self._file: BinaryIO | None = file
        self.touched = False

    def readinto(self, buffer: Any, /) -> int:
        assert self._file is not None
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self.touched = self.touched or bool(data)
        return len(data)

    def write(self, data: Any, /) -> int:
        return len(data) if self._file is None else self._file.write(data)

    def take_back(self) -> None:
        """Let nothing more be written: what the library says at its end would look like a whole file."""
        self._file = None

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def flush(self) -> None:
        """Nothing is held back here."""

    def close(self) -> None:
        """The file is closed by the one who opened it."""


class _Pieces:
    """Hands on the bytes it is given in pieces of exactly PIECE, the last one shorter."""

    def __init__(self, hand_on: Callable[[bytes | memoryview], object]) -> None:
        self._hand_on = hand_on
        self._waiting = bytearray()

    def write(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        if self._waiting:
            missing = PIECE - len(self._waiting)
            self._waiting += view[:missing]
            view = view[missing:]
            if len(self._waiting) < PIECE:
                return
            self.flush()
        whole = len(view) - len(view) % PIECE
        for start in range(0, whole, PIECE):
            self._hand_on(view[start : start + PIECE])
        self._waiting += view[whole:]

    def flush(self) -> None:
        if self._waiting:
            self._hand_on(bytes(self._waiting))
            self._waiting.clear()
