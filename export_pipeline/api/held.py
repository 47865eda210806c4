"""Bodies, as far as they have come: what is held of all of them together, until their requests are over.

Nobody needs a key to send one, so nobody may keep the room from others. Where none is left, the one goes
whose answer has waited longest to be taken, as only long ones do; if there is none, the one that began first
and has not come to its end.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from traceback import clear_frames

from anyio import CancelScope, current_time
from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Send

# Of each so much is not counted: servers keep as much of every connection. What is small is always taken.
UNCOUNTED = 64 << 10

SECONDS_TO_WAIT = 5


class Body:
    """One body. How much of it has come is `taken`, of that is `counted` what all together have room for."""

    def __init__(self, held: "Held", seconds: float) -> None:
        self.taken = 0
        self.counted = 0
        self.answered = False
        self._held = held
        self._seconds = seconds
        self._late_at: float | None = None
        self._whole = False
        self._shed = False
        self._receiving = self._sending = CancelScope()

    async def next(self, receive: Receive) -> Message:
        """What comes next of it. HTTPException: that takes too long, or there is no room."""
        if self._late_at is None:  # what came before may have taken longer: a turn, or our own work
            self._late_at = current_time() + self._seconds
        message: Message | None = None
        with CancelScope(
            deadline=math.inf if self._whole or self.answered else self._late_at
        ) as self._receiving:
            message = await receive()
        if self.answered:
            return await receive() if message is None else message
        if message is not None:
            self._whole = not message.get("more_body", False)
            self._held.take(self, len(message.get("body", b"")), whole=self._whole)
        if self._shed:
            raise HTTPException(503, headers={"Retry-After": str(SECONDS_TO_WAIT)})
        if message is None:
            raise HTTPException(408)
        return message

    async def thrown_away(self, receive: Receive) -> None:
        """Wait until all of it has come, and keep nothing. HTTPException: that takes too long."""
        with CancelScope(deadline=current_time() + self._seconds):
            while (await receive()).get("more_body", False):
                pass
            return
        raise HTTPException(408)

    async def answer(self, send: Send, message: Message) -> None:
        """Send what answers it: from then on what comes of it is thrown away, and neither counted nor waited
        for. ClientDisconnect: the answer is not taken, and others need the room.
        """
        self.answered = True
        self._receiving.deadline = math.inf
        if not self.counted:
            await send(message)
            return
        with CancelScope() as self._sending, self._held.answering(self):
            await send(message)
        if self._sending.cancelled_caught:
            raise ClientDisconnect

    def shed(self) -> None:
        """Wait for its client no more: others need the room."""
        self._shed = True
        self._receiving.cancel()
        self._sending.cancel()


class Held:
    """All bodies that come to one event loop: `most` bytes of them together, and each within `seconds`."""

    def __init__(self, *, most: int, seconds: float) -> None:
        self.bytes = 0
        self._most = most
        self._seconds = seconds
        # In the order in which they began.
        self._unfinished: dict[Body, None] = {}
        self._untaken: dict[Body, None] = {}

    @contextmanager
    def body(self) -> Iterator[Body]:
        """The body of a request, which is given back when that is over, however it ends."""
        body = Body(self, self._seconds)
        try:
            yield body
        finally:
            self._give_back(body)

    def take(self, body: Body, size: int, *, whole: bool) -> None:
        """Count what has come of a body, and make room for it."""
        body.taken += size
        more = max(0, body.taken - UNCOUNTED) - body.counted
        body.counted += more
        self.bytes += more
        if whole:
            self._unfinished.pop(body, None)
        else:
            self._unfinished.setdefault(body, None)
        while self.bytes > self._most:
            one = next((one for one in chain(self._untaken, self._unfinished) if one.counted), body)
            self._give_back(one)
            one.shed()

    @contextmanager
    def answering(self, body: Body) -> Iterator[None]:
        """While the answer to a body waits to be taken. No more is waited for of the body."""
        self._unfinished.pop(body, None)
        self._untaken[body] = None
        try:
            yield
        finally:
            del self._untaken[body]

    def _give_back(self, body: Body) -> None:
        self._unfinished.pop(body, None)
        self.bytes -= body.counted
        body.counted = 0


def let_go(request: Request, error: Exception) -> None:
    """Keep nothing of a body that ended in `error` until its answer is taken, which may be never: it takes
    many times what was sent, and what was sent may not be counted any more.
    """
    clear_frames(error.__traceback__)
    error.__cause__ = error.__context__ = None
    for read in ("_body", "_json"):  # by the framework
        request.__dict__.pop(read, None)
    if isinstance(error, RequestValidationError):
        error.body, error._errors, error.args = None, (), ()
