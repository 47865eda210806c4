"""Bytes that are made while they are sent, by threads of their own."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

# Making a piece takes time: it is read, unpacked and packed again. Other requests have other threads, however
# many download and however slow a store is.
PIECES_AT_ONCE = 4

_MAKERS = CapacityLimiter(PIECES_AT_ONCE)

T = TypeVar("T")


async def begun(begin: Callable[[], T]) -> T:
    """What comes before the first piece, by the same threads: a store is asked already."""
    return await to_thread.run_sync(begin, limiter=_MAKERS)


async def sent(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces, each made when the one before has gone: whoever reads slowly keeps nothing but his own.

    An empty one is not sent: others have had their turn.
    """
    while (piece := await to_thread.run_sync(next, pieces, None, limiter=_MAKERS)) is not None:
        if piece:
            yield piece
