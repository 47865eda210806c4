"""A server on 127.0.0.1 that is no store: it answers every request alike, and remembers what it heard."""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE = b"x" * (1 << 20)
PIECES_WITHOUT_END = 200  # enough that who takes them all is found out, and no machine is harmed
TOKEN = json.dumps({"access_token": "token", "expires_in": 3600, "token_type": "Bearer"}).encode()


class Site(ThreadingHTTPServer):
    """What it answers may be changed at any time. `/token` gives out tokens while `gives_tokens`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.fields: Mapping[str, str] = {"Content-Type": "text/html"}
        self.body: Iterable[bytes] = [b"<!doctype html><html><body>Welcome</body></html>"]
        self.gives_tokens = True
        self.heard: list[Message] = []  # the fields of each request
        self.sent = 0  # pieces of bodies

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, status: int, fields: Mapping[str, str], body: Iterable[bytes] = ()) -> None:
        """Answer so from now on."""
        self.status, self.fields, self.body = status, fields, body

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that break off are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def _handle(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.heard.append(self.headers)
        if self.path == "/token" and self.server.gives_tokens:
            self._answer(200, {"Content-Type": "application/json"}, [TOKEN])
        else:
            self._answer(self.server.status, self.server.fields, self.server.body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815  # the base class's names

    def _answer(self, status: int, fields: Mapping[str, str], body: Iterable[bytes]) -> None:
        self.close_connection = True
        self.send_response(status)
        told = {name.lower() for name in fields}
        for name, value in {**fields, "Connection": "close"}.items():
            self.send_header(name, value)
        chunked = "content-length" not in told
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.command == "HEAD":
            return
        for piece in body:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            self.server.sent += 1
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


def without_end() -> list[bytes]:
    """A body that goes on until nobody reads it."""
    return [PIECE] * PIECES_WITHOUT_END


@contextmanager
def site() -> Iterator[Site]:
    """The server, for the length of a block."""
    with Site() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield running
        finally:
            running.shutdown()
            thread.join()
