"""One GET to an address that a customer names: two seconds and a bounded answer, whatever the other side
does.

The time holds for everything together: finding the address, connecting, TLS, an answer that comes in drops.
"""

import io
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse
from importlib.metadata import version
from queue import Empty, SimpleQueue
from urllib.parse import quote, urljoin, urlsplit

from export_pipeline.connectors.addresses import Place, places_of
from export_pipeline.errors import PermanentFailure

SECONDS = 2.0  # what the webhook's document gives it

# An answer describes one record, which is a page of text at most.
MOST_BYTES = 256 * 1024

# From http to https, and from a name to the one with www, is two.
MOST_REDIRECTS = 3
REDIRECTS = (301, 302, 303, 307, 308)

# A resolver cannot be told to hurry, and may take a minute: so many wait for theirs at the most.
LOOKING_UP_AT_ONCE = 64

_looking_up = threading.BoundedSemaphore(LOOKING_UP_AT_ONCE)


class Reason(StrEnum):
    """Why a webhook's answer is not used."""

    NOT_ALLOWED = "not allowed"  # it is inside a network, where the operator lets nobody call
    UNREACHABLE = "unreachable"
    TOO_SLOW = "too slow"
    REFUSED = "refused"  # any other status than 200
    SENT_ELSEWHERE = "sent elsewhere"  # too often, or to what is no address of the web
    TOO_LARGE = "too large"
    UNREADABLE = "unreadable"  # not the JSON that was asked for
    BUSY = "busy"  # we were, with other requests for the organization
    UNFIT = "does not fit"  # it is not of its columns' types
    NOT_ASKED = "not asked"  # after it had failed too often in a row


class Unanswered(Exception):
    """There is no answer to be used. `reason` is all there is to know: texts may tell of the inside."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Deadline:
    """When all of a request has to be over, by the clock that never jumps."""

    at: float

    def left(self) -> float:
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def fetched(url: str, *, seconds: float = SECONDS, most_bytes: int = MOST_BYTES) -> bytes:
    """The body of the answer to a GET of `url`; redirects are followed to where everybody may call.

    Unanswered says why there is none. It raises nothing else.
    """
    deadline = _Deadline(time.monotonic() + seconds)
    try:
        for _ in range(1 + MOST_REDIRECTS):
            body, elsewhere = _asked(url, deadline, most_bytes)
            if elsewhere is None:
                return body
            url = urljoin(url, elsewhere)
    except PermanentFailure as error:
        raise Unanswered(Reason.NOT_ALLOWED) from error
    except TimeoutError as error:
        raise Unanswered(Reason.TOO_SLOW) from error
    except (OSError, HTTPException, ValueError) as error:  # the last: addresses that are none
        raise Unanswered(Reason.UNREACHABLE) from error
    raise Unanswered(Reason.SENT_ELSEWHERE)


def _asked(url: str, deadline: _Deadline, most_bytes: int) -> tuple[bytes, str | None]:
    """The body, or where to ask instead."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unanswered(Reason.SENT_ELSEWHERE)
    tls = parts.scheme == "https"
    connection = _Connection(parts.hostname, parts.port or (443 if tls else 80), deadline, tls=tls)
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~") + (
        "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~?") if parts.query else ""
    )
    with closing(connection):
        connection.request(
            "GET",
            target,
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Connection": "close",
                "User-Agent": f"export-pipeline/{version('export-pipeline')}",
            },
        )
        with connection.getresponse() as answer:
            if answer.status in REDIRECTS and (elsewhere := answer.headers.get("Location")):
                return b"", elsewhere
            return _body(answer, most_bytes), None


def _body(answer: HTTPResponse, most_bytes: int) -> bytes:
    if answer.status != 200:
        raise Unanswered(Reason.REFUSED)
    if (answer.length or 0) > most_bytes:
        raise Unanswered(Reason.TOO_LARGE)
    body = answer.read(most_bytes + 1)
    if len(body) > most_bytes:
        raise Unanswered(Reason.TOO_LARGE)
    if answer.length:  # the standard library takes a connection's end for that of the answer
        raise ConnectionError
    return body


class _Connection(HTTPConnection):
    """Connects where `addresses` lets it, by the deadline, and asks for the certificate of the name."""

    def __init__(self, host: str, port: int, deadline: _Deadline, *, tls: bool) -> None:
        super().__init__(host, port)
        self.default_port = 443 if tls else 80  # which the field Host leaves out
        self._deadline = deadline
        self._tls = tls

    def connect(self) -> None:
        connection = self._connected(_places(self.host, self.port, self._deadline))
        try:
            connection.settimeout(self._deadline.left())
            if self._tls:
                connection = _trusted().wrap_socket(connection, server_hostname=self.host)
        except BaseException:
            connection.close()
            raise
        # It does what http.client asks of a socket.
        self.sock = _Bounded(connection, self._deadline)

    def _connected(self, places: Sequence[Place]) -> socket.socket:
        """To the first that answers; one that does not leaves the others their share of the time."""
        for number, place in enumerate(places):
            share = self._deadline.left() / (len(places) - number)
            try:
                return place.connected(seconds=share)
            except OSError:
                if number == len(places) - 1:
                    raise
        raise AssertionError


class _Bounded:
    """A socket whose every step has the time that is left, so that drops do not add up."""

    def __init__(self, connection: socket.socket, deadline: _Deadline) -> None:
        self._connection = connection
        self._deadline = deadline
        self._handed_over = False

    def sendall(self, data: bytes) -> None:
        self._connection.settimeout(self._deadline.left())
        self._connection.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        self._handed_over = True
        return io.BufferedReader(_Received(self._connection, self._deadline))

    def close(self) -> None:
        # http.client lets go of a connection once its answer is the last, whose stream then ends it.
        if not self._handed_over:
            self._connection.close()


class _Received(io.RawIOBase):
    """What arrives, as a stream."""

    def __init__(self, connection: socket.socket, deadline: _Deadline) -> None:
        super().__init__()
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # its type has no name yet
        self._connection.settimeout(self._deadline.left())
        return self._connection.recv_into(buffer)

    def close(self) -> None:
        self._connection.close()
        super().close()


@cache
def _trusted() -> ssl.SSLContext:
    """Read once: it takes longer than an answer, and thousands are asked for."""
    return ssl.create_default_context()


def _places(host: str, port: int, deadline: _Deadline) -> Sequence[Place]:
    """The addresses of a host, by a thread that is left behind when the resolver takes too long."""
    if not _looking_up.acquire(timeout=deadline.left()):
        raise TimeoutError
    found: SimpleQueue[Sequence[Place] | Exception] = SimpleQueue()

    def look_up() -> None:
        try:
            found.put(places_of(host, port))
        except Exception as error:
            found.put(error)
        finally:
            _looking_up.release()

    threading.Thread(target=look_up, name="webhook's address", daemon=True).start()
    try:
        places = found.get(timeout=deadline.left())
    except Empty as error:
        raise TimeoutError from error
    if isinstance(places, Exception):
        raise places
    return places
