"""Looks at what may never answer: all who ask wait for the same one, and not for long."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

Found = TypeVar("Found")


class SharedLook(Generic[Found]):
    """`look`, of which one is under way at a time: however many ask of what hangs, it has one thread.

    A thread of its own, so that requests that hang for the same reason do not keep a look from beginning.
    """

    def __init__(self, look: Callable[[], Found], *, seconds: float) -> None:
        self._look = look
        self._seconds = seconds
        self._under_way: Future[Found] | None = None

    async def found(self) -> Found:
        """What the look finds. TimeoutError: it has found nothing for so many seconds."""
        if self._under_way is None or self._under_way.done():
            self._under_way = self._begun()
        async with asyncio.timeout(self._seconds):
            return await asyncio.wrap_future(self._under_way)

    def _begun(self) -> Future[Found]:
        future: Future[Found] = Future()
        future.set_running_or_notify_cancel()  # from now on who waits no longer ends it for nobody else

        def look() -> None:
            try:
                future.set_result(self._look())
            except Exception as error:
                future.set_exception(error)

        # No process waits for it when it ends.
        threading.Thread(target=look, name="look", daemon=True).start()
        return future
