"""One HTTP request to an address that may be called on. Nobody is followed elsewhere, no proxy is asked."""

import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPResponse
from urllib.parse import urlsplit

from export_pipeline.connectors.addresses import connected
from export_pipeline.connectors.authorities import authorities
from export_pipeline.connectors.pacing import SECONDS_OF_PATIENCE, PacedConnection, PacedResponse

SECONDS_TO_CONNECT = 10
SECONDS_BETWEEN_BYTES = 60
PIECE = 1 << 18


class _Connection(PacedConnection):
    """Connects where `addresses` lets it, and asks for the certificate of the name all the same."""

    response_class = PacedResponse

    def __init__(self, host: str, port: int, *, tls: bool) -> None:
        super().__init__(host, port, blocksize=PIECE)
        self.default_port = 443 if tls else 80  # which the field Host leaves out
        self._tls = tls

    def connect(self) -> None:
        connection = connected(self.host, self.port, seconds=SECONDS_TO_CONNECT)
        if self._tls:
            trusted = ssl.create_default_context(cafile=authorities())
            connection = trusted.wrap_socket(connection, server_hostname=self.host)
        connection.settimeout(SECONDS_BETWEEN_BYTES)
        self.sock = connection  # now it is one that a request can go through


@contextmanager
def asked(
    method: str,
    url: str,
    headers: Mapping[str, str],
    *,
    body: Callable[[], Iterable[bytes]] | None = None,
    size: int = 0,
    seconds_to_take: float = SECONDS_OF_PATIENCE,
) -> Iterator[HTTPResponse]:
    """The answer, its body unread. `body` gives the `size` bytes to send.

    Whoever has them may copy or scan all of a file before they answer, for `seconds_to_take`.
    """
    parts = urlsplit(url)
    assert parts.hostname is not None
    tls = parts.scheme == "https"
    connection = _Connection(parts.hostname, parts.port or (443 if tls else 80), tls=tls)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    sent = dict(headers)
    if body is not None:
        sent["Content-Length"] = str(size)
    try:
        try:
            connection.request(method, target, body() if body else None, sent)
        except (BrokenPipeError, ConnectionResetError):
            # It may have said why before it hung up on us in the middle of the body.
            if connection.sock is None:
                raise
        if body is not None:
            connection.sock.settimeout(seconds_to_take)
        with connection.getresponse() as answer:  # which may hold the connection for itself
            yield answer
    finally:
        connection.close()
