"""HTTP as the server reads it, in bounds: nobody needs a key to send the head of a request."""

import asyncio
from typing import Any, NoReturn

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Bytes of an address and all fields. Filters may stand in an address.
MOST_OF_A_HEAD = 64 << 10

# Requests that are sent behind one that is not answered yet. Each takes two kilobytes.
MOST_BEHIND = 32

# What a field takes besides its bytes.
OF_A_FIELD = 100

# Small pieces of a body that come when its request is answered: to throw away one of a byte takes as long as
# a large one, and nobody else is served then.
MOST_LATE = 2_000
SMALL = 512

TOO_LARGE = f"Address and fields are larger than {MOST_OF_A_HEAD:,} bytes together; send less."

FRAMING = (b"content-length", b"transfer-encoding")


class BoundedHttp(HttpToolsProtocol):
    """A connection. It is closed, with 400, where more is sent than any client of ours sends."""

    transport: asyncio.Transport

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._of_fields = 0
        self._unread = 0
        self._read = False
        self._late = 0
        self._why: str | None = None

    def data_received(self, data: bytes) -> None:
        self._read = False
        super().data_received(data)
        # What the parser still waits for the end of: one field, or what stands between the pieces of a body.
        self._unread = 0 if self._read else self._unread + len(data)
        if self._unread > MOST_OF_A_HEAD and not self.transport.is_closing():
            self.send_400_response(TOO_LARGE)

    def send_400_response(self, msg: str) -> None:
        super().send_400_response(self._why or msg)

    def on_message_begin(self) -> None:
        self._of_fields = self._late = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + OF_A_FIELD)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._read = True
        # The parser takes what follows for another protocol: the body would be dropped, or be a request.
        if self.parser.should_upgrade() and any(name in FRAMING for name, _ in self.headers):
            self._refuse(
                "A body is not taken with the field Upgrade; leave that out, or send it by HTTP/1.1."
            )
        super().on_headers_complete()
        if len(self.pipeline) > MOST_BEHIND:
            self._refuse(
                f"More than {MOST_BEHIND} requests wait for an answer; take those before more are sent."
            )

    def on_body(self, body: bytes) -> None:
        self._read = True
        super().on_body(body)
        self._late += self.cycle.response_complete and len(body) < SMALL
        if self._late > MOST_LATE:
            self._refuse("The request was answered; send no more of its body.")

    def on_message_complete(self) -> None:
        self._read = True
        super().on_message_complete()

    def _count(self, size: int) -> None:
        self._of_fields += size
        if self._of_fields > MOST_OF_A_HEAD:
            self._refuse(TOO_LARGE)

    def _refuse(self, why: str) -> NoReturn:
        self._why = why
        raise TooMuch(why)


class TooMuch(Exception):
    """More was sent than is taken. The parser ends by it, and uvicorn answers 400 and closes."""
