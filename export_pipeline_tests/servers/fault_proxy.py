"""An HTTP/1.1 proxy on 127.0.0.1 that fails where a test tells it to, in front of any real server."""

import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import BinaryIO, Self

PIECE = 1 << 16
SECONDS_OF_SLOWNESS = 0.5
UNAVAILABLE_BODY = b"<Error><Code>SlowDown</Code><Message>please reduce your request rate</Message></Error>"


class Fault(Enum):
    """What goes wrong with a request."""

    UNAVAILABLE = "the proxy answers 503; the server never hears of the request"
    THROTTLED = "the proxy answers 429 and asks for a second; the server never hears of the request"
    RESET = "the connection breaks; the server never hears of the request"
    RESET_AFTER = "the server does what was asked, and the connection breaks before it can say so"
    GAVE_UP = "the server does what was asked, and the proxy answers 504 in its place"
    TRUNCATED = "the server does what was asked, and its answer breaks off in the middle"
    SPOILT = "the server does what was asked, and says that it took something else than was sent"
    UNCONDITIONAL = "the server is not told on what condition, and does it"
    SLOW = "the server does what was asked, and its answer takes a while"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instead:
    """What the proxy answers in the server's place, which hears of the request only if it is `done`."""

    status: str
    body: bytes = b""
    kind: str = "application/xml"
    fields: Mapping[str, str] = field(default_factory=dict)
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as its first line has it; `path` includes the query. Names of `fields` are in lower case."""

    method: str
    path: str
    fields: Mapping[str, str] = field(default_factory=dict, compare=False)


ANSWERED_INSTEAD: Mapping[Fault, Instead] = {
    Fault.UNAVAILABLE: Instead(status="503 Service Unavailable", body=UNAVAILABLE_BODY),
    Fault.THROTTLED: Instead(
        status="429 Too Many Requests", body=UNAVAILABLE_BODY, fields={"Retry-After": "1"}
    ),
    Fault.GAVE_UP: Instead(
        status="504 Gateway Timeout", body=b"<html>gateway timeout</html>", kind="text/html", done=True
    ),
}

# The fields in which servers tell checksums of what they took, and what they say of other bytes.
_CHECKSUM = re.compile(
    rb"(?<=\r\n)(x-amz-checksum-crc32: )[^\r]*|(?<=\r\n)(repr-digest: sha-256=)[^\r]*", re.IGNORECASE
)


def _of_other_bytes(head: bytes) -> bytes:
    return _CHECKSUM.sub(
        lambda told: (told[1] + b"AAAAAA==") if told[1] else (told[2] + b":" + b"A" * 43 + b"=:"), head
    )


# What says it, in a field or in the address.
_CONDITION = re.compile(rb"(?<=\r\n)if-(none-)?match(?=:)|(?<=[?&])ifGenerationMatch(?==)", re.IGNORECASE)

# Asked once per request, in order of arrival; None lets the request pass.
Plan = Callable[[Request], Fault | Instead | None]


def no_fault(_: Request) -> None:
    """The plan of a proxy that passes everything on."""


def nothing(_: Request) -> bool:
    """Concerns no request."""
    return False


@dataclass(slots=True)
class Once:
    """A plan: the first `times` requests that `concerns` fail with `fault`, all others pass."""

    fault: Fault | Instead
    concerns: Callable[[Request], bool]
    times: int = 1
    met: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Fault | Instead | None:
        if len(self.met) == self.times or not self.concerns(request):
            return None
        self.met.append(request)
        return self.fault


class _Message:
    """The head of a request or an answer, and how to pass on the body that follows it."""

    def __init__(self, head: bytes, source: BinaryIO) -> None:
        self.head = head
        self._source = source
        lines = head.decode("latin-1").split("\r\n")
        self.first_line = lines[0]
        self.fields = {
            name.strip().casefold(): value.strip()
            for name, _, value in (line.partition(":") for line in lines[1:] if line)
        }

    @classmethod
    def read(cls, source: BinaryIO) -> Self | None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = source.readline()
            if not line:
                return None
            head += line
        return cls(head, source)

    @property
    def waits_for_permission(self) -> bool:
        return self.fields.get("expect", "").casefold() == "100-continue"

    def addressed(self, old: str, new: str) -> bytes:
        """The head; where it sends whoever reads it to `old`, it sends them to `new`."""
        return self.head.replace(f"http://{old}/".encode(), f"http://{new}/".encode())

    def body(self) -> Iterator[bytes]:
        if self.fields.get("transfer-encoding", "").casefold() == "chunked":
            while True:
                line = self._source.readline()
                yield line
                size = int(line.split(b";")[0], 16)
                yield from self._pieces(size + 2)
                if not size:
                    return
        yield from self._pieces(int(self.fields.get("content-length", "0")))

    def _pieces(self, size: int) -> Iterator[bytes]:
        while size:
            piece = self._source.read(min(size, PIECE))
            if not piece:
                raise ConnectionError("the message ends too early")
            size -= len(piece)
            yield piece


class FaultProxy:
    """Passes requests on to `upstream_port` as `plan` allows; those that are `serial` one after another."""

    def __init__(self, upstream_port: int, plan: Plan, *, serial: Callable[[Request], bool]) -> None:
        self._upstream_port = upstream_port
        self._plan = plan
        self._serial = serial
        self._turn = threading.Lock()
        self._planning = threading.Lock()
        self._open: list[socket.socket] = []
        self.arrivals: list[tuple[Request, float]] = []  # every request, and when it came
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://{self._address}"

    @property
    def _address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        # Waking the threads: closing a socket does not, where another thread waits on it.
        for waiting in (self._listener, *self._open):
            with suppress(OSError):
                waiting.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, ValueError), client, client.makefile("rb") as asked:
            self._open.append(client)
            with (
                socket.create_connection(("127.0.0.1", self._upstream_port)) as server,
                server.makefile("rb") as answers,
            ):
                self._open.append(server)
                while (request := _Message.read(asked)) and self._pass_on(request, client, server, answers):
                    pass

    def _pass_on(
        self, message: _Message, client: socket.socket, server: socket.socket, answers: BinaryIO
    ) -> bool:
        """Whether the connection is good for another request."""
        method, path, _ = message.first_line.split(" ", 2)
        request = Request(method=method, path=path, fields=message.fields)
        with self._planning:
            self.arrivals.append((request, time.monotonic()))
            fault = self._plan(request)
        instead = ANSWERED_INSTEAD.get(fault) if isinstance(fault, Fault) else fault
        if instead and not instead.done:
            if not message.waits_for_permission:
                for _ in message.body():
                    pass
            return _answer(client, instead)
        if fault is Fault.RESET:
            _break(client)
            return False
        if fault is Fault.UNCONDITIONAL:
            message.head = _CONDITION.sub(b"unheeded", message.head)
        with self._turn if self._serial(request) else nullcontext():
            answer = self._exchange(message, client, server, answers)
        if answer is None:
            return False
        if fault is Fault.RESET_AFTER:
            _break(client)
            return False
        if instead:
            return _answer(client, instead)
        head = answer.addressed(f"127.0.0.1:{self._upstream_port}", self._address)
        bodiless = method == "HEAD" or any(status in answer.first_line for status in (" 204 ", " 304 "))
        body: Iterator[bytes] = iter(()) if bodiless else answer.body()
        if fault is Fault.TRUNCATED:
            whole = b"".join(body)
            client.sendall(head + whole[: len(whole) // 2] if whole else b"HTTP/1.1 2")
            return False
        if fault is Fault.SPOILT:
            head = _of_other_bytes(head)
        if fault is Fault.SLOW:
            time.sleep(SECONDS_OF_SLOWNESS)
        client.sendall(head)
        _send(body, client)
        return True

    def _exchange(
        self, message: _Message, client: socket.socket, server: socket.socket, answers: BinaryIO
    ) -> _Message | None:
        """The server's answer, its body still unread; None if it has hung up."""
        server.sendall(message.head)
        if message.waits_for_permission:
            answer = _Message.read(answers)
            if answer is None or " 100 " not in answer.first_line:
                return answer
            client.sendall(answer.head)
        _send(message.body(), server)
        answer = _Message.read(answers)
        while answer and " 100 " in answer.first_line:
            answer = _Message.read(answers)
        return answer


def _answer(client: socket.socket, instead: Instead) -> bool:
    """Not good for another request: the server's own answer is still on its way."""
    fields = {**instead.fields, "Content-Length": str(len(instead.body)), "Content-Type": instead.kind}
    lines = [f"HTTP/1.1 {instead.status}", *(f"{name}: {value}" for name, value in fields.items())]
    client.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode() + instead.body)
    return False


def _send(pieces: Iterator[bytes], receiver: socket.socket) -> None:
    for piece in pieces:
        receiver.sendall(piece)


def _break(client: socket.socket) -> None:
    """Close so that the other side sees a reset, not an orderly end."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def fault_proxy(
    upstream_port: int, plan: Plan = no_fault, *, serial: Callable[[Request], bool] = nothing
) -> Iterator[FaultProxy]:
    """A proxy for the length of a block."""
    proxy = FaultProxy(upstream_port, plan, serial=serial)
    try:
        yield proxy
    finally:
        proxy.close()
