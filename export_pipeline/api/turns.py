"""Turns: so many requests of somebody are worked on at once, and their others wait for those.

They wait without a thread and without a connection to the database, which everybody else needs.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from anyio import Semaphore

# Of those who have a turn, or wait for one.
_turns: WeakValueDictionary[tuple[str, int], Semaphore] = WeakValueDictionary()


@asynccontextmanager
async def turn(whose: str, at_once: int) -> AsyncIterator[None]:
    """One of `at_once` turns of somebody's, in the order in which they were asked for."""
    turns = _turns.setdefault((whose, at_once), Semaphore(at_once))
    async with turns:
        yield
