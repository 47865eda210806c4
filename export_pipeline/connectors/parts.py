"""Cuts a stream of bytes into the parts that a store joins into one object."""

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO

from export_pipeline.errors import PermanentFailure

MIB = 1 << 20

# S3's rules; the last part may be smaller than 5 MiB, the others not.
MAX_PARTS = 10_000
MAX_PART_BYTES = 5 << 30
MAX_OBJECT_BYTES = 5 << 40

# Most files are one or a few parts, and this much memory is used per upload.
FIRST_PART_BYTES = 8 * MIB

# Parts double every so many, so that 10,000 of them hold more than the largest object: 8 MiB for the first
# 8 GB of a file, 16 MiB up to 24 GB, ... 4 GiB.
PARTS_BEFORE_DOUBLING = 1_000

# A part that is larger than this waits in a temporary file: those come after the first 56 GB.
LARGEST_PART_IN_MEMORY = 32 * MIB


def part_size(number: int) -> int:
    """How many bytes part `number` (from 1) takes when it is full."""
    return FIRST_PART_BYTES << ((number - 1) // PARTS_BEFORE_DOUBLING)


class Part:
    """A part being filled. Bytes are copied once, into it; the client that sends it reads from it."""

    def __init__(self, number: int) -> None:
        if number > MAX_PARTS:
            raise PermanentFailure(
                "the file is larger than any object may be; export fewer rows into one file"
            )
        self.number = number
        self.body = SpooledTemporaryFile(max_size=LARGEST_PART_IN_MEMORY)  # noqa: SIM115  # closed by `close`
        self._room = part_size(number)

    def take(self, data: memoryview) -> memoryview:
        """Fill the part from `data`; gives what did not fit."""
        self.body.write(data[: self._room])
        rest = data[self._room :]
        self._room -= len(data) - len(rest)
        return rest

    @property
    def size(self) -> int:
        return part_size(self.number) - self._room

    def pieces(self) -> Iterator[bytes]:
        """All of it, a megabyte at a time."""
        self.body.seek(0)
        while piece := self.body.read(MIB):
            yield piece

    def content(self, start: int = 0) -> bytes | IO[bytes]:
        """All of it from there on: as bytes, unless it waits in a file."""
        self.body.seek(start)
        return self.body.read() if self.size <= LARGEST_PART_IN_MEMORY else self.body

    def close(self) -> None:
        self.body.close()


class Parts:
    """The part being filled, and the full ones before it."""

    def __init__(self) -> None:
        self.last = Part(1)

    def add(self, data: bytes) -> Iterator[Part]:
        """Take bytes in; give each part that is full *and* followed by more: the last is never empty."""
        rest = self.last.take(memoryview(data))
        while rest:
            yield self.last
            self.last.close()
            self.last = Part(self.last.number + 1)
            rest = self.last.take(rest)

    def close(self) -> None:
        self.last.close()
