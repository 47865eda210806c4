"""Asks again while the other side is busy or cannot be heard, and waits as long as it says."""

import random
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from traceback import walk_tb
from typing import TypeVar

from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from export_pipeline.errors import Conflict, HourFailed, TransientFailure

# In all, the first one included. The waits double, about eight seconds together: whoever needs longer than
# that to come back is tried again by the run.
ATTEMPTS_PER_REQUEST = 5
FIRST_WAIT = 0.5

# A store that asks for more is not waited for: a thread that sleeps for an hour helps nobody.
LONGEST_WAIT = 60.0

Answer = TypeVar("Answer")


def retried(request: Callable[[], Answer], *, sleep: Callable[[float], None] = time.sleep) -> Answer:
    """What `request` gives, made again while it raises TransientFailure, but not when that is a Conflict.

    `request` must not mind being made twice: its answer may be what was lost. Then whatever failure the last
    answer means is `unheard`.
    """
    unheard = False
    attempt = 0
    while True:
        attempt += 1
        try:
            return request()
        except HourFailed as failure:
            failure.unheard = unheard = unheard or failure.unheard
            if not isinstance(failure, TransientFailure) or isinstance(failure, Conflict):
                raise
            if attempt == ATTEMPTS_PER_REQUEST or (failure.wait or 0) > LONGEST_WAIT:
                raise
            sleep(wait_before(attempt + 1, failure.wait))


def wait_before(attempt: int, asked: float | None) -> float:
    """How many seconds to wait before the `attempt` (from 2): what was asked for, if anything was, and more.

    A random part keeps those apart who were sent away together.
    """
    doubling = FIRST_WAIT * 2 ** (attempt - 2)
    return (asked or 0) + random.uniform(0 if asked else doubling / 2, doubling)  # noqa: S311  # no secret


def seconds_of(retry_after: str | None) -> float | None:
    """The header Retry-After, a number of seconds or a date, as seconds from now; None if it is neither."""
    if retry_after is None:
        return None
    try:
        return max(0.0, float(int(retry_after)))
    except (ValueError, OverflowError):
        pass
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


# These say that nothing was done: it cannot be, or not now, or there is no room for it (507). Stores answer
# 503, as they do 408 and 429, to what they do not begin with; who took it for a lost answer might write over
# another's object. The others from 500 on come of a store that broke down over a request, or of a gateway
# that lost sight of it.
_TURNED_AWAY = (501, 503, 505, 507)

# Of a request that was never sent, as nobody took the call.
_NOT_CONNECTED = (ConnectionRefusedError, socket.gaierror, ConnectTimeoutError, NewConnectionError)

# Other errors look the same before and after. What was raised in functions of these names came before the
# request: the standard library, the vendors' clients and we call a proxy and shake hands (TLS) in the first;
# Amazon's and Microsoft's ask for the machine's own credentials, and Google's for tokens, in the others.
_BEFORE_THE_REQUEST = {"connect", "get_frozen_credentials", "get_token", "get_token_info", "refresh"}


def unanswered(message: str, error: BaseException) -> TransientFailure:
    """The failure that nobody answered: `unheard`, unless `error` says that no connection came about."""
    failure = TransientFailure(message)
    failure.unheard = was_sent(error)
    return failure


def was_sent(error: BaseException) -> bool:
    """Whether a request that ended in `error` may have reached somebody."""
    return not any(isinstance(cause, _NOT_CONNECTED) or _came_early(cause) for cause in _causes(error))


def leaves_open(status: int) -> bool:
    """Whether an answer of that HTTP status, where it is a failure, may follow on what was asked for."""
    return 200 <= status < 300 or (status >= 500 and status not in _TURNED_AWAY)


def _came_early(error: BaseException) -> bool:
    return any(frame.f_code.co_name in _BEFORE_THE_REQUEST for frame, _line in walk_tb(error.__traceback__))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Each once: by way of what Azure's client keeps they can lead in a circle, when one was met on the way
    out of another.
    """
    met: set[int] = set()
    while error is not None and id(error) not in met:
        met.add(id(error))
        yield error
        error = error.__cause__ or error.__context__ or getattr(error, "inner_exception", None)


def reason_of(error: BaseException | None) -> str:
    """Why nobody answered, as the system says it; nothing of what was asked, which may be secret."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        if isinstance(cause, TimeoutError):
            return "it took too long"
    return "the connection broke off"
