"""Turns: so many requests of somebody are worked on at once, and their others wait for those.

They wait without a thread and without a connection to the database, which everybody else needs.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from anyio import Semaphore, WouldBlock

from export_pipeline.errors import TooManyRequests

# Of those who have a turn, or wait for one.
_turns: WeakValueDictionary[tuple[str, int], Semaphore] = WeakValueDictionary()

# Whoever waits keeps what was sent: a body in memory.
MOST_UNDER_WAY = 32
SECONDS_TO_WAIT = 5


@asynccontextmanager
async def turn(whose: str, at_once: int) -> AsyncIterator[None]:
    """One of `at_once` turns of somebody's, in the order in which they were asked for."""
    turns = _turns.setdefault((whose, at_once), Semaphore(at_once))
    async with turns:
        yield


@asynccontextmanager
async def room(whose: str, most: int = MOST_UNDER_WAY) -> AsyncIterator[None]:
    """To be one of somebody's requests that are under way, or wait. TooManyRequests if they are `most`."""
    places = _turns.setdefault((whose, -most), Semaphore(most))
    try:
        places.acquire_nowait()
    except WouldBlock as error:
        raise TooManyRequests(
            f"{most} requests of yours are under way; wait for their answers", wait=SECONDS_TO_WAIT
        ) from error
    try:
        yield
    finally:
        places.release()
