"""HTTP as the server reads it, in bounds: nobody needs a key to send the head of a request."""

import asyncio
from typing import Any, ClassVar, NoReturn

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from export_pipeline.api.http_parser import HttpParser

# Bytes of an address and all fields, and once more of all requests that wait for their turn together. Filters
# may stand in an address.
MOST_OF_A_HEAD = 64 << 10

# Requests that are sent behind one that is not answered yet. Each takes two kilobytes.
MOST_BEHIND = 32

# What a field takes besides its bytes.
OF_A_FIELD = 100

# Small pieces of a body that come when its request is answered: to throw away one of a byte takes as long as
# a large one, and nobody else is served then.
MOST_LATE = 2_000
SMALL = 512

TOO_LARGE = (
    f"Address and fields, or those of all requests that wait for an answer, are larger than"
    f" {MOST_OF_A_HEAD:,} bytes together; send less."
)
TOO_LATE = "The request's address and fields did not come in time; send it again."

# What of a connection is read in one turn, before everybody's comes: so many bytes, or more of them while
# they hold few fields and pieces of a body. Hundreds stand in as many bytes where they are of one.
A_TURN = 2 << 10
MOST_IN_A_TURN = 200

NOTHING = memoryview(b"")


class BoundedHttp(HttpToolsProtocol):
    """A connection. It is closed, with 400, where more is sent than any client of ours sends."""

    # For a head, from its first byte to its last, or for a connection's first one.
    seconds: ClassVar[float] = 20.0

    transport: asyncio.Transport
    flow: "Flow"

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.parser = HttpParser(self)
        self._of_fields = 0
        self._unread = 0
        self._read = False
        self._late = 0
        self._rest = NOTHING
        self._pieces = 0
        self._until: asyncio.TimerHandle | None = None
        self._why: str | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = Flow(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._wait_no_more()
        self._unset_keepalive_if_required()
        # Each knows the connection, and would keep it until somebody looks for cycles.
        self.pipeline.clear()
        self.cycle = None  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        waits = bool(self._rest)
        self._rest = memoryview(bytes(self._rest) + data if waits else data)
        if not waits:
            self._take_turn()

    def _take_turn(self) -> None:
        self._pieces = 0
        while self._rest and self._pieces <= MOST_IN_A_TURN and not self.transport.is_closing():
            part, self._rest = self._rest[:A_TURN], self._rest[A_TURN:]
            self._read_part(bytes(part))
        if self.transport.is_closing():
            self._rest = NOTHING
        elif self._rest:
            self.flow.hold()
            self.loop.call_soon(self._take_turn)
        else:
            self.flow.let_go()

    def _read_part(self, data: bytes) -> None:
        self._read = False
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._read:
            self._unread = 0
            self._wait_no_more()
            return
        # What the parser still waits for the end of: one field, or what stands between the pieces of a body.
        self._unread += len(data)
        if self._unread > MOST_OF_A_HEAD:
            self.send_400_response(TOO_LARGE)
        elif self._until is None:
            self._wait()

    def send_400_response(self, msg: str) -> None:
        super().send_400_response(self._why or msg)

    def on_message_begin(self) -> None:
        self._late = 0
        if not self.pipeline:
            self._of_fields = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._pieces += 1
        self._count(len(name) + len(value) + OF_A_FIELD)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._read = True
        super().on_headers_complete()
        if len(self.pipeline) > MOST_BEHIND:
            self._refuse(
                f"More than {MOST_BEHIND} requests wait for an answer; take those before more are sent."
            )

    def on_body(self, body: bytes) -> None:
        self._read = True
        self._pieces += 1
        super().on_body(body)
        self._late += self.cycle.response_complete and len(body) < SMALL
        if self._late > MOST_LATE:
            self._refuse("The request was answered; send no more of its body.")

    def on_message_complete(self) -> None:
        self._read = True
        super().on_message_complete()

    def _wait(self) -> None:
        self._until = self.loop.call_later(self.seconds, self._waited)

    def _wait_no_more(self) -> None:
        if self._until is not None:
            self._until.cancel()
            self._until = None

    def _waited(self) -> None:
        """Close the connection, but where it waits for us: behind an answer nothing may be read."""
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait()
        elif self._unread:
            self.send_400_response(TOO_LATE)
        else:
            self.transport.close()

    def _count(self, size: int) -> None:
        self._of_fields += size
        if self._of_fields > MOST_OF_A_HEAD:
            self._refuse(TOO_LARGE)

    def _refuse(self, why: str) -> NoReturn:
        self._why = why
        raise TooMuch(why)


class Flow(FlowControl):
    """When more is read of a connection: where its request takes more, and nothing waits for its turn."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self._held = False

    def hold(self) -> None:
        self._held = True
        self._transport.pause_reading()

    def let_go(self) -> None:
        if self._held:
            self._held = False
            if not self.read_paused:
                self._transport.resume_reading()

    def resume_reading(self) -> None:
        if self._held:
            self.read_paused = False
        else:
            super().resume_reading()


class TooMuch(Exception):
    """More was sent than is taken. The parser ends by it, and uvicorn answers 400 and closes."""
